import type { Joined, ResetReason, System } from "../../protocol.ts";
import type { ControlFrame, EncodedMessage, Encoder, JoinSnapshot } from "./encoder.ts";

/** Milliseconds after which a browser reconnects a broken stream. */
const RETRY = 2000;

/** What a client learns when messages after its position are missing. */
const RESETS: Readonly<Record<ResetReason, string>> = {
  epoch: "The room was reset: your position belongs to an older log",
  ahead: "The room has no such message yet: your position belongs to another log",
  trimmed: "The messages after your position are no longer kept",
};

/** What all encoders of events have in common. */
const STREAM = {
  name: "events",
  batches: false,
  requiresHello: false,
  receiveOnly: true,
  welcome: () => [],
  ack: () => undefined,
} as const;

/**
 * Server-Sent Events of one room (HTML standard, section 9.2). The `id` of each message is its
 * position, from which a browser resumes by itself.
 */
export const SSE_ENCODER: Encoder = {
  ...STREAM,
  joined: (snapshot) => [
    opening(snapshot, positionText(snapshot.fields.epoch, positionBefore(snapshot))) +
    messageEvents(snapshot.messages, snapshot.fields.epoch),
  ],
  messages: (messages, epoch) => [messageEvents(messages, epoch)],
  control: controlEvents,
};

/** The position of a reader in a room: it has every message up to `id`. */
export interface StreamPosition {
  readonly epoch: string;
  readonly id: number;
}

/**
 * Server-Sent Events of several rooms, for one connection. Each `id` is the position in all of the
 * rooms, as a browser sends back only the last one.
 */
export class RoomsSseEncoder implements Encoder {
  readonly name = STREAM.name;
  readonly batches = STREAM.batches;
  readonly requiresHello = STREAM.requiresHello;
  readonly receiveOnly = STREAM.receiveOnly;
  readonly welcome = STREAM.welcome;
  readonly ack = STREAM.ack;
  readonly control = controlEvents;
  /** `ROOM=EPOCH:ID`, by room. */
  readonly #positions: Map<string, string>;

  /** @param cursors where the client starts, in each of its rooms. */
  constructor(cursors: ReadonlyMap<string, StreamPosition>) {
    this.#positions = new Map();
    for (const [room, { epoch, id }] of cursors) this.#move(room, epoch, id);
  }

  joined(snapshot: JoinSnapshot): readonly string[] {
    const { fields: { room, epoch }, messages } = snapshot;
    const id = this.#move(room, epoch, positionBefore(snapshot));
    return [opening(snapshot, id), ...this.messages(messages, epoch)];
  }

  messages(messages: readonly EncodedMessage[], epoch: string): readonly string[] {
    const events = messages.map(({ message: { room, id }, json }) =>
      messageEvent(this.#move(room, epoch, id), json)
    );
    return events.length === 0 ? [] : [events.join("")];
  }

  /** Returns the position in all rooms. */
  #move(room: string, epoch: string, id: number): string {
    this.#positions.set(room, `${room}=${positionText(epoch, id)}`);
    return [...this.#positions.values()].join(",");
  }
}

/** For a request that only waits for the next message: something is sent when there is one. */
export const WAKE_ENCODER: Encoder = {
  ...STREAM,
  // After a reset, such as a position beyond the log, there is nothing to wait for.
  joined: ({ fields, messages }) => messages.length === 0 && !fields.reset ? [] : [""],
  messages: () => [""],
  control: () => [],
};

/**
 * Tells a client that messages are missing, if so. Then a block without data, which is no event: it
 * only sets the position, in case the stream breaks before the first message.
 */
function opening({ fields }: JoinSnapshot, id: string): string {
  const position = `retry: ${RETRY}\nid: ${id}\n\n`;
  return fields.reset === undefined ? position : resetEvent(fields, fields.reset, id) + position;
}

function resetEvent(
  { room, epoch, last }: Omit<Joined, "messages">,
  reason: ResetReason,
  id: string,
): string {
  const data = JSON.stringify({ room, epoch, last, reason, message: RESETS[reason] });
  return `event: reset\nid: ${id}\ndata: ${data}\n\n`;
}

function messageEvents(messages: readonly EncodedMessage[], epoch: string): string {
  return messages.map(({ message, json }) => messageEvent(positionText(epoch, message.id), json))
    .join("");
}

/** Safe to embed: neither JSON nor the id contains line breaks. */
function messageEvent(id: string, json: string): string {
  return `event: message\nid: ${id}\ndata: ${json}\n\n`;
}

/** Streams get moderators' announcements and notices, but no presence. */
function controlEvents(frame: ControlFrame): readonly string[] {
  return frame.type === "system" && isFromModerator(frame) ? [systemEvent(frame)] : [];
}

function isFromModerator({ event }: System): boolean {
  return event === "announcement" || event === "notice";
}

/** Has no id: it is not in the log, so no client can resume from it. */
function systemEvent(frame: System): string {
  return `event: ${frame.event}\ndata: ${JSON.stringify(frame)}\n\n`;
}

function positionText(epoch: string, id: number): string {
  return `${epoch}:${id}`;
}

/** The id just before the first message, or before the next one if there is none. */
function positionBefore({ fields, messages }: JoinSnapshot): number {
  const first = messages[0]?.message.id;
  return first === undefined ? fields.last : first - 1;
}
