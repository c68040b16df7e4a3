import type { Joined, RoomPosition, System } from "../../protocol.ts";
import type { Encoder } from "./encoder.ts";
import type { EncodedMessage } from "../recent_messages.ts";

/** Milliseconds after which a browser comes back when its stream broke. */
const RETRY = 2000;

/**
 * Those who listen to one room as Server-Sent Events (HTML standard, section 9.2): each message with
 * its position as `id`, from which a browser goes on by itself.
 */
export const SSE_ENCODER: Encoder = {
  name: "events",
  batches: false,
  requiresHello: false,
  receiveOnly: true,
  welcome: () => [],
  joined: ({ fields, history }) => [
    // Without data this is no event, but a position: one who lost the stream before the first
    // message missed nothing.
    `retry: ${RETRY}\nid: ${fields.epoch}:${before(history, fields.last)}\n\n` +
    history.map((entry) => event(entry, fields.epoch)).join(""),
  ],
  messages: (entries, epoch) => [entries.map((entry) => event(entry, epoch)).join("")],
  ack: () => undefined,
  control: (frame) => frame.type === "system" && isForListeners(frame) ? [wordsEvent(frame)] : [],
};

/** Of what the hub says in words, only what moderators do: a stream is told of nobody's comings. */
function isForListeners({ event }: System): boolean {
  return event === "announcement" || event === "notice";
}

/** Without an id: it is not in the log, and nobody resumes from it. */
function wordsEvent(frame: System): string {
  return `event: ${frame.event}\ndata: ${JSON.stringify(frame)}\n\n`;
}

/** Says that messages are missing between the position asked for and what follows. */
export function resetEvent(
  { room, epoch, last }: Omit<Joined, "history">,
  history: readonly EncodedMessage[],
  position: RoomPosition,
): string {
  const [reason, message] = position.epoch !== undefined && position.epoch !== epoch
    ? ["epoch", "The room began anew: what you have read is of another log"]
    : (position.after ?? 0) > last
    ? ["ahead", "The room has no such message yet: the position is of another log"]
    : ["trimmed", "What follows on your position is no longer kept"];
  const data = JSON.stringify({ room, epoch, last, reason, message });
  return `event: reset\nid: ${epoch}:${before(history, last)}\ndata: ${data}\n\n`;
}

/** JSON has no line breaks of its own, and neither part of the id has any. */
function event({ message, json }: EncodedMessage, epoch: string): string {
  return `event: message\nid: ${epoch}:${message.id}\ndata: ${json}\n\n`;
}

/** The id that `history`, or if it is empty whatever comes, follows on. */
function before(history: readonly EncodedMessage[], last: number): number {
  const first = history[0]?.message.id;
  return first === undefined ? last : first - 1;
}
