import type { StatementSync } from "node:sqlite";
import type { Chunks } from "./chunks.ts";
import { Query } from "./query.ts";
import type { RoomLog } from "./room_log.ts";
import type { BatchScan } from "./batch_scan.ts";
import type { LogDatabase } from "./log_database.ts";

/**
 * What a person typed, as an expression of the full-text index: every word in quotes, so that
 * nothing in it is syntax. `undefined` when there is no word in it.
 */
export function matchExpression(query: string): string | undefined {
  const terms: string[] = [];
  // Quotes and controls are no part of a word, and would be syntax or the end of the text.
  for (const word of query.toWellFormed().split(/[\s"\p{Cc}]+/u)) {
    if (!/[\p{L}\p{N}\p{Co}]/u.test(word)) continue;
    terms.push(`"${word}"${word.endsWith("*") ? "*" : ""}`);
  }
  return terms.length === 0 ? undefined : terms.join(" ");
}

/** Pages of the index merged with every slice: more than a slice adds, so that it never piles up. */
const MERGE_PAGES = 64;

const RANGE = "rowid BETWEEN (?1 << 40) | ?2 AND (?1 << 40) | ?3";

/** What separates words and may stand in a text: to SQLite, a NUL may be its end. */
const NUL = "\u0000";

/**
 * The full-text index. Appending does not touch it: a room is caught up when somebody searches it,
 * and now and then (by trimming) so that there is never much to catch up with.
 */
export class SearchIndex {
  readonly #database: LogDatabase;
  readonly #slices: BatchScan;
  readonly #chunks: Chunks;
  readonly #fill: StatementSync;
  readonly #drop: StatementSync;
  readonly #merge: StatementSync;
  readonly #mark: StatementSync;
  readonly #oldest: Query<readonly [id: number]>;
  readonly #newest: Query<readonly [id: number]>;

  constructor(database: LogDatabase, slices: BatchScan, chunks: Chunks) {
    const { db } = this.#database = database;
    this.#slices = slices;
    this.#chunks = chunks;
    this.#fill = db.prepare("INSERT INTO search (rowid, message) VALUES ((? << 40) | ?, ?)");
    // To take a row out, the index must be told what was in it.
    this.#drop = db.prepare(
      "INSERT INTO search (search, rowid, message) VALUES ('delete', (? << 40) | ?, ?)",
    );
    this.#merge = db.prepare(
      `INSERT INTO search (search, rank) VALUES ('merge', ${MERGE_PAGES})`,
    );
    this.#mark = db.prepare("UPDATE rooms SET indexed = ? WHERE no = ?");
    const matches = `SELECT rowid & 0xffffffffff FROM search WHERE search MATCH ?4 AND ${RANGE}`;
    this.#oldest = new Query(db, `${matches} ORDER BY rowid LIMIT ?5`);
    this.#newest = new Query(db, `${matches} ORDER BY rowid DESC LIMIT ?5`);
  }

  /** Indexes one slice of what is missing up to the id `to`. Returns whether there was anything. */
  catchUp(room: RoomLog, to: number): boolean {
    const from = Math.max(room.indexed + 1, room.first);
    if (from > to) return false;
    const [first, count] = this.#slices.next(room.no, from, to).at(-1) ?? [0, 0];
    const end = Math.min(to, first + count - 1);
    if (end < from) return false;
    this.#database.transaction(() => {
      this.#each(this.#fill, room, from, end);
      this.#merge.run();
      this.#mark.run(end, room.no);
    });
    room.indexed = end;
    return true;
  }

  /** Forgets the messages up to `to`, in the transaction of the caller. */
  drop(room: RoomLog, to: number): void {
    const end = Math.min(to, room.indexed);
    if (room.first > end) return;
    this.#each(this.#drop, room, room.first, end);
    this.#merge.run();
  }

  #each(statement: StatementSync, room: RoomLog, from: number, to: number): void {
    this.#chunks.texts(room, from, to, (id, text) => {
      statement.run(room.no, id, text.includes(NUL) ? text.replaceAll(NUL, " ") : text);
    });
  }

  /** The ids of a range whose messages match, rising; the newest ones when there are too many. */
  find(
    room: RoomLog,
    expression: string,
    from: number,
    to: number,
    limit: number,
    keep: "oldest" | "newest",
  ): readonly number[] {
    const query = keep === "oldest" ? this.#oldest : this.#newest;
    const ids = query.all(room.no, from, to, expression, limit).map(([id]) => id);
    return keep === "oldest" ? ids : ids.reverse();
  }
}
