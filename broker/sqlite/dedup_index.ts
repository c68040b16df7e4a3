import type { DatabaseSync } from "node:sqlite";
import { DEDUPE_MINUTES } from "../../protocol.ts";
import type { Origin } from "../broker.ts";
import { type Chunk, MessageRefs } from "./chunk.ts";
import { Query } from "./log_database.ts";
import { RefHashTable } from "./ref_hash_table.ts";
import type { RoomLogs } from "./room_log.ts";

/** How long a retry is recognized. */
export const DEDUPE_MILLISECONDS = DEDUPE_MINUTES * 60 * 1000;

/** The position of a stored message. */
export interface StoredPosition {
  /** The number of its room. */
  readonly room: number;
  readonly id: number;
  readonly at: number;
}

type RefsRow = readonly [at: number, refs: string | null];

/** Rows of refs read at once when the log is opened. */
const LOAD_ROWS = 1000;

/**
 * Recognizes retries. Memory holds hashes only: the chunks that a hash leads to are read from the
 * log, or found in the current batch, and their refs are compared.
 */
export class DedupIndex {
  readonly #table = new RefHashTable(DEDUPE_MILLISECONDS);
  readonly #refsOfChunk: Query<RefsRow>;
  /** Chunks with refs in the current batch, numbered from `#base` on. */
  #chunks: Chunk[] = [];
  #base = 0;
  /** The time of the current batch, as a timestamp and by a monotonic clock. */
  #at = 0;
  #elapsed = 0;
  /** The refs read last: retries come in the order of the first attempts, many from one chunk. */
  #lastDecoded: { readonly text: string; readonly refs: MessageRefs } | undefined;

  constructor(db: DatabaseSync) {
    this.#refsOfChunk = new Query(db, "SELECT at, refs FROM chunks WHERE seq = (? << 40) | ?");
  }

  /** Loads the refs that are recent enough at `now`, which is `elapsed` by a monotonic clock. */
  load(db: DatabaseSync, rooms: RoomLogs, now: number, elapsed: number): void {
    const query = new Query<readonly [first: number, at: number, refs: string | null]>(
      db,
      `SELECT seq & 0xffffffffff, at, refs FROM chunks
        WHERE seq BETWEEN ?1 << 40 AND (?1 << 40) | ?2 ORDER BY seq DESC LIMIT ?3`,
    );
    const until = now - DEDUPE_MILLISECONDS;
    for (const room of rooms.all()) {
      let below = room.last;
      // Most rooms have been quiet: one row is enough to see that.
      for (let limit = 1, more = true; more; limit = LOAD_ROWS) {
        const rows = query.all(room.number, below, limit).filter(([, time]) => time > until);
        for (const [first, at, refs] of rows) {
          const age = Math.max(0, now - at);
          if (refs !== null) this.#loadRefs(room.number, first, refs, elapsed, age);
          below = first - 1;
        }
        more = rows.length === limit;
      }
    }
  }

  #loadRefs(room: number, first: number, refs: string, elapsed: number, age: number): void {
    this.#table.rotate(elapsed);
    const no = this.#table.addChunk(room, first, elapsed - age);
    MessageRefs.decode(refs).forEach((session, ref) => {
      this.#table.add(this.#table.hash(session, ref), no);
    });
  }

  /** Starts a batch; `elapsed` is by a monotonic clock. */
  beginBatch(at: number, elapsed: number): void {
    this.#table.rotate(elapsed);
    this.#elapsed = elapsed;
    this.#chunks = [];
    this.#base = this.#table.next;
    this.#at = at;
  }

  hash({ session, ref }: Origin): number {
    return this.#table.hash(session, ref);
  }

  /** The position of the recent message with this origin; `hash` is the origin's hash. */
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
      const index = chunk.refs.find(origin);
      if (index === undefined) return undefined;
      return { room: chunk.room, id: chunk.first + index, at: this.#at };
    }
    const position = this.#table.chunkAt(no);
    // Compared by a monotonic clock: setting the clock must not end the time for retries.
    if (position === undefined || position.at <= this.#elapsed - DEDUPE_MILLISECONDS) {
      return undefined;
    }
    const { room, first } = position;
    // After a failed batch or a trim, there may be no row.
    const [at, text] = this.#refsOfChunk.first(room, first) ?? [0, null];
    if (text === null) return undefined;
    const index = this.#decodeRefs(text).find(origin);
    return index === undefined ? undefined : { room, id: first + index, at };
  }

  #decodeRefs(text: string): MessageRefs {
    // Compared by text: after a failed batch, another chunk takes its key.
    if (this.#lastDecoded?.text !== text) {
      this.#lastDecoded = { text, refs: MessageRefs.decode(text) };
    }
    return this.#lastDecoded.refs;
  }

  /** Adds a ref of the current batch; it is in `chunk`. */
  add(hash: number, chunk: Chunk): void {
    if (chunk.dedupNumber === undefined) {
      chunk.dedupNumber = this.#table.addChunk(chunk.room, chunk.first, this.#elapsed);
      this.#chunks.push(chunk);
    }
    // A failed batch does not remove it: a number without a chunk is harmless.
    this.#table.add(hash, chunk.dedupNumber);
  }
}
