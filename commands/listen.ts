import { getLogger } from "@logtape/logtape";
import { ADDRESS_ARGUMENT, ADDRESS_FLAGS, hubAddress } from "./client/address.ts";
import { CLIENT_LOG_FLAGS, startClientLogging } from "./client/client_flags.ts";
import { FOLLOW_FLAGS, followSelection } from "./client/follow_flags.ts";
import { type CommandInput, defineCommand } from "../cli/command.ts";
import type { Context } from "../cli/context.ts";
import { CliError, EXIT, type ExitCode, UsageError } from "../cli/errors.ts";
import * as flag from "../cli/flags.ts";
import { ignoreStraySignals, watchInterrupts } from "../cli/signals.ts";
import { plural } from "../lib/words.ts";
import { tokenOption } from "./client/token.ts";
import { connectorFor } from "./client/trust.ts";
import { shownUrl } from "../client.ts";
import { type Message, safeJson, visible } from "../protocol.ts";
import { CursorFile } from "./pipeline/cursor_file.ts";
import { checkDistinctFiles } from "./pipeline/distinct.ts";
import { FIELD_NAMES, type FormatTemplate, parseTemplate } from "./pipeline/format.ts";
import { OutputWriter } from "./pipeline/output_writer.ts";
import { OutputLog } from "./pipeline/output_log.ts";
import { RoomFollower } from "./pipeline/room_follower.ts";
import { watchStdoutReader } from "./pipeline/reader_watch.ts";

import { renderMessage } from "../terminal/render.ts";
import { plainView } from "../terminal/view.ts";

const logger = getLogger(["bcast", "client"]);

const FLAGS = {
  ...ADDRESS_FLAGS,
  ...FOLLOW_FLAGS,
  output: flag.text({
    placeholder: "FILE",
    help: "Append to FILE, each message exactly once; needs --cursor",
  }),
  json: flag.toggle({ help: "Print messages as JSON, one object per line" }),
  format: flag.text({
    placeholder: "TEMPLATE",
    help: 'Print messages like "{sender}: {message}"',
  }),
  timeout: flag.seconds({
    fallback: 0,
    defaultText: "",
    min: 1,
    help: "Exit after TIME; code 1 if --count not reached",
  }),
  ...CLIENT_LOG_FLAGS,
};

type Input = CommandInput<typeof FLAGS>;

/** `bcast listen`. */
export const listen = defineCommand({
  name: "listen",
  // Runs `tail` to notice that the output's reader has gone.
  startsPrograms: true,
  summary: "Print messages, for pipes and files",
  description: "Prints new messages until interrupted, starting with those selected by --cursor, " +
    "--after or --since. Reconnects and resumes without gaps if the hub goes away. It " +
    "does not print private messages or presence; use bcast connect for those. --format takes the fields " +
    `${FIELD_NAMES.join(", ")}.

With --cursor, a run resumes where the last one stopped: ` +
    "after a crash, the last lines may repeat; with --output, none do. Lines written to a " +
    "pipe count as read, even if a reader such as head exits first. To lose nothing, use " +
    "--output or bcast exec. If the hub no longer has the next messages, standard error " +
    "says so in a line that starts with ! GAP.\n\nExits with 4 if the hub rejects the " +
    "connection (token or ban), or lets it into none of the rooms.",
  positional: ADDRESS_ARGUMENT,
  flags: FLAGS,
  examples: [
    ["listen --room builds --format '{time} {sender}: {message}'", "Follow a room"],
    ["listen --since 10m --json | jq .message", "Print the last ten minutes and what follows"],
    ["listen --cursor chat.cursor --output chat.log", "Keep a complete log across restarts"],
  ],
  run,
});

async function run(input: Input, context: Context): Promise<ExitCode> {
  const { flags } = input;
  const { stdout, stderr } = context;
  const url = hubAddress(input);
  const line = lineWriter(flags);
  const selection = followSelection(input);
  if (flags.output !== undefined && flags.cursor === undefined) {
    throw new UsageError("--output needs --cursor FILE: without it, append with >> instead");
  }
  await checkDistinctFiles([
    { flag: "--cursor", path: flags.cursor },
    { flag: "--output", path: flags.output },
    { flag: "--log-file", path: flags.logFile },
  ]);
  await using logging = await startClientLogging(flags);
  ignoreStraySignals(context);
  // Continues if standard error is closed.
  const say = (text: string): void => void stderr.write(text + "\n");
  using cursor = flags.cursor === undefined ? undefined : await CursorFile.open(flags.cursor);
  using output = await openOutput(flags.output, cursor, say);
  const writesFiles = logging.hasFile || output !== undefined;
  using interruption = watchInterrupts(
    context,
    writesFiles
      ? () => {
        void output?.reopen();
        logging.reopen();
      }
      : undefined,
  );
  const { token } = await tokenOption(input, url);
  await using connector = connectorFor(url, flags);
  logger.info("Connecting to {url}", { url: shownUrl(url) });

  const stop = new AbortController();
  const signal = AbortSignal.any([interruption.signal, stop.signal]);
  let timedOut = false;
  const timer = flags.timeout === 0 ? undefined : setTimeout(() => {
    timedOut = true;
    stop.abort();
  }, flags.timeout * 1000);
  using _watch = output === undefined ? watchStdoutReader(() => stop.abort()) : undefined;
  const writer = new OutputWriter({
    record: output === undefined
      ? async (text, rooms) => {
        if (!await stdout.write(text)) return false;
        await cursor?.save(rooms);
        return true;
      }
      : (text, rooms) => output.record(text, rooms),
    onEnd: () => stop.abort(),
  });
  const rooms = new Set<string>();
  let count = 0;
  try {
    await using follower = new RoomFollower({
      ...selection,
      url,
      token,
      environment: connector.environment,
      cursor,
      say,
      signal,
    });
    for await (const event of follower.events()) {
      if (signal.aborted) break;
      rooms.add(event.room);
      const { message, epoch } = event;
      await writer.add(event, message === undefined ? "" : line(message, epoch, rooms.size > 1));
      if (message !== undefined && ++count === flags.count) break;
    }
  } catch (error) {
    // After an abort, requests to an unreachable hub fail.
    if (!signal.aborted) throw error;
  } finally {
    clearTimeout(timer);
    await writer.finish();
    // Flushes earlier writes that were not awaited.
    await stderr.write("");
  }
  if (interruption.signal.aborted) return EXIT.interrupted;
  if (!timedOut || flags.count === 0 || count === flags.count) return EXIT.done;
  const received = count === 0 ? "No message" : `Only ${plural(count, "message")}`;
  const wanted = flags.count.toLocaleString("en-US");
  await stderr.write(`${received} of ${wanted} arrived within ${flags.timeout} s\n`);
  return EXIT.failed;
}

/** Opens the output file, if there is one. */
async function openOutput(
  path: string | undefined,
  cursor: CursorFile | undefined,
  say: (line: string) => void,
): Promise<OutputLog | undefined> {
  if (cursor === undefined) return undefined;
  if (path !== undefined) return await OutputLog.open(path, cursor, say);
  if (cursor.output === undefined) return undefined;
  throw new CliError(
    `Cannot use the cursor ${visible(cursor.path)} without --output: it belongs to an output ` +
      "file. Add that, or use another cursor",
  );
}

/** Formats a message; `tagged`: with its room, since several are followed. */
type LineWriter = (message: Message, epoch: string, tagged: boolean) => string;

function lineWriter({ json, format, output }: Input["flags"]): LineWriter {
  if (json && format !== undefined) {
    throw new UsageError("Cannot use --json together with --format: leave one out");
  }
  if (json) return (message) => safeJson(message) + "\n";
  if (format !== undefined) {
    const template: FormatTemplate | string = parseTemplate(format);
    if (typeof template === "string") throw new UsageError(`Cannot use this --format: ${template}`);
    return (message, epoch) => template({ message, epoch }) + "\n";
  }
  // A file may be read on another day.
  const stamps = output === undefined ? "dated" : "datetime";
  return (message, _epoch, tagged) => renderMessage(message, plainView({ tagged, stamps })) + "\n";
}
