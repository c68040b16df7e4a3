import type { DatabaseSync } from "node:sqlite";
import { DEDUPE_MINUTES } from "../../protocol.ts";
import type { Origin } from "../broker.ts";
import { type Chunk, MessageKeys } from "./chunk.ts";
import { KeyHashTable } from "./key_hash_table.ts";
import { LINE_BREAK } from "./lines.ts";
import { Query } from "./log_database.ts";
import type { RoomLogs } from "./room_log.ts";

/** How long a repeat is recognized. */
export const DEDUPE_MILLISECONDS = DEDUPE_MINUTES * 60 * 1000;

/** A stored message that a draft may repeat. */
export interface StoredMessage {
  readonly id: number;
  readonly at: number;
  /** `undefined` once it is trimmed. */
  readonly line: string | undefined;
}

/** `bytes`: the length of the body. */
type KeysRow = readonly [at: number, refs: string | null, bytes: number | null];

/** The lines of a stored chunk. */
interface ChunkLines {
  readonly room: number;
  readonly first: number;
  /** Shrinks when messages are trimmed. */
  readonly bytes: number;
  readonly lines: readonly string[];
}

/** Rows of keys read at once when the log is opened. */
const LOAD_ROWS = 1000;

/**
 * Recognizes repeats. Memory holds hashes only: the chunks that a hash leads to are read from the
 * log, or found in the current batch, and their keys are compared.
 */
export class DedupIndex {
  readonly #table = new KeyHashTable(DEDUPE_MILLISECONDS);
  readonly #keysOfChunk: Query<KeysRow>;
  readonly #bodyOfChunk: Query<readonly [body: string | null]>;
  /** Chunks with keys in the current batch, numbered from `#base` on. */
  #chunks: Chunk[] = [];
  #base = 0;
  /** The time of the current batch, as a timestamp and by a monotonic clock. */
  #at = 0;
  #elapsed = 0;
  /** What was read last: repeats come in the order of the first attempts, many from one chunk. */
  #lastDecoded: { readonly text: string; readonly keys: MessageKeys } | undefined;
  #lastLines: ChunkLines | undefined;

  constructor(db: DatabaseSync) {
    const ofChunk = "FROM chunks WHERE seq = (? << 40) | ?";
    this.#keysOfChunk = new Query(db, `SELECT at, refs, octet_length(body) ${ofChunk}`);
    this.#bodyOfChunk = new Query(db, `SELECT body ${ofChunk}`);
  }

  /** Loads the keys that are recent enough at `now`, which is `elapsed` by a monotonic clock. */
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
          if (refs !== null) this.#loadKeys(room.number, first, refs, elapsed, age);
          below = first - 1;
        }
        more = rows.length === limit;
      }
    }
  }

  #loadKeys(room: number, first: number, refs: string, elapsed: number, age: number): void {
    this.#table.rotate(elapsed);
    const no = this.#table.addChunk(room, first, elapsed - age);
    MessageKeys.decode(refs).forEach((sender, key) => {
      this.#table.add(this.#table.hash(room, sender, key), no);
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

  /** @param room the number of a room. */
  hash(room: number, { sender, key }: Origin): number {
    return this.#table.hash(room, sender, key);
  }

  /** The recent message of a room with this origin; `hash` is that of room and origin. */
  find(hash: number, room: number, origin: Origin): StoredMessage | undefined {
    for (const no of this.#table.candidates(hash)) {
      const found = this.#compare(no, room, origin);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #compare(no: number, room: number, origin: Origin): StoredMessage | undefined {
    const chunk = this.#chunks[no - this.#base];
    if (chunk !== undefined) {
      const index = chunk.room === room ? chunk.keys.find(origin) : undefined;
      if (index === undefined) return undefined;
      return { id: chunk.first + index, at: this.#at, line: chunk.line(index) };
    }
    const position = this.#table.chunkAt(no);
    if (position === undefined || position.room !== room) return undefined;
    // Compared by a monotonic clock: setting the clock must not end the time for repeats.
    if (position.at <= this.#elapsed - DEDUPE_MILLISECONDS) return undefined;
    const { first } = position;
    // After a failed batch or a trim, there may be no row.
    const [at, text, bytes] = this.#keysOfChunk.first(room, first) ?? [0, null, null];
    if (text === null) return undefined;
    const index = this.#decodeKeys(text).find(origin);
    if (index === undefined) return undefined;
    const line = bytes === null ? undefined : this.#readLines(room, first, bytes)[index];
    // Trimmed lines are empty.
    return { id: first + index, at, line: line === "" ? undefined : line };
  }

  #decodeKeys(text: string): MessageKeys {
    // Compared by text: after a failed batch, another chunk takes its place.
    if (this.#lastDecoded?.text !== text) {
      this.#lastDecoded = { text, keys: MessageKeys.decode(text) };
    }
    return this.#lastDecoded.keys;
  }

  #readLines(room: number, first: number, bytes: number): readonly string[] {
    const last = this.#lastLines;
    if (last?.room === room && last.first === first && last.bytes === bytes) return last.lines;
    const [body] = this.#bodyOfChunk.first(room, first) ?? [null];
    const lines = body?.split(LINE_BREAK) ?? [];
    this.#lastLines = { room, first, bytes, lines };
    return lines;
  }

  /** Adds a key of the current batch; it is in `chunk`. */
  add(hash: number, chunk: Chunk): void {
    if (chunk.dedupNumber === undefined) {
      chunk.dedupNumber = this.#table.addChunk(chunk.room, chunk.first, this.#elapsed);
      this.#chunks.push(chunk);
    }
    // A failed batch does not remove it: a number without a chunk is harmless.
    this.#table.add(hash, chunk.dedupNumber);
  }
}
