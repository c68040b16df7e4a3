import type { Cancel } from "../lib/clock.ts";
import type { Connection } from "./connection.ts";
import type { Session } from "./session.ts";
import type { EncodedMessage } from "./recent_messages.ts";

/** Milliseconds after a fan-out was written that are left for other work: reading, appending, answering. */
const FAN_OUT_INTERVAL_MS = 1;

/** Connections below which a room never rests: to serve them one by one costs little. */
const SMALL_ROOM = 50;

/** UTF-16 units of JSON that wait at most: well under any outbox. */
const MAX_LENGTH = 256 * 1024;

/**
 * Milliseconds of rest for a room of `peers` connections between the moment when a fan-out was
 * written and the next fan-out.
 *
 * A message that comes after the rest goes out at once: a quiet room knows no delay. When messages
 * come faster than the room could be served one by one, they gather meanwhile and share their
 * sends, which is what makes a busy hub faster instead of later.
 */
export function coalesceDelay(peers: number): number {
  return peers < SMALL_ROOM ? 0 : FAN_OUT_INTERVAL_MS;
}

/** What waits for the next fan-out of a room, and who has had some of it before the others. */
export class FanOutBuffer {
  /** When the next fan-out may be, by the monotonic clock; infinite while one is being written. */
  nextFlushAt = 0;
  /** The fan-out that will come if nothing else brings it about. */
  cancelTimer: Cancel | undefined;
  #entries: EncodedMessage[] = [];
  #authors: (Session | undefined)[] = [];
  #length = 0;
  readonly #ahead = new Map<Connection, number>();

  /** Whether nothing waits. */
  get empty(): boolean {
    return this.#entries.length === 0;
  }

  /** Whether so much waits that it must not wait for the rest to end. */
  get full(): boolean {
    return this.#length > MAX_LENGTH;
  }

  /** Adds messages, and for each the session that wrote it here. */
  add(entries: readonly EncodedMessage[], authors: readonly (Session | undefined)[]): void {
    for (const entry of entries) {
      this.#entries.push(entry);
      this.#length += entry.json.length;
    }
    this.#authors.push(...authors);
  }

  /** Notes that `peer` has everything up to `id`. */
  markDelivered(peer: Connection, id: number): void {
    if (!this.empty) this.#ahead.set(peer, id);
  }

  /** Forgets a connection that left. */
  forget(peer: Connection): void {
    this.#ahead.delete(peer);
  }

  /** What `peer` is still to get, when that is not simply everything. */
  undelivered(peer: Connection): readonly EncodedMessage[] | undefined {
    const { session } = peer;
    const seen = this.#ahead.size > 0 ? this.#ahead.get(peer) : undefined;
    const mute = session?.echo === false && this.#authors.includes(session);
    if (seen === undefined && !mute) return undefined;
    return this.#entries.filter((entry, index) =>
      entry.message.id > (seen ?? 0) && !(mute && this.#authors[index] === session)
    );
  }

  /** Everything that waits. */
  get entries(): readonly EncodedMessage[] {
    return this.#entries;
  }

  /** A fresh start, after a fan-out. */
  clear(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    if (this.empty) return;
    this.#entries = [];
    this.#authors = [];
    this.#length = 0;
    this.#ahead.clear();
  }
}
