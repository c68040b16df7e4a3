import type { StatementSync } from "node:sqlite";
import { type AgeFilter, firstVisible, MAX_CLOCK_LEAD } from "./retention.ts";
import type { Retention } from "../broker.ts";
import { type BatchScan, type ChunkReader, SLICE_MESSAGES } from "./chunk_reader.ts";
import { DEDUPE_MILLISECONDS } from "./dedup_index.ts";
import type { RoomLog } from "./room_log.ts";
import type { SearchIndex } from "./search.ts";
import type { LogDatabase } from "./log_database.ts";

/** What goes. */
export interface TrimPlan {
  /** The last id that goes. */
  readonly until: number;
  /** Marks from then and before go too, as soon as their messages are gone. */
  readonly refsUntil: number;
  /** Marks of after then as well: their time is wrong. */
  readonly refsAfter: number;
}

/** What trimming works with. */
export interface TrimmerOptions {
  readonly database: LogDatabase;
  readonly scan: BatchScan;
  readonly chunks: ChunkReader;
  readonly search: SearchIndex;
  readonly retention: Retention;
  readonly ageFilter: AgeFilter;
  /** Told in each transaction that deletes messages. */
  readonly onDelete: () => void;
}

/** Rows of marks in one slice: they are short, and nothing else is to be done with them. */
const REFS_SLICE = 10 * SLICE_MESSAGES;

/**
 * Drops what is no longer kept, slice by slice. A chunk goes when the last of its messages does, and
 * leaves its marks for as long as they count.
 */
export class Trimmer {
  readonly #options: TrimmerOptions;
  readonly #keep: StatementSync;
  readonly #drop: StatementSync;
  readonly #blank: StatementSync;

  constructor(parts: TrimmerOptions) {
    this.#options = parts;
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
  plan(room: RoomLog, now: number, aged: boolean): TrimPlan {
    const { retention, ageFilter } = this.#options;
    return {
      until: aged
        ? firstVisible(room, retention, ageFilter, now) - 1
        : room.last - retention.maxMessages,
      refsUntil: aged ? now - DEDUPE_MILLISECONDS : -1,
      refsAfter: now + MAX_CLOCK_LEAD,
    };
  }

  /** Drops one slice of a room. Returns the number of messages dropped; 0 when it is done. */
  dropMessages(room: RoomLog, { until, refsUntil, refsAfter }: TrimPlan): number {
    if (room.first > until) return 0;
    const { scan, chunks, search, database, onDelete } = this.#options;
    /** The last id that goes. */
    let end = room.first - 1;
    /** The ids of the chunks that go as a whole. */
    let start = 0;
    let wholeEnd = 0;
    for (const [first, count] of scan.nextSlice(room.number, room.first, until)) {
      const chunkEnd = first + count - 1;
      end = Math.min(chunkEnd, until);
      if (end < chunkEnd) break;
      start ||= first;
      wholeEnd = chunkEnd;
    }
    let blanked = false;
    database.transaction(() => {
      onDelete();
      // Also `last`, or nothing would know, after the last chunk is gone, which ids were given.
      this.#keep.run(end + 1, room.last, room.number);
      search.drop(room, end);
      // The others of its chunk stay.
      if (end > wholeEnd) chunks.clearLines(room, end);
      if (wholeEnd === 0) return;
      this.#drop.run(room.number, start, wholeEnd, refsUntil, refsAfter);
      blanked = Number(this.#blank.run(room.number, start, wholeEnd).changes) > 0;
    });
    const dropped = end - room.first + 1;
    // Nothing was left behind, neither now nor before.
    if (wholeEnd > 0 && !blanked && room.bottom >= start) room.bottom = wholeEnd + 1;
    room.first = end + 1;
    return dropped;
  }

  /** Forgets one slice of what trimmed messages left. Returns whether there may be more. */
  dropRefs(room: RoomLog, { refsUntil, refsAfter }: TrimPlan): boolean {
    if (room.bottom >= room.first) return false;
    const { scan, database } = this.#options;
    const rows = scan.rows(room.number, room.bottom, room.first - 1, REFS_SLICE);
    let end = 0;
    let bottom = room.first;
    for (const [first, count, at] of rows) {
      bottom = first;
      // The chunk that holds `room.first`, or marks that still count.
      if (first + count > room.first || (at > refsUntil && at <= refsAfter)) break;
      end = first + count - 1;
      bottom = end + 1;
    }
    if (end > 0) {
      database.statement(() => this.#drop.run(room.number, room.bottom, end, refsUntil, refsAfter));
    }
    room.bottom = bottom;
    return end > 0;
  }
}
