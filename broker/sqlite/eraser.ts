import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Checkpoints } from "./checkpoints.ts";
import { rewrite, wipeFreePages } from "./rewrite.ts";

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
  readonly #mark: StatementSync;
  /** Whether the write-ahead log may hold what was deleted. */
  #inWal = false;
  /** Whether unused parts of pages may. */
  #inPages: boolean;
  #rewrittenAt = -Infinity;

  /** @param onRewrite told when the full-text index has become empty. */
  constructor(
    db: DatabaseSync,
    checkpoints: Checkpoints,
    private readonly onRewrite: () => void,
  ) {
    this.#db = db;
    this.#checkpoints = checkpoints;
    this.#mark = db.prepare("REPLACE INTO meta VALUES ('erase', ?)");
    this.#inPages = isPending(db);
  }

  /** Takes note that messages are deleted, in the transaction that does it. */
  deleting(): void {
    this.#inWal = true;
    if (this.#inPages) return;
    this.#mark.run(PENDING);
    this.#inPages = true;
  }

  /** Erases what is left of deleted messages, as far as that may be done at this time. */
  async run(monotonic: number): Promise<void> {
    if (
      this.#inPages && monotonic - this.#rewrittenAt >= REWRITE_PERIOD &&
      bytes(this.#db) <= REWRITE_BYTES
    ) {
      this.#rewrittenAt = monotonic;
      rewrite(this.#db);
      this.onRewrite();
      this.#inPages = false;
      this.#inWal = true;
    }
    // False while somebody reads the log, such as a backup: then the next time.
    if (this.#inWal) this.#inWal = !await this.#checkpoints.empty();
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
