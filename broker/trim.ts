import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Retention } from "./broker.ts";
import type { RoomLog } from "./room_log.ts";
import type { SearchIndex } from "./search.ts";
import { SLICE_ROWS, type Slices } from "./slices.ts";
import type { Transactions } from "./transactions.ts";

/** What goes: ids up to `surplus`, and what is older than `oldestAt`. */
export interface Target {
  readonly surplus: number;
  readonly oldestAt: number;
}

/** Drops what is no longer kept, slice by slice. */
export class Trimmer {
  readonly #transactions: Transactions;
  readonly #slices: Slices;
  readonly #search: SearchIndex;
  readonly #retention: Retention;
  readonly #keepLast: StatementSync;
  readonly #drop: StatementSync;
  readonly #dropRefs: StatementSync;

  constructor(
    db: DatabaseSync,
    transactions: Transactions,
    slices: Slices,
    search: SearchIndex,
    retention: Retention,
  ) {
    this.#transactions = transactions;
    this.#slices = slices;
    this.#search = search;
    this.#retention = retention;
    this.#keepLast = db.prepare("UPDATE rooms SET last = ? WHERE no = ?");
    this.#drop = db.prepare(`
      DELETE FROM messages WHERE seq BETWEEN (?1 << 40) | ?2 AND (?1 << 40) | ?3`);
    // In the order of time, the ones to forget come first.
    this.#dropRefs = db.prepare(`
      DELETE FROM refs WHERE no <= (
        SELECT max(no) FROM (SELECT no, at FROM refs ORDER BY no LIMIT ${10 * SLICE_ROWS})
        WHERE at <= ?)`);
  }

  /** What a room is to drop as of now. What is appended from here on is left to the next time. */
  target(room: RoomLog, now: number): Target {
    return {
      surplus: room.last - this.#retention.maxMessages,
      oldestAt: now - this.#retention.maxAge,
    };
  }

  /** Drops one slice of a room. Returns the number of messages dropped; 0 when it is done. */
  messages(room: RoomLog, { surplus, oldestAt }: Target): number {
    if (room.first > room.last) return 0;
    if (room.first > surplus && room.firstAt >= oldestAt) return 0;
    const end = this.#slices.end(
      room.no,
      room.first,
      room.last,
      (id, at) => id <= surplus || at < oldestAt,
    );
    if (end < room.first) return 0;
    this.#transactions.run(() => {
      // Or nothing would know, after the last message is gone, which ids were given.
      this.#keepLast.run(room.last, room.no);
      this.#search.drop(room, end);
      this.#drop.run(room.no, room.first, end);
    });
    const dropped = end - room.first + 1;
    room.first = end + 1;
    room.firstAt = this.#slices.at(room.no, room.first);
    return dropped;
  }

  /** Forgets one slice of the marks from `until` and before. Returns whether there may be more. */
  refs(until: number): boolean {
    return Number(this.#dropRefs.run(until).changes) > 0;
  }
}
