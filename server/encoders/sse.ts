import type { Joined, RoomPosition, System } from "../../protocol.ts";
import type { EncodedMessage, Encoder } from "./encoder.ts";

/** Milliseconds after which a browser reconnects a broken stream. */
const RETRY = 2000;

/**
 * Server-Sent Events of one room (HTML standard, section 9.2). The `id` of each message is its
 * position, from which a browser resumes by itself.
 */
export const SSE_ENCODER: Encoder = {
  name: "events",
  batches: false,
  requiresHello: false,
  receiveOnly: true,
  welcome: () => [],
  joined: ({ fields, history }) => [
    // No data, so no event: it only sets the position, in case the stream breaks before the first
    // message.
    `retry: ${RETRY}\nid: ${fields.epoch}:${before(history, fields.last)}\n\n` +
    history.map((entry) => messageEvent(entry, fields.epoch)).join(""),
  ],
  messages: (messages, epoch) => [
    messages.map((message) => messageEvent(message, epoch)).join(""),
  ],
  ack: () => undefined,
  control: (frame) => frame.type === "system" && isFromModerator(frame) ? [systemEvent(frame)] : [],
};

/** Streams get moderators' announcements and notices, but no presence. */
function isFromModerator({ event }: System): boolean {
  return event === "announcement" || event === "notice";
}

/** Has no id: it is not in the log, so no client can resume from it. */
function systemEvent(frame: System): string {
  return `event: ${frame.event}\ndata: ${JSON.stringify(frame)}\n\n`;
}

/** Tells a client that messages are missing between its position and the next event. */
export function resetEvent(
  { room, epoch, last }: Omit<Joined, "history">,
  history: readonly EncodedMessage[],
  position: RoomPosition,
): string {
  const [reason, message] = position.epoch !== undefined && position.epoch !== epoch
    ? ["epoch", "The room was reset: your position belongs to an older log"]
    : (position.after ?? 0) > last
    ? ["ahead", "The room has no such message yet: your position belongs to another log"]
    : ["trimmed", "The messages after your position are no longer kept"];
  const data = JSON.stringify({ room, epoch, last, reason, message });
  return `event: reset\nid: ${epoch}:${before(history, last)}\ndata: ${data}\n\n`;
}

/** Safe to embed: neither JSON nor the id contains line breaks. */
function messageEvent({ message, json }: EncodedMessage, epoch: string): string {
  return `event: message\nid: ${epoch}:${message.id}\ndata: ${json}\n\n`;
}

/** The id just before `history`, or before the next message if `history` is empty. */
function before(history: readonly EncodedMessage[], last: number): number {
  const first = history[0]?.message.id;
  return first === undefined ? last : first - 1;
}
