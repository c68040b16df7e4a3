import { getLogger } from "@logtape/logtape";
import { hubAddress } from "./client/address.ts";
import {
  ACCESS_FLAGS,
  CLIENT_LOG_FLAGS,
  nameFlag,
  roomFlag,
  startClientLogging,
  WAIT,
} from "./client/client_flags.ts";
import { type CommandInput, defineCommand } from "../cli/command.ts";
import { type Context, isDumb } from "../cli/context.ts";
import { EXIT, type ExitCode, UsageError } from "../cli/errors.ts";
import { explain } from "./explain_error.ts";
import * as flag from "../cli/flags.ts";
import { ignoreStraySignals, watchInterrupts } from "../cli/signals.ts";
import { tokenOption } from "./client/token.ts";
import { connectorFor, type HubConnector } from "./client/trust.ts";
import {
  type ClientConnection,
  connect,
  type ConnectOptions,
  type RequestError,
  shownUrl,
} from "../client.ts";
import { wallClock } from "../lib/clock.ts";
import {
  itemsOf,
  jsonItem,
  type OutgoingContent,
  type OutgoingItem,
  textItem,
} from "./pipeline/input.ts";
import { PROGRAM } from "../lib/version.ts";
import { inputLines } from "../lib/input_lines.ts";
import { ReconnectDeadline } from "./pipeline/connection_events.ts";
import { SendProgress } from "./pipeline/progress.ts";
import { sendAll, type SendCounts, type SendResult } from "./pipeline/send.ts";
import { ConnectionNotices, interruptedLine } from "./pipeline/connection_events.ts";
import { UnsentReport } from "./pipeline/unsent_report.ts";
import { joinVia, viaOption } from "./pipeline/via.ts";

const logger = getLogger(["bcast", "client"]);

/**
 * Seconds to wait for a lost hub: a little less than the hub remembers received messages, so that one
 * whose ack was lost is never stored twice.
 */
const RETRY_FOR = 240;

const FLAGS = {
  ...ACCESS_FLAGS,
  room: roomFlag("Room to send to"),
  name: nameFlag({ help: "Your name (a guest without one)" }),
  to: nameFlag({
    once: true,
    help: "Send privately to this user instead of a room",
  }),
  null: flag.toggle({ help: "Input messages end with NUL instead of a newline" }),
  json: flag.toggle({
    help: 'Input lines are JSON with "message", "data" or both',
  }),
  wait: WAIT,
  retryFor: flag.seconds({
    fallback: RETRY_FOR,
    help: "Time to wait for a lost hub (0 = forever)",
  }),
  ...CLIENT_LOG_FLAGS,
};

type Input = CommandInput<typeof FLAGS>;

/** `bcast send`. */
export const send = defineCommand({
  name: "send",
  summary: "Send messages from a script or pipe",
  description:
    "Sends the words as one message. Without words, sends each non-blank line of standard " +
    "input.\n\nExits with 0 once the hub has stored every message; with --to, once it has " +
    "delivered it, as private messages are not stored. Exits with 1 if a message was not sent, " +
    "as when the room is closed or the token only permits reading, and says which lines, and " +
    "why; with 3 if no hub could be reached; with 4 if the hub rejects the connection: token " +
    "or ban.\n\nIf the hub restarts meanwhile, bcast send reconnects and sends nothing twice; " +
    "only with --retry-for over 5 minutes, a message whose acknowledgement was lost may be " +
    "stored twice.",
  words: {
    placeholder: "TEXT...",
    help: "The message; with - or without it, reads standard input",
  },
  flags: FLAGS,
  examples: [
    ['send "the build is green" --room dev --name ci', "Send one message"],
    ["tail -f app.log | bcast send --room logs", "Send every line as it is written"],
    [`echo '{"data":{"cpu":0.7}}' | bcast send --json --room metrics`, "Send data"],
  ],
  run,
});

async function run(input: Input, context: Context): Promise<ExitCode> {
  const { flags } = input;
  const words = wordsOf(input);
  const url = hubAddress(input);
  if (words.length > 0 && (flags.json || flags.null)) {
    throw new UsageError(
      "Cannot use --json or --null together with TEXT: they apply to standard input",
    );
  }
  if (flags.to !== undefined && input.source("room") === "flag") {
    throw new UsageError("Cannot use --room together with --to: leave one out");
  }
  if (words.length > 0 && words.join(" ").trim() === "") {
    throw new UsageError("Cannot send a blank message: write some text");
  }
  await using _logging = await startClientLogging(flags);
  logger.info("Connecting to {url}", { url: shownUrl(url) });
  const options: ConnectOptions = {
    url,
    client: PROGRAM,
    echo: false,
    retryFirst: flags.wait,
    sender: flags.name,
    ...await tokenOption(input, url),
    rooms: flags.to !== undefined
      ? []
      : flags.room === undefined
      ? undefined
      : [{ room: flags.room, recent: 0, presence: "none" }],
  };
  await using connector = connectorFor(url, flags);
  const outcome = await sendInput(input, options, connector, context);
  const code = await report(outcome, words.length > 0, context);
  // Flushes earlier writes that were not awaited.
  await context.stderr.write("");
  return code;
}

/** The words of the message; none to read standard input, as with `-`. */
function wordsOf({ words }: Input): readonly string[] {
  return words.length === 1 && words[0] === "-" ? [] : words;
}

interface Outcome {
  readonly result: SendResult;
  readonly unsent: UnsentReport;
  /** The error that ended the connection, if any. */
  readonly error: unknown;
  /** Whether the hub was ever reached. */
  readonly wasOnline: boolean;
  readonly gaveUp: boolean;
  readonly interrupted: boolean;
  readonly retryFor: number;
}

async function sendInput(
  input: Input,
  options: ConnectOptions,
  connector: HubConnector,
  context: Context,
): Promise<Outcome> {
  const { flags } = input;
  const words = wordsOf(input);
  const { stderr, stdin } = context;
  ignoreStraySignals(context);
  const via = viaOption(context.env);
  using interruption = watchInterrupts(context);
  await using connection = connect(options, connector.environment);
  const counts: SendCounts = { sent: 0, acked: 0, rejected: 0 };
  using progress = stderr.isTerminal && !isDumb(context) && words.length === 0
    ? new SendProgress(stderr, wallClock, counts)
    : undefined;
  const say = (line: string): void => {
    progress?.clear();
    // Continues if standard error is closed.
    void stderr.write(line + "\n");
  };
  const unsent = new UnsentReport(say);
  const stop = new AbortController();
  const signal = AbortSignal.any([interruption.signal, stop.signal]);
  signal.addEventListener("abort", () => void connection.close(), { once: true });
  let gaveUp = false;
  using deadline = new ReconnectDeadline(flags.retryFor * 1000, wallClock, () => {
    gaveUp = true;
    stop.abort();
  });
  if (words.length === 0 && stdin.isTerminal) {
    say("Each line you type is sent as a message; Ctrl-D ends");
  }
  const sending = sendAll({
    connection,
    items: words.length > 0 ? oneItem(words.join(" ")) : inputItems(context, flags, signal),
    deliver: delivery(connection, flags.to, via),
    onRejected: (number, why) =>
      words.length > 0 ? say(`Not sent: ${why}`) : unsent.rejected(number, why),
    describe: (error) => explainRejection(error, flags),
    counts,
  }).finally(() => connection.close());
  // Awaited below.
  sending.catch(() => {});
  let error: unknown;
  let wasOnline = false;
  const notices = new ConnectionNotices();
  try {
    for await (const event of connection) {
      deadline.observe(event);
      if (event.type === "online") wasOnline = true;
      const notice = notices.noticeFor(event);
      if (notice !== undefined) say(notice);
    }
  } catch (thrown) {
    error = thrown;
  } finally {
    stop.abort();
  }
  const result = await sending;
  const interrupted = interruption.signal.aborted;
  return { result, unsent, error, wasOnline, gaveUp, interrupted, retryFor: flags.retryFor };
}

/** The hub's message may be about frames or commands of the chat, which this user does not know. */
function explainRejection({ code, message }: RequestError, { room, to }: Input["flags"]): string {
  if (code === "not_in_room") {
    // The hub's error about the join was shown: the room is closed, or the token does not allow it.
    const which = room ?? "the hub's default room";
    return `You could not join ${which}, as said above: choose another room with --room`;
  }
  if (code === "no_such_user" && to !== undefined) {
    return `No one here is called ${to}: run bcast who to see who is online`;
  }
  return message;
}

/** Reports what was not sent, and returns the exit code. */
async function report(outcome: Outcome, single: boolean, { stderr }: Context): Promise<ExitCode> {
  const { result, unsent, error, wasOnline, gaveUp, interrupted, retryFor } = outcome;
  // If the hub was never reached, one line is enough.
  if (error !== undefined && !wasOnline) throw error;
  if (interrupted) {
    unsent.finish();
    await stderr.write(interruptedLine(result.unacked.length));
    return EXIT.interrupted;
  }
  const why = gaveUp
    ? wasOnline
      ? `the hub did not come back within ${retryFor} s`
      : `the hub could not be reached within ${retryFor} s`
    : error === undefined
    ? undefined
    : explain(error).message;
  unsent.finish();
  if (why !== undefined) {
    if (single) await stderr.write(`Not sent: ${why}\n`);
    else {
      unsent.unacked(result.unacked, why);
      await stderr.write("The rest of the input was not sent\n");
    }
    if (gaveUp && !wasOnline) return EXIT.unreachable;
    return explain(error).exitCode === EXIT.rejected ? EXIT.rejected : EXIT.failed;
  }
  return result.rejected === 0 ? EXIT.done : EXIT.failed;
}

function delivery(
  connection: ClientConnection,
  to: string | undefined,
  via: ReturnType<typeof viaOption>,
): (content: OutgoingContent) => Promise<unknown> {
  const withVia = (content: OutgoingContent): OutgoingContent => ({
    ...content,
    ...joinVia(content, via),
  });
  if (to === undefined) return (content) => connection.send(withVia(content));
  return (content) => {
    // Private messages have no kind.
    const { kind: _kind, ...rest } = withVia(content);
    return connection.direct(to, rest);
  };
}

async function* oneItem(message: string): AsyncGenerator<OutgoingItem> {
  yield { number: 1, content: { message } };
}

function inputItems(
  { stdin }: Context,
  { json, null: byNull }: Input["flags"],
  signal: AbortSignal,
): AsyncIterable<OutgoingItem> {
  const lines = inputLines(stdin.readable, signal, byNull ? "\0" : "\n");
  return itemsOf(lines, json ? jsonItem : textItem);
}
