import type { DatabaseSync, StatementSync } from "node:sqlite";
import { Query } from "./query.ts";
import type { RoomLog } from "./room_log.ts";
import { COLUMNS, type Row } from "./rows.ts";
import type { Slices } from "./slices.ts";
import type { Transactions } from "./transactions.ts";

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

const MATCHES = `
  SELECT ${COLUMNS} FROM search CROSS JOIN messages ON messages.seq = search.rowid
  WHERE search MATCH ?4 AND search.rowid BETWEEN (?1 << 40) | ?2 AND (?1 << 40) | ?3`;

/**
 * The full-text index. Appending does not touch it: a room is caught up when somebody searches it,
 * and now and then (by trimming) so that there is never much to catch up with.
 */
export class SearchIndex {
  readonly #transactions: Transactions;
  readonly #slices: Slices;
  readonly #fill: StatementSync;
  readonly #drop: StatementSync;
  readonly #merge: StatementSync;
  readonly #mark: StatementSync;
  readonly #oldest: Query<Row>;
  readonly #newest: Query<Row>;

  constructor(db: DatabaseSync, transactions: Transactions, slices: Slices) {
    this.#transactions = transactions;
    this.#slices = slices;
    this.#fill = db.prepare(`
      INSERT INTO search (rowid, message) SELECT seq, message FROM messages
      WHERE seq BETWEEN (?1 << 40) | ?2 AND (?1 << 40) | ?3 AND message IS NOT NULL`);
    // To take a row out, the index must be told what was in it.
    this.#drop = db.prepare(`
      INSERT INTO search (search, rowid, message) SELECT 'delete', seq, message FROM messages
      WHERE seq BETWEEN (?1 << 40) | ?2 AND (?1 << 40) | ?3 AND message IS NOT NULL`);
    this.#merge = db.prepare(
      `INSERT INTO search (search, rank) VALUES ('merge', ${MERGE_PAGES})`,
    );
    this.#mark = db.prepare("UPDATE rooms SET indexed = ? WHERE no = ?");
    this.#oldest = new Query(db, `${MATCHES} ORDER BY search.rowid LIMIT ?5`);
    this.#newest = new Query(db, `${MATCHES} ORDER BY search.rowid DESC LIMIT ?5`);
  }

  /** Indexes one slice of what is missing up to the id `to`. Returns whether there was anything. */
  catchUp(room: RoomLog, to: number): boolean {
    const from = Math.max(room.indexed + 1, room.first);
    if (from > to) return false;
    const end = this.#slices.end(room.no, from, to, () => true);
    if (end < from) return false;
    this.#transactions.run(() => {
      this.#fill.run(room.no, from, end);
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
    this.#drop.run(room.no, room.first, end);
    this.#merge.run();
  }

  /** The messages of a range that match, oldest first; the newest ones when there are too many. */
  find(
    room: RoomLog,
    expression: string,
    from: number,
    to: number,
    limit: number,
    keep: "oldest" | "newest",
  ): readonly Row[] {
    const query = keep === "oldest" ? this.#oldest : this.#newest;
    const rows = query.all(room.no, from, to, expression, limit);
    return keep === "oldest" ? rows : rows.reverse();
  }
}
