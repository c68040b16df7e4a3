import { aborted } from "../../lib/async.ts";
import type { Output } from "../../lib/output.ts";
import { EXIT, type ExitCode } from "../../cli/errors.ts";
import type { ClientConnection, ClientEvent } from "../../client/types.ts";
import { type Ack, safeJson, type SenderAnnotations } from "../../protocol.ts";
import { itemsOf, type OutgoingItem, textItem } from "./input.ts";
import { type InputLine, inputLines } from "../../lib/input_lines.ts";
import { sendAll } from "./send.ts";
import { interruptedLine } from "./connection_events.ts";
import { logEvent, logSent } from "../../terminal/event_log.ts";
import { isBareQuit } from "../../chat/commands.ts";
import { renderEvent } from "../../terminal/render.ts";
import { plainView } from "../../terminal/view.ts";

export interface PipeOptions {
  readonly connection: ClientConnection;
  readonly input: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Whether the input is a terminal. */
  readonly isTyped?: boolean;
  /** The `via` of every message. */
  readonly via?: SenderAnnotations;
  /** Whether to print received frames as JSON. */
  readonly json: boolean;
  /** Ends at once, without waiting for acks. */
  readonly signal: AbortSignal;
}

/**
 * Sends each line of the input as a message and prints what is received, until the input has ended
 * and the hub has stored all of it, or until the output is closed.
 */
export async function pipe(options: PipeOptions): Promise<ExitCode> {
  const { connection, stderr, signal } = options;
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  let pending = 0;
  const closing = (): void => {
    // Counted first: closing rejects unacknowledged messages.
    pending = connection.pending;
    void connection.close();
  };
  either.addEventListener("abort", closing, { once: true });
  const backlog = Promise.withResolvers<void>();
  const isLive = backlogTracker();
  const sending = send(options, either, backlog.promise)
    .finally(() => connection.close());
  // Awaited below, after all received events were printed.
  sending.catch(() => {});
  try {
    for await (const event of connection) {
      logEvent(event);
      if (!await show(event, options)) {
        stop.abort();
        // The output was closed: end quietly, like any program in a pipe.
        return EXIT.done;
      }
      if (isLive(event)) backlog.resolve();
    }
    if (signal.aborted) {
      await stderr.write(interruptedLine(pending));
      return EXIT.interrupted;
    }
    return await sending;
  } finally {
    stop.abort();
    either.removeEventListener("abort", closing);
  }
}

/** Takes all events. Returns whether the hub has sent everything that it sends on joining. */
function backlogTracker(): (event: ClientEvent) => boolean {
  let waiting: Set<string> | undefined;
  return (event) => {
    if (event.type === "online") waiting = new Set(event.welcome.rooms);
    else if (event.type === "live" || event.type === "left") waiting?.delete(event.room);
    return waiting?.size === 0;
  };
}

async function send(
  { connection, via, input, stdout, stderr, json, isTyped }: PipeOptions,
  signal: AbortSignal,
  backlog: Promise<void>,
): Promise<ExitCode> {
  const { rejected, error } = await sendAll({
    connection,
    items: itemsOf(inputLines(input, signal), isTyped === true ? typedItem(stderr) : textItem),
    deliver: async (content) => {
      const ack = await connection.send({ ...content, ...via });
      logSent(ack, connection.sender, content);
      return ack;
    },
    // Continues if standard error is closed.
    onRejected: (number, why) => void stderr.write(`Line ${number} was not sent: ${why}\n`),
    onAcked: json ? (ack: Ack) => void stdout.write(safeJson(ack) + "\n") : undefined,
    counts: { sent: 0, acked: 0, rejected: 0 },
  });
  if (error !== undefined) throw error;
  // With empty input, the backlog is still printed.
  await Promise.race([backlog, aborted(signal)]);
  // Flushes earlier writes that were not awaited.
  await stdout.write("");
  await stderr.write("");
  return rejected === 0 ? EXIT.done : EXIT.failed;
}

/** Sends each typed line, except `quit` and `exit`: their user wants to leave. */
function typedItem(stderr: Output): (line: InputLine) => Iterable<OutgoingItem> {
  return function* (line) {
    for (const item of textItem(line)) {
      if (!("content" in item) || !isBareQuit(item.content.message ?? "")) yield item;
      else void stderr.write("To leave, press Ctrl-D. To say it, put a space before it\n");
    }
  };
}

/** Prints an event. Returns `false` if the output is closed. */
function show(
  event: ClientEvent,
  { connection, json, stdout, stderr }: PipeOptions,
): Promise<boolean> {
  if (json) {
    const frame = toFrame(event);
    if (frame !== undefined) return stdout.write(safeJson(frame) + "\n");
  }
  // Not its own arrival.
  const text = renderEvent(event, plainView({ self: connection.sender }));
  switch (event.type) {
    case "message":
    case "direct":
    case "presence":
    case "system":
      return text === undefined ? Promise.resolve(true) : stdout.write(text + "\n");
    case "error":
    case "offline":
      return notice(text, stderr);
    case "online":
      return event.reconnected ? notice(text, stderr) : Promise.resolve(true);
    case "joined":
      return event.rejoined ? notice(text, stderr) : Promise.resolve(true);
    default:
      return Promise.resolve(true);
  }
}

/** Writes a line to standard error; continues if that is closed. */
async function notice(text: string | undefined, stderr: Output): Promise<boolean> {
  if (text !== undefined) await stderr.write(text + "\n");
  return true;
}

/** The frame that the hub sent; `undefined` for the client's own events. */
function toFrame(event: ClientEvent): object | undefined {
  switch (event.type) {
    case "connecting":
    case "offline":
      return undefined;
    case "online":
      return event.welcome;
    case "joined": {
      // Two fields are the client's own, and the messages follow.
      const { rejoined: _rejoined, missed: _missed, messages: _messages, ...frame } = event;
      return frame;
    }
    default:
      return event;
  }
}
