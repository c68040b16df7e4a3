import type { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers/promises";
import { CHUNKS_OF_RANGE } from "./chunks.ts";
import { Query } from "./query.ts";

/**
 * Messages that one turn of the event loop trims or indexes, more or less: a few milliseconds. It is
 * whole chunks, and at least one.
 */
export const SLICE_MESSAGES = 200;

/** Bytes of messages in one slice, more or less: large ones cost by their size. */
const SLICE_BYTES = 64 * 1024;

/** A chunk as far as slicing needs it. */
export type Span = readonly [first: number, count: number, at: number, bytes: number];

/** Cuts a room's log into pieces small enough for one turn of the event loop. */
export class BatchScan {
  readonly #spans: Query<Span>;
  readonly #rows: Query<Span>;

  constructor(db: DatabaseSync) {
    // octet_length() reads no more of a long text than its length.
    const columns = "seq & 0xffffffffff, count, at, ifnull(octet_length(body), 0)";
    this.#spans = new Query(db, `SELECT ${columns} ${CHUNKS_OF_RANGE} LIMIT ?4`);
    this.#rows = new Query(
      db,
      `SELECT ${columns} FROM chunks
        WHERE seq BETWEEN (?1 << 40) | ?2 AND (?1 << 40) | ?3 ORDER BY seq LIMIT ?4`,
    );
  }

  /** The chunks of one slice, from the one that holds the message `from` to that of `to` at most. */
  next(room: number, from: number, to: number): readonly Span[] {
    const spans: Span[] = [];
    let messages = 0;
    let bytes = 0;
    for (const span of this.#spans.all(room, from, to, SLICE_MESSAGES)) {
      if (messages >= SLICE_MESSAGES || bytes >= SLICE_BYTES) break;
      spans.push(span);
      messages += span[1];
      bytes += span[3];
    }
    return spans;
  }

  /** The first rows whose keys are in a range, those with marks only among them. */
  rows(room: number, from: number, to: number, limit: number): readonly Span[] {
    return this.#rows.all(room, from, to, limit);
  }
}

/** Lets everything else that is ready go first. */
export function nextTurn(): Promise<void> {
  return setImmediate();
}
