import type { DatabaseSync } from "node:sqlite";
import type { Retention } from "../broker.ts";
import { IN_RANGE } from "./chunk_reader.ts";
import { Query } from "./log_database.ts";
import type { RoomLog } from "./room_log.ts";
import { getLogger } from "@logtape/logtape";

/** Milliseconds by which a timestamp may be ahead of the clock and still be plausible. */
export const MAX_CLOCK_LEAD = 60_000;

type Row = readonly [first: number, count: number, at: number];

/**
 * Finds the messages that are too old to be visible, trimmed or not.
 *
 * Timestamps grow with the ids, except while the clock was wrong: then some are in the future. A
 * message also counts as too old if a later one is, so that a wrong timestamp cannot keep messages
 * for years.
 */
export class AgeFilter {
  readonly #maxAge: number;
  readonly #notOlderThan: Query<Row>;
  readonly #notAfter: Query<Row>;

  constructor(db: DatabaseSync, maxAge: number) {
    this.#maxAge = maxAge;
    const find = (condition: string): Query<Row> =>
      new Query(
        db,
        `SELECT seq & 0xffffffffff, count, at FROM chunks
          WHERE ${IN_RANGE} AND ${condition} ORDER BY seq LIMIT 1`,
      );
    this.#notOlderThan = find("at >= ?4");
    this.#notAfter = find("at <= ?4");
  }

  /** The oldest id that is not too old at the time `now`; `last + 1` if all are. */
  firstUnexpired(room: RoomLog, now: number): number {
    const oldest = now - this.#maxAge;
    // If the clock was set back, messages that were hidden too early become visible again.
    const early = oldest < room.hiddenBefore;
    if (early) {
      room.unexpired = room.first;
      room.hiddenBefore = -Infinity;
    }
    if (room.unexpired < room.first) room.unexpired = room.first;
    else if (!early && room.unexpiredAt >= oldest && room.unexpiredAt <= now + MAX_CLOCK_LEAD) {
      return room.unexpired;
    }
    if (room.unexpired <= room.last) this.#advance(room, oldest, now);
    return room.unexpired;
  }

  #advance(room: RoomLog, oldest: number, now: number): void {
    const { number, last, unexpired } = room;
    let from = unexpired;
    room.unexpiredAt = Infinity;
    while (from <= last) {
      const found = this.#notOlderThan.first(number, from, last, oldest);
      if (found === undefined) break;
      const [first, , at] = found;
      if (at <= now + MAX_CLOCK_LEAD) {
        room.unexpiredAt = at;
        from = Math.max(from, first);
        break;
      }
      // A timestamp in the future counts as the next plausible one.
      const next = this.#notAfter.first(number, first, last, now + MAX_CLOCK_LEAD);
      if (next === undefined || next[2] >= oldest) {
        room.unexpiredAt = next?.[2] ?? now;
        from = Math.max(from, first);
        break;
      }
      from = next[0] + next[1];
      if (from > last) room.unexpiredAt = Infinity;
    }
    room.unexpired = room.unexpiredAt === Infinity ? last + 1 : from;
    if (room.unexpired > unexpired) room.hiddenBefore = oldest;
  }
}

/** The oldest visible id: messages beyond retention are hidden at once and trimmed later. */
export function firstVisible(
  room: RoomLog,
  retention: Retention,
  ageFilter: AgeFilter,
  now: number,
): number {
  return Math.max(
    room.first,
    room.last - retention.maxMessages + 1,
    ageFilter.firstUnexpired(room, now),
  );
}

const logger = getLogger(["bcast", "log"]);

const HOUR = 60 * 60 * 1000;

/** Milliseconds by which the clock may advance more than the time that passed. */
const MAX_JUMP = HOUR;

/** Milliseconds without erasing after a larger jump. */
const HOLD = HOUR;

/** Milliseconds since the newest message after which the clock may be wrong. */
const MAX_GAP = 24 * HOUR;

/**
 * Stops a wrong clock from erasing messages for their age. They are hidden, and become visible again
 * once the clock is right.
 */
export class EraseHold {
  #now: number;
  #elapsed: number;
  #until: number | undefined;

  /**
   * @param newestAt the time of the newest message; 0 if there is none.
   * @param now milliseconds since the Unix epoch.
   * @param elapsed milliseconds by a monotonic clock.
   */
  constructor(newestAt: number, maxAge: number, now: number, elapsed: number) {
    this.#now = now;
    this.#elapsed = elapsed;
    if (newestAt === 0 || now - newestAt <= Math.max(maxAge, MAX_GAP)) return;
    this.#until = elapsed + HOLD;
    logger.warn(
      "By the machine's clock ({now}), the newest message ({newest}) is older than --retention. " +
        "Nothing is erased for an hour: set the clock if it is wrong",
      { now: iso(now), newest: iso(newestAt) },
    );
  }

  /** Whether no message may be erased for its age now. */
  isActive(now: number, elapsed: number): boolean {
    const jump = now - this.#now - (elapsed - this.#elapsed);
    this.#now = now;
    this.#elapsed = elapsed;
    if (jump > MAX_JUMP) {
      this.#until = elapsed + HOLD;
      logger.warn(
        "The clock jumped ahead by {hours} h. Nothing is erased for an hour: set it if it is wrong",
        { hours: Math.round(jump / HOUR) },
      );
    }
    if (this.#until !== undefined && elapsed >= this.#until) this.#until = undefined;
    return this.#until !== undefined;
  }
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
