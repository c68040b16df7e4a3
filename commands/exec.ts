import { getLogger } from "@logtape/logtape";
import { hubAddress } from "./client/address.ts";
import { ACCESS_FLAGS, CLIENT_LOG_FLAGS, startClientLogging } from "./client/client_flags.ts";
import { FOLLOW_FLAGS, followSelection } from "./client/follow_flags.ts";
import { type CommandInput, defineCommand } from "../cli/command.ts";
import type { Context } from "../cli/context.ts";
import { CliError, EXIT, type ExitCode, UsageError } from "../cli/errors.ts";
import * as flag from "../cli/flags.ts";
import { ignoreStraySignals, watchInterrupts } from "../cli/signals.ts";
import { tokenOption } from "./client/token.ts";
import { connectorFor } from "./client/trust.ts";
import { shownUrl } from "../client.ts";
import { wallClock } from "../lib/clock.ts";
import { visible } from "../protocol.ts";
import { ChildRunner } from "./pipeline/child.ts";
import { checkDistinctFiles } from "./pipeline/distinct.ts";
import { clearedMessage, hubEnvironment } from "./pipeline/child_environment.ts";
import { execute, type ExecuteOptions, ON_ERROR } from "./pipeline/execute.ts";
import { CursorFile } from "./pipeline/cursor_file.ts";
import { FailedFile } from "./pipeline/failed_file.ts";
import { OutputWriter } from "./pipeline/output_writer.ts";
import { RoomFollower } from "./pipeline/room_follower.ts";
import { programId } from "./pipeline/via.ts";

const logger = getLogger(["bcast", "client"]);

/** The most commands at once: below any system's usual process limit. */
const MAX_PARALLEL = 256;

const FLAGS = {
  ...ACCESS_FLAGS,
  ...FOLLOW_FLAGS,
  parallel: flag.integer({
    fallback: 1,
    min: 1,
    max: MAX_PARALLEL,
    help: "Run up to this many commands at once, unordered",
  }),
  timeout: flag.seconds({
    fallback: 0,
    defaultText: "",
    min: 1,
    help: "Stop commands that run longer; counts as failed",
  }),
  onError: flag.choice(ON_ERROR, {
    fallback: "stop",
    help: "On failure: exit with 1, skip, or retry",
  }),
  retries: flag.integer({
    fallback: 0,
    defaultText: "unlimited",
    min: 1,
    help: "Maximum retries per message",
  }),
  failed: flag.text({
    placeholder: "FILE",
    help: "Append messages whose command failed to FILE",
  }),
  echo: flag.toggle({ help: "Also run for messages that this command caused" }),
  shareToken: flag.toggle({ help: "Pass the token to the command, so it can reply" }),
  json: flag.toggle({ help: "Pass the whole message as one line of JSON" }),
  ...CLIENT_LOG_FLAGS,
};

type Input = CommandInput<typeof FLAGS>;

/** `bcast exec`. */
export const exec = defineCommand({
  name: "exec",
  startsPrograms: true,
  summary: "Run a command for each message",
  description:
    "Follows rooms as bcast listen does and runs the command once per message, in order. " +
    "The command reads the text (or the data, if there is no text) on standard input. Its " +
    "environment holds BCAST_ROOM, BCAST_MESSAGE_ID, BCAST_MESSAGE_SENDER, " +
    "BCAST_MESSAGE_ACCOUNT, BCAST_MESSAGE_TIMESTAMP, BCAST_MESSAGE_KIND, BCAST_MESSAGE_DATA and BCAST_MESSAGE_EPOCH. " +
    "No shell interprets any of it.\n\nbcast send in the command replies in the same room of " +
    "the same hub. The command gets the token only with --share-token. Messages sent by the " +
    "command are ignored, to prevent loops.\n\nWith --cursor, a " +
    "message is done once its command exits with 0; the next run resumes at the first one " +
    "that is not. Ctrl-C waits for running commands; a second Ctrl-C kills them and all " +
    "their child processes.",
  words: {
    placeholder: "COMMAND [ARG...]",
    help: "Command to run; pipes and variables need a shell: sh -c '...'",
    afterDashes: true,
    required: true,
  },
  flags: FLAGS,
  examples: [
    ["exec --room alerts -- notify-send Alert", "Run a program for each message"],
    [
      "exec --room jobs --cursor jobs.cursor --parallel 4 -- ./work.sh",
      "Process each message until it is done, across restarts",
    ],
    [
      "exec --timeout 5m --retries 3 --failed bad.jsonl -- ./work.sh",
      "Limit time and retries, and keep failed messages",
    ],
    [`exec -- sh -c 'echo "$BCAST_MESSAGE_SENDER: $(cat)"'`, "Use a shell"],
  ],
  run,
});

async function run(input: Input, context: Context): Promise<ExitCode> {
  const { flags, words: [command, ...args] } = input;
  if (command === undefined || command === "") {
    throw new UsageError("No command given. Write it after --, as in bcast exec -- cat");
  }
  const url = hubAddress(input);
  const onError = errorPolicy(input);
  const selection = followSelection(input);
  await checkDistinctFiles([
    { flag: "--cursor", path: flags.cursor },
    { flag: "--failed", path: flags.failed },
    { flag: "--log-file", path: flags.logFile },
  ]);
  await using logging = await startClientLogging(flags);
  const { token } = await tokenOption(input, url);
  const id = await programId(shownUrl(url), flags.room, input.words);
  const children = new ChildRunner({
    command,
    args,
    json: flags.json,
    env: {
      ...clearedMessage(context.env),
      ...hubEnvironment({
        url,
        ca: flags.ca,
        fingerprint: flags.fingerprint,
        shareToken: flags.shareToken,
        token,
        tokenFile: flags.tokenFile,
        noConfig: context.os === "windows" ? "NUL" : "/dev/null",
      }),
    },
    id,
    timeout: flags.timeout * 1000,
    clock: wallClock,
  });
  // Continues if standard error is closed.
  const say = (line: string): void => void context.stderr.write(line + "\n");
  const exit = (code: number): void => {
    children.kill();
    context.exit(code);
  };
  ignoreStraySignals(context);
  using interruption = watchInterrupts(
    { ...context, exit },
    logging.hasFile ? () => logging.reopen() : undefined,
  );
  using cursor = flags.cursor === undefined ? undefined : await CursorFile.open(flags.cursor);
  if (cursor?.output !== undefined) {
    throw new CliError(
      `Cannot use the cursor ${visible(cursor.path)}: it belongs to an output file of ` +
        "bcast listen. Use another cursor",
    );
  }
  const failed = flags.failed === undefined ? undefined : await FailedFile.open(flags.failed);
  logger.info("Connecting to {url}", { url: shownUrl(url) });
  await using connector = connectorFor(url, flags);
  const stop = new AbortController();
  const signal = AbortSignal.any([interruption.signal, stop.signal]);
  const writer = new OutputWriter({
    // The commands write the output themselves: this only saves the cursor.
    record: async (_text, rooms) => {
      await cursor?.save(rooms);
      return true;
    },
    onEnd: () => stop.abort(),
  });
  let completed = true;
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
    completed = await execute({
      events: follower.events(),
      run: (received) => children.run(received),
      parallel: flags.parallel,
      onError,
      retries: flags.retries === 0 ? Infinity : flags.retries,
      keepFailed: failed && ((message) => failed.append(message, new Date())),
      isIgnored: ({ via }) => !flags.echo && via?.includes(id) === true,
      count: flags.count,
      onDone: (event) => void writer.add(event, ""),
      say,
      stop: () => stop.abort(),
      signal,
      clock: wallClock,
    });
  } finally {
    await writer.finish();
    // Flushes earlier writes that were not awaited.
    await context.stderr.write("");
  }
  if (interruption.signal.aborted) return EXIT.interrupted;
  return completed ? EXIT.done : EXIT.failed;
}

/** The policy of --on-error, by default implied by --retries and --failed. */
function errorPolicy({ flags, source }: Input): ExecuteOptions["onError"] {
  const { onError, retries, failed } = flags;
  const isExplicit = source("onError") !== "default";
  if (isExplicit && onError === "stop" && failed !== undefined) {
    throw new UsageError("Cannot use --failed together with --on-error stop: leave one out");
  }
  if (isExplicit && onError !== "retry" && retries > 0) {
    throw new UsageError(`Cannot use --retries together with --on-error ${onError}: leave one out`);
  }
  if (isExplicit) return onError;
  if (retries > 0) return "retry";
  return failed === undefined ? "stop" : "skip";
}
