import { getLogger } from "@logtape/logtape";
import { ADDRESS_ARGUMENT, ADDRESS_FLAGS, hubAddress } from "./client/address.ts";
import { CLIENT_LOG_FLAGS, startClientLogging } from "./client/client_flags.ts";
import { type CommandInput, defineCommand } from "../cli/command.ts";
import type { Context } from "../cli/context.ts";
import { CliError, EXIT, type ExitCode, UsageError } from "../cli/errors.ts";
import * as flag from "../cli/flags.ts";
import { ignoreStraySignals, watchInterrupts } from "../cli/signals.ts";
import { safeJson } from "../render/text.ts";
import { tokenOption } from "./client/token.ts";
import { shownUrl } from "../client.ts";
import { type Message, visible } from "../protocol.ts";
import type { CursorFile } from "./pipeline/cursor_file.ts";
import { checkDistinct } from "./pipeline/distinct.ts";
import { FIELD_NAMES, type FormatTemplate, parseTemplate } from "./pipeline/format.ts";
import { OutputWriter } from "./pipeline/output_writer.ts";
import { OutputLog } from "./pipeline/output_log.ts";
import { FOLLOW_FLAGS, openCursor, RoomFollower, tooFew } from "./pipeline/room_follower.ts";
import { watchReader } from "./pipeline/reader_watch.ts";
import { reopener } from "./pipeline/reopen.ts";
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
    help: "Exit after this long: 0, or 1 below --count",
  }),
  ...CLIENT_LOG_FLAGS,
};

type Input = CommandInput<typeof FLAGS>;

/** `bcast listen`. */
export const listen = defineCommand({
  name: "listen",
  // A helper program notices that nobody reads any more.
  startsPrograms: true,
  summary: "Print messages, for pipes and files",
  description: "Prints new messages until interrupted, starting with those selected by --cursor, " +
    "--after or --since. Reconnects and resumes without gaps if the hub goes away. Private " +
    "messages and presence are left to bcast connect. --format takes the fields " +
    `${FIELD_NAMES.join(", ")}.

With --cursor, a run resumes where the last one stopped: ` +
    "after a crash, the last lines may repeat; with --output, none do. Lines written to a " +
    "pipe count as read, even if a reader such as head exits first. To lose nothing, use " +
    "--output or bcast exec. If the hub no longer has the next messages, standard error " +
    "says so in a line that starts with ! GAP.",
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
  if (flags.output !== undefined && flags.cursor === undefined) {
    throw new UsageError("--output needs --cursor FILE: without it, append with >> instead");
  }
  await checkDistinct([
    { flag: "--cursor", path: flags.cursor },
    { flag: "--output", path: flags.output },
    { flag: "--log-file", path: flags.logFile },
  ]);
  await using logging = await startClientLogging(flags);
  ignoreStraySignals(context);
  // That nobody reads it is no reason to end.
  const say = (text: string): void => void stderr.write(text + "\n");
  using cursor = await openCursor(input);
  using output = await openOutput(flags.output, cursor, say);
  using interruption = watchInterrupts(context, reopener(logging, output));
  const token = await tokenOption(input, url);
  logger.info("Connecting to {url}", { url: shownUrl(url) });

  const stop = new AbortController();
  const over = AbortSignal.any([interruption.signal, stop.signal]);
  let late = false;
  const timer = flags.timeout === 0 ? undefined : setTimeout(() => {
    late = true;
    stop.abort();
  }, flags.timeout * 1000);
  using _watch = output === undefined ? watchReader(() => stop.abort()) : undefined;
  const journal = new OutputWriter({
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
    await using reading = RoomFollower.open(input, { url, token, cursor, say, signal: over });
    for await (const step of reading.steps()) {
      if (over.aborted) break;
      rooms.add(step.room);
      const text = step.message === undefined ? "" : line(step.message, step.epoch, rooms.size > 1);
      await journal.add(step, text);
      if (step.message !== undefined && ++count === flags.count) break;
    }
  } catch (error) {
    // What was asked of a hub that is away ends with everything else.
    if (!over.aborted) throw error;
  } finally {
    clearTimeout(timer);
    await journal.finish();
    // What was said without waiting is written before the program ends.
    await stderr.write("");
  }
  if (interruption.signal.aborted) return EXIT.interrupted;
  if (!late || flags.count === 0 || count === flags.count) return EXIT.done;
  await stderr.write(tooFew(count, flags.count, flags.timeout) + "\n");
  return EXIT.failed;
}

/** Opens the output file that goes with the cursor, if there is to be one. */
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
      "file. Name that file, or another cursor",
  );
}

/** Writes a message as it is printed; `tagged` when it is not clear in which room it was said. */
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
  // A file is read another day.
  const stamps = output === undefined ? "dated" : "datetime";
  return (message, _epoch, tagged) => renderMessage(message, plainView({ tagged, stamps })) + "\n";
}
