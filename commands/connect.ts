import { isPrivateCommand } from "../terminal/completion.ts";
import { SHORTCUTS } from "../terminal/shortcuts.ts";
import { getLogger } from "@logtape/logtape";
import { VERIFIED_WORD } from "../chat/sender.ts";
import { ADDRESS_ARGUMENT, ADDRESS_FLAGS, hubAddress } from "./client/address.ts";
import {
  CLIENT_LOG_FLAGS,
  NAME,
  nameFlag,
  roomsFlag,
  startClientLogging,
} from "./client/client_flags.ts";
import { type CommandInput, defineCommand } from "../cli/command.ts";
import { type Context, isDumb } from "../cli/context.ts";
import { EXIT, type ExitCode } from "../cli/errors.ts";
import * as flag from "../cli/flags.ts";
import { dataDirectory } from "../cli/paths.ts";
import { currentLaunch, programName, shellWord } from "../cli/shell.ts";
import { ignoreStraySignals, type Interruption, watchInterrupts } from "../cli/signals.ts";
import { PROGRAM } from "../lib/version.ts";
import { plural } from "../lib/words.ts";
import { backgroundOfNumbers } from "../render/background.ts";
import { TOKEN_FLAGS, tokenOption } from "./client/token.ts";
import { connectorFor, type HubConnector } from "./client/trust.ts";
import { connect as converse, type ConnectOptions, HubApi, shownUrl } from "../client.ts";
import { DEFAULT_PORT, DEFAULT_ROOM, normalizeName, visible } from "../protocol.ts";
import { lacksSymbols } from "../terminal/view.ts";
import { TerminalChat } from "../terminal/terminal_chat.ts";
import { Editor } from "../editor/editor.ts";
import { FileHistory } from "../editor/input_history.ts";
import { readLastName, writeLastName } from "../terminal/last_used_name.ts";
import type { Background } from "../render/palette.ts";
import { viaOption } from "./pipeline/via.ts";
import { pipe } from "./pipeline/pipe.ts";
import { PlainScreen } from "../editor/plain_screen.ts";
import type { InteractiveScreen } from "../editor/screen.ts";
import { type Bell, BELLS, readSettings, writeSettings } from "../terminal/settings.ts";
import { SystemTerminal } from "../editor/terminal.ts";

const logger = getLogger(["bcast", "client"]);

const FLAGS = {
  ...ADDRESS_FLAGS,
  room: roomsFlag("Room to join; messages go to the first (repeatable)"),
  name: nameFlag({ help: "Your name; asked for on a terminal, guest otherwise" }),
  ...TOKEN_FLAGS,
  bell: flag.choice(BELLS, {
    defaultText: "mention",
    help: "When the terminal bell rings",
  }),
  json: flag.toggle({ help: "Print received events as JSON, one per line" }),
  ...CLIENT_LOG_FLAGS,
};

type Input = CommandInput<typeof FLAGS>;

/** Terminals (`TERM`) that do not answer queries; some would print them. */
const UNASKED: readonly string[] = ["", "dumb", "linux"];

/** `bcast connect`. */
export const connect = defineCommand({
  name: "connect",
  // Ctrl-Z runs ps to find out whether a shell waits for the program.
  startsPrograms: true,
  summary: "Join a hub and chat",
  description: "On a terminal: type to send, /help lists the commands, /quit or Ctrl-C leaves. " +
    "Terminals without escape sequences (TERM=dumb) work line by line. Exits with 130 if " +
    "messages were left unsent.\n\nWithout a terminal, or with --json: sends each line of " +
    "standard input as a message, prints what is received, and exits once the input has " +
    "ended and the hub has every line.",
  positional: ADDRESS_ARGUMENT,
  flags: FLAGS,
  examples: [
    ["connect", "Join the hub on this machine"],
    ["connect 192.168.1.5 --room team --name Alice", "Join a room on another machine"],
    ['echo "build is green" | bcast connect --name ci', "Send one message"],
    ["connect --json --room team < /dev/null", "Print the last messages of a room as JSON"],
  ],
  run,
});

async function run(input: Input, context: Context): Promise<ExitCode> {
  const { flags } = input;
  const url = hubAddress(input);
  await using _logging = await startClientLogging(flags);
  await using way = connectorFor(url, flags);
  ignoreStraySignals(context);
  using interruption = watchInterrupts(context);
  logger.info("Connecting to {url}", { url: shownUrl(url) });
  const options: ConnectOptions = {
    url,
    client: PROGRAM,
    sender: flags.name,
    ...await tokenOption(input, url),
    rooms: flags.room.length === 0 ? undefined : flags.room.map((room) => ({ room })),
  };
  const terminal = context.stdin.isTerminal && context.stdout.isTerminal && !flags.json;
  if (terminal) return await talk({ ...options, url }, way, flags.bell, context, interruption);
  const via = viaOption(context.env);
  await using connection = converse({ ...options, echo: false }, way.environment);
  return await pipe({
    connection,
    via,
    input: context.stdin.readable,
    stdout: context.stdout,
    stderr: context.stderr,
    json: flags.json,
    isTyped: context.stdin.isTerminal,
    signal: interruption.signal,
  });
}

async function talk(
  options: ConnectOptions & { readonly url: URL },
  way: HubConnector,
  bell: Bell | undefined,
  context: Context,
  interruption: Interruption,
): Promise<ExitCode> {
  await using history = await FileHistory.open(dataDirectory(context));
  using screen: InteractiveScreen = isDumb(context)
    ? new PlainScreen({
      output: context.stdout,
      input: context.stdin.readable,
      isCommand: isPrivateCommand,
    })
    : new Editor(new SystemTerminal(), { history, shortcuts: new Set(SHORTCUTS.keys()) });
  const { signal } = interruption;
  const hangUp = (): void => screen[Symbol.dispose]();
  signal.addEventListener("abort", hangUp, { once: true });
  const answer = options.sender === undefined ? await askName(screen, context) : options;
  signal.removeEventListener("abort", hangUp);
  if (answer === undefined || signal.aborted) return EXIT.interrupted;
  const { sender } = answer;
  const directory = dataDirectory(context);
  let kept = await readSettings(directory);
  // Serialized, and finished before the program exits.
  let keeping: Promise<unknown> = Promise.resolve();
  const keep = <T>(task: () => Promise<T>): Promise<T> => {
    const done = keeping.then(task);
    keeping = done;
    return done;
  };
  // A plain screen already shows the typed text.
  const echo = screen.plain !== true;
  await using conversation = converse({ ...options, ...answer, echo }, way.environment);
  const over = new AbortController();
  using stack = new DisposableStack();
  stack.defer(() => over.abort());
  const { token } = options;
  const api = new HubApi({
    url: options.url,
    token,
    fetch: way.environment.fetch,
    signal: over.signal,
  });
  const home = context.env("HOME") ?? context.env("USERPROFILE");
  const background = context.stdout.color ? await backgroundOf(screen, context) : undefined;
  const chat = new TerminalChat(conversation, screen, {
    color: context.stdout.color,
    settings: bell === undefined ? kept : { ...kept, bell },
    address: shownUrl(options.url),
    ...sender === undefined ? {} : { wanted: sender },
    invite: (room) => invitation(options.url, room),
    ...lacksSymbols(context.env) ? { verifiedMark: VERIFIED_WORD } : {},
    hubRooms: async () => (await api.rooms()).rooms,
    ...background === undefined ? {} : { background },
    ...home === undefined ? {} : { home },
    onSettings: (changed) => {
      // Without the flags, which apply to this run only.
      kept = { ...kept, ...changed };
      return keep(() => writeSettings(directory, kept));
    },
    onName: (name) => void keep(() => writeLastName(directory, name)),
  });
  const leave = (): void => void chat.leave();
  signal.addEventListener("abort", leave, { once: true });
  screen.listen(chat);
  const undelivered = await chat.run().finally(() => {
    for (const draft of chat.drafts) history.add(draft);
    return keeping;
  });
  screen[Symbol.dispose]();
  if (undelivered === 0) return EXIT.done;
  await context.stderr.write(`${plural(undelivered, "message")} never reached the hub\n`);
  return EXIT.interrupted;
}

/** The terminal's background, from the environment or the terminal's answer. */
async function backgroundOf(
  screen: InteractiveScreen,
  context: Context,
): Promise<Background | undefined> {
  const known = backgroundOfNumbers(context.env("COLORFGBG"));
  if (known !== undefined || UNASKED.includes(context.env("TERM") ?? "")) return known;
  return screen instanceof Editor ? await screen.background() : undefined;
}

/** The command with which others join a room of this hub. */
function invitation(url: URL, room: string): string {
  const program = `${programName(currentLaunch())} connect`;
  const { protocol, host, port, pathname } = url;
  const address = protocol === "ws:" && port !== "" && pathname === "/" ? host : shownUrl(url);
  const isNear = host === `localhost:${DEFAULT_PORT}`;
  return [
    program,
    ...isNear ? [] : [shellWord(address)],
    ...room === DEFAULT_ROOM ? [] : [`--room ${room}`],
  ].join(" ");
}

/**
 * Asks for a name until the answer is valid. Enter accepts the suggestion; without one, the user is a
 * guest, without a `sender`. Returns `undefined` if the user leaves.
 */
async function askName(
  screen: InteractiveScreen,
  context: Context,
): Promise<{ readonly sender?: string } | undefined> {
  const user = context.env("USER") ?? context.env("USERNAME") ?? "";
  const offer = await readLastName(dataDirectory(context)) ?? normalizeName(user);
  const question = `Your name [${offer === undefined ? "guest" : visible(offer)}]: `;
  for (;;) {
    const answer = await screen.ask(question);
    if (answer === undefined) return undefined;
    const isEmpty = answer.trim() === "";
    if (isEmpty && offer === undefined) return {};
    const sender = isEmpty ? offer : normalizeName(answer);
    if (sender !== undefined) return { sender };
    screen.print(`That is not ${NAME}.`);
  }
}
