import { DatabaseSync, type StatementSync } from "node:sqlite";
import { type BatchScan, type ChunkReader, nextTurn, SLICE_MESSAGES } from "./chunk_reader.ts";
import { type LogDatabase, Query } from "./log_database.ts";
import type { RoomLog } from "./room_log.ts";
import { TOKENIZER } from "./migrations.ts";

/**
 * Converts a user's query into an expression of the full-text index, with every word quoted so that
 * nothing in it is syntax. Returns `undefined` if it contains no word.
 */
export function matchExpression(query: string): string | undefined {
  const terms: string[] = [];
  // Quotes and control characters would be syntax or end the text.
  for (const word of query.toWellFormed().split(/[\s"\p{Cc}]+/u)) {
    if (!/[\p{L}\p{N}\p{Co}]/u.test(word)) continue;
    terms.push(`"${word}"${word.endsWith("*") ? "*" : ""}`);
  }
  return terms.length === 0 ? undefined : terms.join(" ");
}

/** Index pages merged with every slice: more than a slice adds, so the index never piles up. */
const MERGE_PAGES = 64;

const RANGE = "rowid BETWEEN (?1 << 40) | ?2 AND (?1 << 40) | ?3";

/** SQLite may take a NUL as the end of a text; to the index, it separates words. */
const NUL = "\u0000";

/**
 * The full-text index. Appends do not touch it: a room is indexed when it is searched and after each
 * trim, so there is never much left to index.
 */
export class SearchIndex {
  readonly #database: LogDatabase;
  readonly #scan: BatchScan;
  readonly #chunks: ChunkReader;
  readonly #insert: StatementSync;
  readonly #drop: StatementSync;
  readonly #merge: StatementSync;
  readonly #setIndexed: StatementSync;
  readonly #oldest: Query<readonly [id: number]>;
  readonly #newest: Query<readonly [id: number]>;

  constructor(database: LogDatabase, scan: BatchScan, chunks: ChunkReader) {
    const { db } = this.#database = database;
    this.#scan = scan;
    this.#chunks = chunks;
    this.#insert = db.prepare("INSERT INTO search (rowid, message) VALUES ((? << 40) | ?, ?)");
    // To delete a row, the index needs the text that was in it.
    this.#drop = db.prepare(
      "INSERT INTO search (search, rowid, message) VALUES ('delete', (? << 40) | ?, ?)",
    );
    this.#merge = db.prepare(
      `INSERT INTO search (search, rank) VALUES ('merge', ${MERGE_PAGES})`,
    );
    this.#setIndexed = db.prepare("UPDATE rooms SET indexed = ? WHERE no = ?");
    const matches = `SELECT rowid & 0xffffffffff FROM search WHERE search MATCH ?4 AND ${RANGE}`;
    this.#oldest = new Query(db, `${matches} ORDER BY rowid LIMIT ?5`);
    this.#newest = new Query(db, `${matches} ORDER BY rowid DESC LIMIT ?5`);
  }

  /** Indexes one slice of missing messages up to the id `to`. Returns whether there were any. */
  catchUp(room: RoomLog, to: number): boolean {
    const from = Math.max(room.indexed + 1, room.first);
    if (from > to) return false;
    const [first, count] = this.#scan.nextSlice(room.number, from, to).at(-1) ?? [0, 0];
    const end = Math.min(to, first + count - 1);
    if (end < from) return false;
    this.#database.transaction(() => {
      this.#forEachText(this.#insert, room, from, end);
      this.#merge.run();
      this.#setIndexed.run(end, room.number);
    });
    room.indexed = end;
    return true;
  }

  /** Removes the messages up to `to`, in the transaction of the caller. */
  drop(room: RoomLog, to: number): void {
    const end = Math.min(to, room.indexed);
    if (room.first > end) return;
    this.#forEachText(this.#drop, room, room.first, end);
    this.#merge.run();
  }

  #forEachText(statement: StatementSync, room: RoomLog, from: number, to: number): void {
    this.#chunks.forEachText(room, from, to, (id, text) => {
      statement.run(room.number, id, text.includes(NUL) ? text.replaceAll(NUL, " ") : text);
    });
  }

  /** The ids of matching messages in a range, ascending; `keep` decides which exceed `limit`. */
  find(
    room: RoomLog,
    expression: string,
    from: number,
    to: number,
    limit: number,
    keep: "oldest" | "newest",
  ): readonly number[] {
    const query = keep === "oldest" ? this.#oldest : this.#newest;
    const ids = query.all(room.number, from, to, expression, limit).map(([id]) => id);
    return keep === "oldest" ? ids : ids.reverse();
  }
}

/**
 * An index in memory of the messages that the log's own index lacks, for searching while the log
 * cannot be written, as on a full disk.
 */
export class UnwrittenIndex {
  readonly #texts: ReadonlyMap<number, string>;

  private constructor(texts: ReadonlyMap<number, string>) {
    this.#texts = texts;
  }

  /** Reads the messages of a room after its indexed ones, up to the id `last`, in slices. */
  static async build(chunks: ChunkReader, room: RoomLog, last: number): Promise<UnwrittenIndex> {
    const texts = new Map<number, string>();
    for (let from = Math.max(room.indexed + 1, room.first); from <= last; from += SLICE_MESSAGES) {
      const to = Math.min(last, from + SLICE_MESSAGES - 1);
      chunks.forEachText(room, from, to, (id, text) => texts.set(id, text));
      await nextTurn();
    }
    return new UnwrittenIndex(texts);
  }

  /** The ids of matching messages in a range, ascending. */
  find(expression: string, from: number, to: number): readonly number[] {
    using db = new DatabaseSync(":memory:");
    db.exec(
      `CREATE VIRTUAL TABLE unwritten USING fts5(message, content = '', tokenize = '${TOKENIZER}')`,
    );
    const insert = db.prepare("INSERT INTO unwritten (rowid, message) VALUES (?, ?)");
    db.exec("BEGIN");
    for (const [id, text] of this.#texts) {
      if (id >= from && id <= to) insert.run(id, text.replaceAll(NUL, " "));
    }
    return db.prepare("SELECT rowid AS id FROM unwritten WHERE unwritten MATCH ? ORDER BY rowid")
      .all(expression).map(({ id }) => Number(id));
  }
}
