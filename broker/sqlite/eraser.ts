import type { DatabaseSync, StatementSync } from "node:sqlite";
import { firstValue, transaction } from "./log_database.ts";
import type { Checkpoints } from "./wal.ts";

/** The largest log in bytes that is rewritten while the hub runs: about 15 ms. */
const REWRITE_BYTES = 2 * 1024 * 1024;

/** The largest log in bytes that is rewritten on opening: about half a second. */
const REWRITE_ON_OPEN_BYTES = 64 * 1024 * 1024;

/** Milliseconds between two rewrites. */
const REWRITE_PERIOD = 60_000;

/** The value of `meta.erase` when messages were deleted since the last rewrite. */
const PENDING = "pending";

/**
 * Removes the text of trimmed messages from the files.
 *
 * SQLite overwrites deleted rows (`secure_delete`), but its write-ahead log holds older versions of
 * their pages, so it is truncated. Copies can also remain in unused parts of pages, when rows were
 * moved. A small log is rewritten to remove them; a larger one is rewritten when it is next opened.
 */
export class Eraser {
  readonly #db: DatabaseSync;
  readonly #checkpoints: Checkpoints;
  readonly #setMeta: StatementSync;
  /** Whether the write-ahead log may contain deleted text. */
  #walDirty = false;
  /** Whether unused parts of pages may contain deleted text. */
  #pagesDirty: boolean;
  #rewrittenAt = -Infinity;

  /** @param onRewrite called when the full-text index has become empty. */
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

  /** Call in each transaction that deletes messages. */
  onDelete(): void {
    this.#walDirty = true;
    if (this.#pagesDirty) return;
    this.#setMeta.run(PENDING);
    this.#pagesDirty = true;
  }

  /** Removes deleted text as far as that is possible now. */
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
    // While another reader has the log open, such as a backup, this is left to the next run.
    if (this.#walDirty) this.#walDirty = !await this.#checkpoints.truncate();
  }
}

/** Rewrites a log when it is opened, if messages were deleted and it is not too large. */
export function eraseOnOpen(db: DatabaseSync): void {
  if (!isPending(db) || bytes(db) > REWRITE_ON_OPEN_BYTES) return;
  rewrite(db);
  wipeFreePages(db);
}

/** Also true for logs of versions that did not erase. */
function isPending(db: DatabaseSync): boolean {
  return firstValue(db, "SELECT value FROM meta WHERE key = 'erase'") !== "";
}

function bytes(db: DatabaseSync): number {
  return pragma(db, "page_count") * pragma(db, "page_size");
}

function pragma(db: DatabaseSync, name: string): number {
  return Number(firstValue(db, `PRAGMA ${name}`));
}

/** Pages overwritten with one row: some megabytes. */
const WIPED_AT_ONCE = 1024;

/**
 * Moves all messages to other pages and empties the full-text index, which the next search or trim
 * builds again. With `secure_delete`, nothing is left of deleted messages, as the old pages are
 * overwritten.
 *
 * `VACUUM` would do the same, but needs the right to attach databases, which a program without all
 * permissions of Deno does not have.
 */
export function rewrite(db: DatabaseSync): void {
  const schema = db.prepare("SELECT sql FROM sqlite_schema WHERE name = 'chunks'").get()?.["sql"];
  const create = String(schema).replace(/^CREATE TABLE "?chunks"?/, "CREATE TABLE rewritten");
  transaction(db, () =>
    db.exec(`
      ${create};
      INSERT INTO rewritten SELECT * FROM chunks ORDER BY seq;
      DROP TABLE chunks;
      ALTER TABLE rewritten RENAME TO chunks;
      INSERT INTO search (search) VALUES ('delete-all');
      UPDATE rooms SET indexed = first - 1;
      REPLACE INTO meta VALUES ('erase', '');
    `));
}

/** Overwrites free pages: versions that did not erase left text in them. */
export function wipeFreePages(db: DatabaseSync): void {
  const pageSize = pragma(db, "page_size");
  if (pragma(db, "freelist_count") === 0) return;
  transaction(db, () => {
    db.exec("CREATE TABLE wiped (zeros BLOB)");
    const wipe = db.prepare("INSERT INTO wiped VALUES (zeroblob(?))");
    for (let free; (free = pragma(db, "freelist_count")) > 0;) {
      wipe.run(Math.min(WIPED_AT_ONCE, free) * pageSize);
    }
    db.exec("DROP TABLE wiped");
  });
}
