import type { Cancel } from "../lib/clock.ts";
import type { Connection, Session } from "./connection.ts";
import { type EncodedMessage, encodeMessage } from "./encoders/encoder.ts";

/** Milliseconds after a fan-out that are left for other work: reading, appending, answering. */
const FAN_OUT_INTERVAL_MS = 1;

/** Connections below which a room never coalesces: sending to them one by one is cheap. */
const SMALL_ROOM = 50;

/** UTF-16 units of JSON that may wait: well under any outbox. */
const MAX_LENGTH = 256 * 1024;

/**
 * Milliseconds between the end of a fan-out to `connections` clients and the next one.
 *
 * A message that arrives later than that goes out immediately: a quiet room has no delay. Messages
 * that arrive faster wait and share their sends, which makes a busy hub faster instead of later.
 */
export function coalesceDelay(connections: number): number {
  return connections < SMALL_ROOM ? 0 : FAN_OUT_INTERVAL_MS;
}

/** Messages that wait for the next fan-out of a room, and the connections that already have some. */
export class FanOutBuffer {
  /** The earliest time of the next fan-out (monotonic); infinite while one is being written. */
  nextFlushAt = 0;
  /** Cancels the next fan-out, if one is scheduled. */
  cancelTimer: Cancel | undefined;
  #messages: EncodedMessage[] = [];
  #authors: (Session | undefined)[] = [];
  #length = 0;
  /** The last id delivered to connections that are ahead of the others. */
  readonly #delivered = new Map<Connection, number>();
  /** The last id delivered to connections without echo, if their own messages followed it. */
  readonly #beforeOwn = new Map<Connection, number>();

  get empty(): boolean {
    return this.#messages.length === 0;
  }

  /** Whether so much waits that the next fan-out must not be delayed. */
  get full(): boolean {
    return this.#length > MAX_LENGTH;
  }

  /** All messages that wait. */
  get messages(): readonly EncodedMessage[] {
    return this.#messages;
  }

  /** Adds messages, each with the local session that wrote it, if any. */
  add(messages: readonly EncodedMessage[], authors: readonly (Session | undefined)[]): void {
    for (const message of messages) {
      this.#messages.push(message);
      this.#length += message.json.length;
    }
    this.#authors.push(...authors);
  }

  /** Notes that `connection` has every message up to `id`. */
  markDelivered(connection: Connection, id: number): void {
    if (!this.empty) this.#delivered.set(connection, id);
  }

  /** Drops a connection that left the room. */
  forget(connection: Connection): void {
    this.#delivered.delete(connection);
    this.#beforeOwn.delete(connection);
  }

  /** Takes the messages to send to `connection`; `undefined` means all of them. */
  undelivered(connection: Connection): readonly EncodedMessage[] | undefined {
    const { session } = connection;
    const seen = this.#delivered.size > 0 ? this.#delivered.get(connection) : undefined;
    if (session?.echo === false) return this.#withoutOwn(connection, session, seen ?? 0);
    return seen === undefined
      ? undefined
      : this.#messages.filter(({ message }) => message.id > seen);
  }

  /** Leaves out a client's own messages: what follows them says with `prev` that none is missing. */
  #withoutOwn(
    connection: Connection,
    session: Session,
    seen: number,
  ): readonly EncodedMessage[] | undefined {
    let prev = this.#beforeOwn.get(connection);
    if (prev === undefined && !this.#authors.includes(session)) {
      return seen === 0 ? undefined : this.#messages.filter(({ message }) => message.id > seen);
    }
    const others: EncodedMessage[] = [];
    for (const [index, entry] of this.#messages.entries()) {
      const { message } = entry;
      if (message.id <= seen) continue;
      if (this.#authors[index] === session) {
        prev ??= message.id - 1;
      } else {
        others.push(prev === undefined ? entry : encodeMessage({ ...message, prev }));
        prev = undefined;
      }
    }
    if (prev === undefined) this.#beforeOwn.delete(connection);
    else this.#beforeOwn.set(connection, prev);
    return others;
  }

  /** Removes all messages and cancels the timer. */
  clear(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    if (this.empty) return;
    this.#messages = [];
    this.#authors = [];
    this.#length = 0;
    this.#delivered.clear();
  }
}
