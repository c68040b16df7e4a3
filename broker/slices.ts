import type { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers/promises";
import { Query } from "./query.ts";

/** Messages that one turn of the event loop trims or indexes at most: a few milliseconds. */
export const SLICE_ROWS = 200;

/** Bytes of messages in one slice, more or less: large ones cost by their size. */
const SLICE_BYTES = 64 * 1024;

/** A message as far as slicing needs it. */
type Entry = readonly [id: number, at: number, bytes: number];

/** Cuts a room's log into pieces small enough for one turn of the event loop. */
export class Slices {
  readonly #entries: Query<Entry>;

  constructor(db: DatabaseSync) {
    // octet_length() reads no more of a long text than its length.
    this.#entries = new Query(
      db,
      `
      SELECT seq & 0xffffffffff, at,
        ifnull(octet_length(message), 0) + ifnull(octet_length(data), 0)
      FROM messages WHERE seq BETWEEN (?1 << 40) | ?2 AND (?1 << 40) | ?3 ORDER BY seq LIMIT ?4`,
    );
  }

  /** The last id of the slice that begins with `from`, as far as `wanted` goes; `from - 1` for none. */
  end(room: number, from: number, to: number, wanted: (id: number, at: number) => boolean): number {
    let end = from - 1;
    let bytes = 0;
    for (const [id, at, size] of this.#read(room, from, to, SLICE_ROWS)) {
      if (!wanted(id, at) || bytes > SLICE_BYTES) break;
      end = id;
      bytes += size;
    }
    return end;
  }

  /** The time of a message, 0 when there is none. */
  at(room: number, id: number): number {
    return this.#read(room, id, id, 1)[0]?.[1] ?? 0;
  }

  #read(room: number, from: number, to: number, limit: number): readonly Entry[] {
    return this.#entries.all(room, from, to, limit);
  }
}

/** Lets everything else that is ready go first. */
export function nextTurn(): Promise<void> {
  return setImmediate();
}
