import type { StatementSync } from "node:sqlite";
import { type Ages, firstShown, MAX_AHEAD } from "./ages.ts";
import type { Retention } from "../broker.ts";
import type { Chunks } from "./chunks.ts";
import { DEDUPE_MILLISECONDS } from "./dedup_index.ts";
import type { RoomLog } from "./room_log.ts";
import type { SearchIndex } from "./search.ts";
import { type BatchScan, SLICE_MESSAGES } from "./batch_scan.ts";
import type { LogDatabase } from "./log_database.ts";

/** What goes. */
export interface TrimTarget {
  /** The last id that goes. */
  readonly until: number;
  /** Marks from then and before go too, as soon as their messages are gone. */
  readonly marksUntil: number;
  /** Marks of after then as well: their time is wrong. */
  readonly marksAfter: number;
}

/** What trimming works with. */
export interface TrimmerParts {
  readonly database: LogDatabase;
  readonly slices: BatchScan;
  readonly chunks: Chunks;
  readonly search: SearchIndex;
  readonly retention: Retention;
  readonly ages: Ages;
  /** Told in each transaction that deletes messages. */
  readonly deleting: () => void;
}

/** Rows of marks in one slice: they are short, and nothing else is to be done with them. */
const MARKS_SLICE = 10 * SLICE_MESSAGES;

/**
 * Drops what is no longer kept, slice by slice. A chunk goes when the last of its messages does, and
 * leaves its marks for as long as they count.
 */
export class Trimmer {
  readonly #parts: TrimmerParts;
  readonly #keep: StatementSync;
  readonly #drop: StatementSync;
  readonly #blank: StatementSync;

  constructor(parts: TrimmerParts) {
    this.#parts = parts;
    const { db } = parts.database;
    this.#keep = db.prepare("UPDATE rooms SET first = ?, last = ? WHERE no = ?");
    const range = "seq BETWEEN (?1 << 40) | ?2 AND (?1 << 40) | ?3";
    this.#drop = db.prepare(
      `DELETE FROM chunks WHERE ${range} AND (refs IS NULL OR at <= ?4 OR at > ?5)`,
    );
    this.#blank = db.prepare(`UPDATE chunks SET body = NULL WHERE ${range}`);
  }

  /**
   * What a room is to drop as of now, for its age only if `aged`. What is appended from here on is
   * left to the next time.
   */
  target(room: RoomLog, now: number, aged: boolean): TrimTarget {
    const { retention, ages } = this.#parts;
    return {
      until: aged ? firstShown(room, retention, ages, now) - 1 : room.last - retention.maxMessages,
      marksUntil: aged ? now - DEDUPE_MILLISECONDS : -1,
      marksAfter: now + MAX_AHEAD,
    };
  }

  /** Drops one slice of a room. Returns the number of messages dropped; 0 when it is done. */
  messages(room: RoomLog, { until, marksUntil, marksAfter }: TrimTarget): number {
    if (room.first > until) return 0;
    const { slices, chunks, search, database, deleting } = this.#parts;
    /** The last id that goes. */
    let end = room.first - 1;
    /** The ids of the chunks that go as a whole. */
    let start = 0;
    let wholeEnd = 0;
    for (const [first, count] of slices.next(room.no, room.first, until)) {
      const chunkEnd = first + count - 1;
      end = Math.min(chunkEnd, until);
      if (end < chunkEnd) break;
      start ||= first;
      wholeEnd = chunkEnd;
    }
    let blanked = false;
    database.transaction(() => {
      deleting();
      // Also `last`, or nothing would know, after the last chunk is gone, which ids were given.
      this.#keep.run(end + 1, room.last, room.no);
      search.drop(room, end);
      // The others of its chunk stay.
      if (end > wholeEnd) chunks.blank(room, end);
      if (wholeEnd === 0) return;
      this.#drop.run(room.no, start, wholeEnd, marksUntil, marksAfter);
      blanked = Number(this.#blank.run(room.no, start, wholeEnd).changes) > 0;
    });
    const dropped = end - room.first + 1;
    // Nothing was left behind, neither now nor before.
    if (wholeEnd > 0 && !blanked && room.bottom >= start) room.bottom = wholeEnd + 1;
    room.first = end + 1;
    return dropped;
  }

  /** Forgets one slice of what trimmed messages left. Returns whether there may be more. */
  marks(room: RoomLog, { marksUntil, marksAfter }: TrimTarget): boolean {
    if (room.bottom >= room.first) return false;
    const { slices, database } = this.#parts;
    const rows = slices.rows(room.no, room.bottom, room.first - 1, MARKS_SLICE);
    let end = 0;
    let bottom = room.first;
    for (const [first, count, at] of rows) {
      bottom = first;
      // The chunk that holds `room.first`, or marks that still count.
      if (first + count > room.first || (at > marksUntil && at <= marksAfter)) break;
      end = first + count - 1;
      bottom = end + 1;
    }
    if (end > 0) {
      database.statement(() => this.#drop.run(room.no, room.bottom, end, marksUntil, marksAfter));
    }
    room.bottom = bottom;
    return end > 0;
  }
}
