import type { Output } from "../../cli/output.ts";
import { EXIT, type ExitCode } from "../../cli/errors.ts";
import { safeJson } from "../../render/text.ts";
import type { ClientConnection, ClientEvent, RoomJoined } from "../../client/types.ts";
import type { Ack, Joined, SenderAnnotations } from "../../protocol.ts";
import { itemsOf, type OutgoingItem, textItem } from "./items.ts";
import { type InputLine, inputLines } from "./lines.ts";
import { sendAll } from "./send.ts";
import { interruptedLine } from "./connection_notices.ts";
import { logEvent, logSent } from "../../terminal/event_log.ts";
import { isBareQuit } from "../../chat/commands.ts";
import { renderEvent } from "../../terminal/render.ts";
import { plainView } from "../../terminal/view.ts";

/** What a conversation between programs needs. */
export interface PipeOptions {
  readonly conversation: ClientConnection;
  readonly input: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Whether a person types the input, though no terminal shows the chat. */
  readonly isTyped?: boolean;
  /** What every message says beside its text. */
  readonly via?: SenderAnnotations;
  /** Whether what is received is printed as JSON. */
  readonly json: boolean;
  /** Aborted when the user wants an end at once. */
  readonly signal: AbortSignal;
}

/**
 * Sends each line of the input as a message and prints what is received, until the input ends and
 * the hub has all of it, or nobody reads what is printed.
 */
export async function pipe(options: PipeOptions): Promise<ExitCode> {
  const { conversation, stderr, signal } = options;
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  let pending = 0;
  const closing = (): void => {
    // Counted before: closing gives up on what is not acked.
    pending = conversation.pending;
    void conversation.close();
  };
  either.addEventListener("abort", closing, { once: true });
  const settled = Promise.withResolvers<void>();
  const sending = send(options, either, settled.promise)
    .finally(() => conversation.close());
  // Looked at below, after what is received has been printed.
  sending.catch(() => {});
  try {
    for await (const event of conversation) {
      logEvent(event);
      if (!await show(event, options)) {
        stop.abort();
        // Nobody is interested any more: a quiet end, as for any program in a pipe.
        return EXIT.done;
      }
      if (isSettled(event)) settled.resolve();
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

/** Whether the hub has said all that it says to a newcomer. */
function isSettled(event: ClientEvent): boolean {
  return event.type === "joined" || (event.type === "online" && event.welcome.rooms.length === 0);
}

async function send(
  { conversation, via, input, stdout, stderr, json, isTyped }: PipeOptions,
  signal: AbortSignal,
  settled: Promise<void>,
): Promise<ExitCode> {
  const { refused, error } = await sendAll({
    conversation,
    items: itemsOf(inputLines(input, signal), isTyped === true ? askQuit(stderr) : textItem),
    deliver: async (content) => {
      const ack = await conversation.send({ ...content, ...via });
      logSent(ack, conversation.sender, content);
      return ack;
    },
    // What cannot be written because nobody reads it is no reason to end.
    onRefused: (number, why) => void stderr.write(`Line ${number} was not sent: ${why}\n`),
    ...(json ? { onAcked: (ack: Ack) => void stdout.write(safeJson(ack) + "\n") } : {}),
    counts: { sent: 0, acked: 0, refused: 0 },
  });
  if (error !== undefined) throw error;
  // Without a line to send, what the hub shows newcomers is all there is to wait for.
  await Promise.race([settled, once(signal)]);
  // What was written without waiting is out before the program ends.
  await stdout.write("");
  await stderr.write("");
  return refused === 0 ? EXIT.done : EXIT.failed;
}

/** Every line as a message, but `quit` and `exit`, which people who type them do not mean as such. */
function askQuit(stderr: Output): (line: InputLine) => Iterable<OutgoingItem> {
  return function* (line) {
    for (const item of textItem(line)) {
      if (!("content" in item) || !isBareQuit(item.content.message ?? "")) yield item;
      // That nobody reads it is no reason to end.
      else void stderr.write("To leave, press Ctrl-D. To say it, put a space before it\n");
    }
  };
}

/** Prints one event; `false` when nobody reads it. */
function show(
  event: ClientEvent,
  { conversation, json, stdout, stderr }: PipeOptions,
): Promise<boolean> {
  if (json) {
    const frame = toFrame(event);
    if (frame !== undefined) return stdout.write(safeJson(frame) + "\n");
  }
  // Its own coming in is no news to whoever reads this.
  const text = renderEvent(event, plainView({ self: conversation.sender }));
  switch (event.type) {
    case "message":
    case "direct":
    case "presence":
    case "system":
      return text === undefined ? Promise.resolve(true) : stdout.write(text + "\n");
    case "error":
    case "offline":
      return talk(text, stderr);
    case "online":
      return event.reconnected ? talk(text, stderr) : Promise.resolve(true);
    case "joined":
      return event.rejoined ? talk(text, stderr) : Promise.resolve(true);
    default:
      return Promise.resolve(true);
  }
}

/** Says something on stderr; that nobody reads it is no reason to end. */
async function talk(text: string | undefined, stderr: Output): Promise<boolean> {
  if (text !== undefined) await stderr.write(text + "\n");
  return true;
}

/** What the hub sent, or `undefined` for what only the client knows. */
function toFrame(event: ClientEvent): object | undefined {
  switch (event.type) {
    case "connecting":
    case "offline":
      return undefined;
    case "online":
      return { ...event.welcome, rooms: event.welcome.rooms.map(withoutHistory) };
    case "joined":
      return { type: event.type, ...withoutHistory(withoutRejoined(event)) };
    default:
      return event;
  }
}

/** The history of a room follows message by message. */
function withoutHistory({ history: _history, ...room }: Joined): object {
  return room;
}

/** Whether the room was entered before is what the client knows, not what the hub sent. */
function withoutRejoined({ rejoined: _rejoined, ...frame }: RoomJoined): Joined {
  return frame;
}

function once(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
