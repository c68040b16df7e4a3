import type { StatementSync } from "node:sqlite";
import { type AgeFilter, firstVisible, MAX_CLOCK_LEAD } from "./retention.ts";
import type { Retention } from "../broker.ts";
import { type BatchScan, type ChunkReader, SLICE_MESSAGES } from "./chunk_reader.ts";
import { DEDUPE_MILLISECONDS } from "./dedup_index.ts";
import type { RoomLog } from "./room_log.ts";
import type { SearchIndex } from "./search.ts";
import type { LogDatabase } from "./log_database.ts";

/** The limits of one trim of a room. */
interface TrimPlan {
  /** The last id to delete. */
  readonly until: number;
  /** Keys from this time or before are deleted, too, once their messages are. */
  readonly keysUntil: number;
  /** Keys from after this time are, too: their time is wrong. */
  readonly keysAfter: number;
}

interface TrimmerOptions {
  readonly database: LogDatabase;
  readonly scan: BatchScan;
  readonly chunks: ChunkReader;
  readonly search: SearchIndex;
  readonly retention: Retention;
  readonly ageFilter: AgeFilter;
  /** Called in each transaction that deletes messages. */
  readonly onDelete: () => void;
}

/** Rows of keys in one slice: they are short and need no other work. */
const KEYS_SLICE = 10 * SLICE_MESSAGES;

/**
 * Deletes messages beyond retention, slice by slice. A chunk is deleted with its last message, but
 * keeps its keys for as long as repeats are recognized.
 */
export class Trimmer {
  readonly #options: TrimmerOptions;
  readonly #keep: StatementSync;
  readonly #drop: StatementSync;
  readonly #blank: StatementSync;

  constructor(options: TrimmerOptions) {
    this.#options = options;
    const { db } = options.database;
    this.#keep = db.prepare("UPDATE rooms SET first = ?, last = ? WHERE no = ?");
    const range = "seq BETWEEN (?1 << 40) | ?2 AND (?1 << 40) | ?3";
    this.#drop = db.prepare(
      `DELETE FROM chunks WHERE ${range} AND (refs IS NULL OR at <= ?4 OR at > ?5)`,
    );
    this.#blank = db.prepare(`UPDATE chunks SET body = NULL WHERE ${range}`);
  }

  /** The messages of a room to delete now; messages appended later are left to the next trim. */
  plan(room: RoomLog, now: number, byAge: boolean): TrimPlan {
    const { retention, ageFilter } = this.#options;
    return {
      until: byAge
        ? firstVisible(room, retention, ageFilter, now) - 1
        : room.last - retention.maxMessages,
      keysUntil: byAge ? now - DEDUPE_MILLISECONDS : -1,
      keysAfter: now + MAX_CLOCK_LEAD,
    };
  }

  /** Deletes one slice of a room. Returns the number of messages deleted; 0 when done. */
  dropMessages(room: RoomLog, { until, keysUntil, keysAfter }: TrimPlan): number {
    if (room.first > until) return 0;
    const { scan, chunks, search, database, onDelete } = this.#options;
    /** The last id to delete. */
    let end = room.first - 1;
    /** The ids of the chunks that are deleted as a whole. */
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
      // `last` is stored as well: once the last chunk is gone, nothing else records it.
      this.#keep.run(end + 1, room.last, room.number);
      search.drop(room, end);
      // The other messages of its chunk stay.
      if (end > wholeEnd) chunks.clearLines(room, end);
      if (wholeEnd === 0) return;
      this.#drop.run(room.number, start, wholeEnd, keysUntil, keysAfter);
      blanked = Number(this.#blank.run(room.number, start, wholeEnd).changes) > 0;
    });
    const dropped = end - room.first + 1;
    // No row with keys is left, from now or before.
    if (wholeEnd > 0 && !blanked && room.bottom >= start) room.bottom = wholeEnd + 1;
    room.first = end + 1;
    return dropped;
  }

  /** Deletes one slice of the keys of trimmed messages. Returns whether there may be more. */
  dropKeys(room: RoomLog, { keysUntil, keysAfter }: TrimPlan): boolean {
    if (room.bottom >= room.first) return false;
    const { scan, database } = this.#options;
    const rows = scan.rows(room.number, room.bottom, room.first - 1, KEYS_SLICE);
    let end = 0;
    let bottom = room.first;
    for (const [first, count, at] of rows) {
      bottom = first;
      // The chunk that holds `room.first`, or keys that are still needed.
      if (first + count > room.first || (at > keysUntil && at <= keysAfter)) break;
      end = first + count - 1;
      bottom = end + 1;
    }
    if (end > 0) {
      database.statement(() => this.#drop.run(room.number, room.bottom, end, keysUntil, keysAfter));
    }
    room.bottom = bottom;
    return end > 0;
  }
}
