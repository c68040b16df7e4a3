import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Checkpoints } from "./wal.ts";

/** Bytes up to which a log is rewritten while the hub runs: some 15 ms. */
const REWRITE_BYTES = 2 * 1024 * 1024;

/** Bytes up to which a log is rewritten when it is opened: about half a second. */
const REWRITE_ON_OPEN_BYTES = 64 * 1024 * 1024;

/** Milliseconds between two rewrites. */
const REWRITE_PERIOD = 60_000;

/** In `meta.erase`: something was deleted since the log was last rewritten. */
const PENDING = "pending";

/**
 * Gets the text of trimmed messages out of the files.
 *
 * SQLite overwrites what is deleted (`secure_delete`), but its write-ahead log has older versions of
 * the pages: it is emptied. And where rows were moved to other pages, copies may stay in parts of
 * pages that are not used: a small log is rewritten for that, a larger one when it is next opened.
 */
export class Eraser {
  readonly #db: DatabaseSync;
  readonly #checkpoints: Checkpoints;
  readonly #setMeta: StatementSync;
  /** Whether the write-ahead log may hold what was deleted. */
  #walDirty = false;
  /** Whether unused parts of pages may. */
  #pagesDirty: boolean;
  #rewrittenAt = -Infinity;

  /** @param onRewrite told when the full-text index has become empty. */
  constructor(
    db: DatabaseSync,
    checkpoints: Checkpoints,
    private readonly onRewrite: () => void,
  ) {
    this.#db = db;
    this.#checkpoints = checkpoints;
    this.#setMeta = db.prepare("REPLACE INTO meta VALUES ('erase', ?)");
    this.#pagesDirty = isPending(db);
  }

  /** Takes note that messages are deleted, in the transaction that does it. */
  onDelete(): void {
    this.#walDirty = true;
    if (this.#pagesDirty) return;
    this.#setMeta.run(PENDING);
    this.#pagesDirty = true;
  }

  /** Erases what is left of deleted messages, as far as that may be done at this time. */
  async run(monotonic: number): Promise<void> {
    if (
      this.#pagesDirty && monotonic - this.#rewrittenAt >= REWRITE_PERIOD &&
      bytes(this.#db) <= REWRITE_BYTES
    ) {
      this.#rewrittenAt = monotonic;
      rewrite(this.#db);
      this.onRewrite();
      this.#pagesDirty = false;
      this.#walDirty = true;
    }
    // False while somebody reads the log, such as a backup: then the next time.
    if (this.#walDirty) this.#walDirty = !await this.#checkpoints.truncate();
  }
}

/** Rewrites a log that was just opened if something was deleted in it, unless it is too large. */
export function eraseOnOpen(db: DatabaseSync): void {
  if (!isPending(db) || bytes(db) > REWRITE_ON_OPEN_BYTES) return;
  rewrite(db);
  wipeFreePages(db);
}

/** Logs of versions that did not erase say nothing about it. */
function isPending(db: DatabaseSync): boolean {
  return db.prepare("SELECT value FROM meta WHERE key = 'erase'").get()?.["value"] !== "";
}

function bytes(db: DatabaseSync): number {
  const pages = Number(db.prepare("PRAGMA page_count").get()?.["page_count"]);
  return pages * Number(db.prepare("PRAGMA page_size").get()?.["page_size"]);
}

/** Pages that are overwritten with one row: some megabytes. */
const WIPED_AT_ONCE = 1024;

/**
 * Moves all messages to other pages and empties the full-text index, which is built anew by whoever
 * searches or trims. With `secure_delete`, nothing of a deleted message is left then: the pages that
 * had one are overwritten as they are given up, their unused parts too.
 *
 * `VACUUM` would do the same, but takes the right to attach databases, which a program without all
 * permissions of the runtime does not have.
 */
export function rewrite(db: DatabaseSync): void {
  const schema = db.prepare("SELECT sql FROM sqlite_schema WHERE name = 'chunks'").get()?.["sql"];
  const create = String(schema).replace(/^CREATE TABLE "?chunks"?/, "CREATE TABLE rewritten");
  transaction(
    db,
    `${create};
    INSERT INTO rewritten SELECT * FROM chunks ORDER BY seq;
    DROP TABLE chunks;
    ALTER TABLE rewritten RENAME TO chunks;
    INSERT INTO search (search) VALUES ('delete-all');
    UPDATE rooms SET indexed = first - 1;
    REPLACE INTO meta VALUES ('erase', '')`,
  );
}

/** Overwrites the pages that are not used: versions that did not erase gave them up as they were. */
export function wipeFreePages(db: DatabaseSync): void {
  const number = (pragma: string): number =>
    Number(Object.values(db.prepare(`PRAGMA ${pragma}`).get() ?? {})[0]);
  if (number("freelist_count") === 0) return;
  const bytes = WIPED_AT_ONCE * number("page_size");
  db.exec("BEGIN IMMEDIATE; CREATE TABLE wiped (zeros BLOB)");
  try {
    const wipe = db.prepare("INSERT INTO wiped VALUES (zeroblob(?))");
    while (number("freelist_count") > 0) {
      wipe.run(Math.min(bytes, number("freelist_count") * number("page_size")));
    }
    db.exec("DROP TABLE wiped; COMMIT");
  } catch (error) {
    db.exec("ROLLBACK");
    throw error;
  }
}

function transaction(db: DatabaseSync, sql: string): void {
  db.exec("BEGIN IMMEDIATE");
  try {
    db.exec(sql);
    db.exec("COMMIT");
  } catch (error) {
    db.exec("ROLLBACK");
    throw error;
  }
}
