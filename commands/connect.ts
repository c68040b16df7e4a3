import process from "node:process";
import { getLogger } from "@logtape/logtape";
import { ADDRESS_ARGUMENT, ADDRESS_FLAGS, hubAddress } from "../cli/address.ts";
import { type CommandInput, defineCommand } from "../cli/command.ts";
import type { Context } from "../cli/context.ts";
import { EXIT, type ExitCode } from "../cli/errors.ts";
import * as flag from "../cli/flags.ts";
import { LOG_FLAGS, startLogging } from "../cli/logging.ts";
import { dataDirectory } from "../cli/paths.ts";
import { type Interruption, watchInterrupts } from "../cli/signals.ts";
import { plural } from "../cli/text.ts";
import { type Way, wayTo } from "../cli/trust.ts";
import { connect as converse, type ConnectOptions, shownUrl } from "../client.ts";
import { isRoomName, normalizeName, visible } from "../protocol.ts";
import { Chat } from "../terminal/chat.ts";
import { Editor, type EditorStreams } from "../terminal/editor.ts";
import { readLastName, writeLastName } from "../terminal/last_name.ts";
import { pipe } from "../terminal/pipe.ts";

const logger = getLogger(["bcast", "client"]);

const NAME = "a name of 1 to 32 visible characters without / @ # :";

const FLAGS = {
  ...ADDRESS_FLAGS,
  room: flag.list({
    fallback: [],
    placeholder: "ROOM",
    shown: "the hub's own",
    expects: "a room: 1 to 64 of a-z 0-9 . _ - that start with a letter or digit",
    accepts: isRoomName,
    help: "Room to be in; may be given several times, you speak in the first",
  }),
  name: flag.value<string | undefined>({
    fallback: undefined,
    placeholder: "NAME",
    expects: NAME,
    read: normalizeName,
    help: "Your name; without it a terminal asks, and a script is a guest",
  }),
  token: flag.text({
    placeholder: "TOKEN",
    help: "What lets you in, where the hub asks for it; safer as BCAST_TOKEN, as other users " +
      "of a machine can see command lines",
  }),
  json: flag.toggle({ help: "Print what is received as JSON, one object a line" }),
  logFile: LOG_FLAGS.logFile,
  logLevel: LOG_FLAGS.logLevel,
  logFormat: LOG_FLAGS.logFormat,
};

type Input = CommandInput<typeof FLAGS>;

/** `bcast connect`. */
export const connect = defineCommand({
  name: "connect",
  summary: "Join a hub and talk",
  about: "On a terminal: type to talk, /help for what else there is, /quit or Ctrl-C to leave. " +
    "Ctrl-C ends with 0, or with 130 when messages were left that the hub never had.\n\n" +
    "Without a terminal, or with --json: sends each line of the input as a message, prints what " +
    "others say, and ends when the input has ended and the hub has every line.",
  positional: ADDRESS_ARGUMENT,
  flags: FLAGS,
  examples: [
    ["connect", "Talk through the hub on this machine"],
    ["connect 192.168.1.5 --room team --name Alice", "Talk through another machine's hub"],
    ['echo "build is green" | bcast connect --name ci', "Say one thing"],
    ["connect --json --room team < /dev/null", "The last messages of a room, for a program"],
  ],
  run,
});

async function run(input: Input, context: Context): Promise<ExitCode> {
  const { flags } = input;
  const url = hubAddress(input);
  await using _logging = await startLogging({
    level: flags.logLevel,
    format: flags.logFormat,
    ...(flags.logFile === undefined ? {} : { file: flags.logFile }),
  });
  await using way = wayTo(url, flags);
  using interruption = watchInterrupts(context);
  logger.info("Connecting to {url}", { url: shownUrl(url) });
  const options: ConnectOptions = {
    url,
    ...(flags.name === undefined ? {} : { sender: flags.name }),
    ...(flags.token === undefined ? {} : { token: flags.token }),
    ...(flags.room.length === 0 ? {} : { rooms: flags.room.map((room) => ({ room })) }),
  };
  const terminal = context.stdin.isTerminal && context.stdout.isTerminal && !flags.json;
  if (terminal) return await talk(options, way, context, interruption);
  await using conversation = converse({ ...options, echo: false }, way.seams);
  return await pipe({
    conversation,
    input: context.stdin.readable,
    stdout: context.stdout,
    stderr: context.stderr,
    json: flags.json,
    signal: interruption.signal,
  });
}

async function talk(
  options: ConnectOptions,
  way: Way,
  context: Context,
  interruption: Interruption,
): Promise<ExitCode> {
  const streams: EditorStreams = { input: process.stdin, output: process.stdout };
  using editor = new Editor(streams);
  const { signal } = interruption;
  const hangUp = (): void => editor[Symbol.dispose]();
  signal.addEventListener("abort", hangUp, { once: true });
  const sender = options.sender ?? await askName(editor, context);
  signal.removeEventListener("abort", hangUp);
  if (sender === undefined || signal.aborted) return EXIT.interrupted;
  await using conversation = converse({ ...options, sender }, way.seams);
  const chat = new Chat(conversation, editor, {
    color: context.stdout.color,
    onName: (name) => {
      // The names that the hub gives to those who have none are nobody's own.
      if (!name.startsWith("guest-")) void writeLastName(dataDirectory(context), name);
    },
  });
  const leave = (): void => void chat.leave();
  signal.addEventListener("abort", leave, { once: true });
  editor.listen(chat);
  const undelivered = await chat.run();
  editor[Symbol.dispose]();
  if (undelivered === 0) return EXIT.done;
  await context.stderr.write(`${plural(undelivered, "message")} never reached the hub\n`);
  return EXIT.interrupted;
}

/** Asks for a name until there is a good one; `undefined` when the user would rather leave. */
async function askName(editor: Editor, context: Context): Promise<string | undefined> {
  const user = context.env("USER") ?? context.env("USERNAME") ?? "";
  const offer = await readLastName(dataDirectory(context)) ?? normalizeName(user);
  const question = offer === undefined ? "Your name: " : `Your name [${visible(offer)}]: `;
  for (;;) {
    // deno-lint-ignore no-await-in-loop -- one question after the other
    const answer = await editor.ask(question);
    if (answer === undefined) return undefined;
    const name = answer.trim() === "" ? offer : normalizeName(answer);
    if (name !== undefined) return name;
    editor.print(`That is not ${NAME}.`);
  }
}
