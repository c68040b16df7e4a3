import { getLogger } from "@logtape/logtape";
import { hubAddress } from "../cli/address.ts";
import { ACCESS_FLAGS, CLIENT_LOG_FLAGS, startClientLogging } from "../cli/client_flags.ts";
import { type CommandInput, defineCommand } from "../cli/command.ts";
import type { Context } from "../cli/context.ts";
import { CliError, EXIT, type ExitCode, UsageError } from "../cli/errors.ts";
import * as flag from "../cli/flags.ts";
import { watchInterrupts } from "../cli/signals.ts";
import { shownUrl } from "../client.ts";
import { systemClock } from "../client/clock.ts";
import { visible } from "../protocol.ts";
import { ChildRunner } from "../stream/child.ts";
import { execute, ON_ERROR } from "../stream/execute.ts";
import { Journal } from "../stream/journal.ts";
import { openCursor, Reading, READING_FLAGS } from "../stream/reading.ts";

const logger = getLogger(["bcast", "client"]);

/** Commands at once at most: what a user's limit on processes allows anywhere. */
const MAX_PARALLEL = 256;

const FLAGS = {
  ...ACCESS_FLAGS,
  ...READING_FLAGS,
  parallel: flag.integer({
    fallback: 1,
    min: 1,
    max: MAX_PARALLEL,
    help: "Commands that may run at once; with more than one they end in any order",
  }),
  onError: flag.choice(ON_ERROR, {
    fallback: "stop",
    help: "What to do when a command fails: end with 1, pass the message over, or run it again, " +
      "after 1 s and then ever more rarely",
  }),
  json: flag.toggle({ help: "Give the command the whole message, as JSON on one line" }),
  ...CLIENT_LOG_FLAGS,
};

type Input = CommandInput<typeof FLAGS>;

/** `bcast exec`. */
export const exec = defineCommand({
  name: "exec",
  startsPrograms: true,
  summary: "Run a command for each message",
  about:
    "Follows rooms as bcast listen does, and runs the command once for each message, one after " +
    "the other. The command reads the text (or the data, where there is no text) on its standard " +
    "input. It finds BCAST_ROOM, BCAST_MESSAGE_ID, _SENDER, _TIMESTAMP, _KIND, _DATA and _EPOCH " +
    "in its environment. No shell ever sees a word of it.\n\n" +
    "With --cursor, a message is done once its command has ended with 0: the next run goes on " +
    "with the first that is not. Ctrl-C lets the running commands end; the second one kills them.",
  words: {
    placeholder: "COMMAND [ARG...]",
    help: "What to run, as it is: pipes and variables need a shell, as in sh -c '...'",
    afterDashes: true,
  },
  flags: FLAGS,
  examples: [
    ["exec --room alerts -- notify-send Alert", "Run a program when something is said"],
    [
      "exec --room jobs --cursor jobs.cursor --parallel 4 -- ./work.sh",
      "Work through messages, each until it is done, also across restarts",
    ],
    [`exec -- sh -c 'echo "$BCAST_MESSAGE_SENDER: $(cat)"'`, "Use a shell of your own"],
  ],
  run,
});

async function run(input: Input, context: Context): Promise<ExitCode> {
  const { flags, words: [command, ...args] } = input;
  if (command === undefined || command === "") {
    throw new UsageError("There is no command to run: write it after --, as in bcast exec -- cat");
  }
  const url = hubAddress(input);
  await using _logging = await startClientLogging(flags);
  const children = new ChildRunner(command, args, flags.json);
  using interruption = watchInterrupts({
    ...context,
    exit: (code) => {
      children.kill();
      context.exit(code);
    },
  });
  using cursor = await openCursor(input);
  if (cursor?.output !== undefined) {
    throw new CliError(
      `Cannot use the cursor ${
        visible(cursor.path)
      }: it goes with an output file of bcast listen. ` +
        "Name another cursor",
    );
  }
  logger.info("Connecting to {url}", { url: shownUrl(url) });
  // That nobody reads it is no reason to end.
  const say = (line: string): void => void context.stderr.write(line + "\n");
  const stop = new AbortController();
  const over = AbortSignal.any([interruption.signal, stop.signal]);
  const journal = new Journal({
    // The commands write for themselves: only the cursor is kept.
    drain: { write: () => Promise.resolve(true) },
    cursor,
    onEnd: () => stop.abort(),
  });
  let whole = true;
  try {
    await using reading = await Reading.open(input, { url, cursor, say, signal: over });
    whole = await execute({
      steps: reading.steps(),
      run: (said) => children.run(said),
      parallel: flags.parallel,
      onError: flags.onError,
      count: flags.count,
      onDone: (step) => void journal.add(step, ""),
      say,
      stop: () => stop.abort(),
      signal: over,
      clock: systemClock,
    });
  } finally {
    await journal.finish();
    // What was said without waiting is written before the program ends.
    await context.stderr.write("");
  }
  if (interruption.signal.aborted) return EXIT.interrupted;
  return whole ? EXIT.done : EXIT.failed;
}
