import type { DatabaseSync } from "node:sqlite";
import type { Retention } from "../broker.ts";
import { IN_RANGE } from "./chunks.ts";
import { Query } from "./query.ts";
import type { RoomLog } from "./room_log.ts";

/** Milliseconds that a timestamp may be ahead of the clock and still be believed. */
export const MAX_AHEAD = 60_000;

type Row = readonly [first: number, count: number, at: number];

/**
 * Finds out which messages are too old to be shown, whether or not they were trimmed yet.
 *
 * Timestamps rise with the ids, unless the clock was wrong: then some are in the future. A message
 * is too old as well when one after it is, so that such a timestamp keeps nothing alive for years.
 */
export class Ages {
  readonly #maxAge: number;
  readonly #young: Query<Row>;
  readonly #believed: Query<Row>;

  constructor(db: DatabaseSync, maxAge: number) {
    this.#maxAge = maxAge;
    const find = (condition: string): Query<Row> =>
      new Query(
        db,
        `SELECT seq & 0xffffffffff, count, at FROM chunks
          WHERE ${IN_RANGE} AND ${condition} ORDER BY seq LIMIT 1`,
      );
    this.#young = find("at >= ?4");
    this.#believed = find("at <= ?4");
  }

  /** The oldest id that is not too old at the time `now`; `last + 1` when all are. */
  firstYoung(room: RoomLog, now: number): number {
    const oldest = now - this.#maxAge;
    // Also when the clock was set back: what it had hidden too early is shown again.
    const early = oldest < room.hiddenBefore;
    if (early) {
      room.young = room.first;
      room.hiddenBefore = -Infinity;
    }
    if (room.young < room.first) room.young = room.first;
    else if (!early && room.youngAt >= oldest && room.youngAt <= now + MAX_AHEAD) return room.young;
    if (room.young <= room.last) this.#advance(room, oldest, now);
    return room.young;
  }

  #advance(room: RoomLog, oldest: number, now: number): void {
    const { no, last, young } = room;
    let from = young;
    room.youngAt = Infinity;
    while (from <= last) {
      const found = this.#young.first(no, from, last, oldest);
      if (found === undefined) break;
      const [first, , at] = found;
      if (at <= now + MAX_AHEAD) {
        room.youngAt = at;
        from = Math.max(from, first);
        break;
      }
      // In the future: as old as what follows on it, or not known.
      const next = this.#believed.first(no, first, last, now + MAX_AHEAD);
      if (next === undefined || next[2] >= oldest) {
        room.youngAt = next?.[2] ?? now;
        from = Math.max(from, first);
        break;
      }
      from = next[0] + next[1];
      if (from > last) room.youngAt = Infinity;
    }
    room.young = room.youngAt === Infinity ? last + 1 : from;
    if (room.young > young) room.hiddenBefore = oldest;
  }
}

/** The oldest id that is shown: what retention does not keep is hidden at once, and trimmed later. */
export function firstShown(room: RoomLog, retention: Retention, ages: Ages, now: number): number {
  return Math.max(room.first, room.last - retention.maxMessages + 1, ages.firstYoung(room, now));
}
