import type { DatabaseSync } from "node:sqlite";
import { DEDUPE_MINUTES } from "../../protocol.ts";
import type { Origin } from "../broker.ts";
import { type Chunk, MessageRefs } from "./chunk.ts";
import { Query } from "./log_database.ts";
import { RefHashTable } from "./ref_hash_table.ts";
import type { RoomLogs } from "./room_log.ts";

/** For how long a retry is recognized. */
export const DEDUPE_MILLISECONDS = DEDUPE_MINUTES * 60 * 1000;

/** Where a retried message was stored. */
export interface StoredPosition {
  /** The number of its room. */
  readonly room: number;
  readonly id: number;
  readonly at: number;
}

type RefsRow = readonly [at: number, marks: string | null];

/** Rows of marks read at once on opening. */
const LOAD_ROWS = 1000;

/**
 * Recognizes retries. In memory are hashes alone; what a hash leads to is compared with the marks
 * in the log, or in the batch under way.
 */
export class DedupIndex {
  readonly #table = new RefHashTable(DEDUPE_MILLISECONDS);
  readonly #refsOfChunk: Query<RefsRow>;
  /** Chunks with marks in the batch under way, whose numbers begin with `#base`. */
  #chunks: Chunk[] = [];
  #base = 0;
  /** The time of the batch under way: its timestamp, and by a clock that is never set. */
  #at = 0;
  #elapsed = 0;
  /** What was read last: retries come as the first tries did, many from one chunk. */
  #lastDecoded: { readonly text: string; readonly marks: MessageRefs } | undefined;

  constructor(db: DatabaseSync) {
    this.#refsOfChunk = new Query(db, "SELECT at, refs FROM chunks WHERE seq = (? << 40) | ?");
  }

  /** Reads the marks that still count at the time `now`, which is `elapsed` by the other clock. */
  load(db: DatabaseSync, rooms: RoomLogs, now: number, elapsed: number): void {
    const query = new Query<readonly [first: number, at: number, marks: string | null]>(
      db,
      `SELECT seq & 0xffffffffff, at, refs FROM chunks
        WHERE seq BETWEEN ?1 << 40 AND (?1 << 40) | ?2 ORDER BY seq DESC LIMIT ?3`,
    );
    const until = now - DEDUPE_MILLISECONDS;
    for (const room of rooms.all()) {
      let below = room.last;
      // Most rooms are quiet: one look is enough.
      for (let limit = 1, more = true; more; limit = LOAD_ROWS) {
        const rows = query.all(room.number, below, limit).filter(([, time]) => time > until);
        for (const [first, at, marks] of rows) {
          const age = Math.max(0, now - at);
          if (marks !== null) this.#loadRefs(room.number, first, marks, elapsed, age);
          below = first - 1;
        }
        more = rows.length === limit;
      }
    }
  }

  #loadRefs(room: number, first: number, marks: string, elapsed: number, age: number): void {
    this.#table.rotate(elapsed);
    const no = this.#table.addChunk(room, first, elapsed - age);
    MessageRefs.decode(marks).forEach((session, ref) => {
      this.#table.add(this.#table.hash(session, ref), no);
    });
  }

  /** Begins a batch with a timestamp, at the time `elapsed` of a clock that is never set. */
  beginBatch(at: number, elapsed: number): void {
    this.#table.rotate(elapsed);
    this.#elapsed = elapsed;
    this.#chunks = [];
    this.#base = this.#table.next;
    this.#at = at;
  }

  /** A number for an origin, for the other methods. */
  hash({ session, ref }: Origin): number {
    return this.#table.hash(session, ref);
  }

  /** Where a message with this origin was stored in the last minutes, if it was. */
  find(hash: number, origin: Origin): StoredPosition | undefined {
    for (const no of this.#table.candidates(hash)) {
      const found = this.#compare(no, origin);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #compare(no: number, origin: Origin): StoredPosition | undefined {
    const chunk = this.#chunks[no - this.#base];
    if (chunk !== undefined) {
      const place = chunk.refs.find(origin);
      if (place === undefined) return undefined;
      return { room: chunk.room, id: chunk.first + place, at: this.#at };
    }
    const where = this.#table.chunkAt(no);
    // Not by its timestamp: a clock that is set does not end the time for retries.
    if (where === undefined || where.at <= this.#elapsed - DEDUPE_MILLISECONDS) return undefined;
    const { room, first } = where;
    // A batch that failed, or trimming, may have left nothing there.
    const [at, text] = this.#refsOfChunk.first(room, first) ?? [0, null];
    if (text === null) return undefined;
    const place = this.#decodeRefs(text).find(origin);
    return place === undefined ? undefined : { room, id: first + place, at };
  }

  #decodeRefs(text: string): MessageRefs {
    // Compared by what it says: after a batch that failed, its place is taken by another.
    if (this.#lastDecoded?.text !== text) {
      this.#lastDecoded = { text, marks: MessageRefs.decode(text) };
    }
    return this.#lastDecoded.marks;
  }

  /** Remembers a mark of the batch under way, which `chunk` has. */
  add(hash: number, chunk: Chunk): void {
    if (chunk.dedupNumber === undefined) {
      chunk.dedupNumber = this.#table.addChunk(chunk.room, chunk.first, this.#elapsed);
      this.#chunks.push(chunk);
    }
    // Stays when the batch fails: a number that leads nowhere does no harm.
    this.#table.add(hash, chunk.dedupNumber);
  }
}
