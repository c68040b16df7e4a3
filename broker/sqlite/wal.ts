import type { DatabaseSync } from "node:sqlite";
import { getLogger } from "@logtape/logtape";
import { exists, isAt } from "./files.ts";
import { ErrorStreak } from "../../lib/error_streak.ts";
import { explainStorageError } from "./storage_errors.ts";

const logger = getLogger(["bcast", "log"]);

/** Errors of SQLite where memory cannot be shared between processes. */
const SHARED_MEMORY_FAULT = /disk I\/O error|locking protocol|unable to open database file/;

/**
 * Has commits go to a log of their own first. Other processes may read meanwhile, as a backup does,
 * through shared memory; a file system that has none, such as some of a network, serves one process.
 */
export function enableWal(db: DatabaseSync): void {
  let mode: unknown;
  try {
    mode = journalMode(db, "WAL");
    if (mode === "wal") db.exec("BEGIN IMMEDIATE; COMMIT");
  } catch (error) {
    if (!(error instanceof Error) || !SHARED_MEMORY_FAULT.test(error.message)) throw error;
    mode = undefined;
  }
  if (mode === "wal") return;
  db.exec("PRAGMA locking_mode = EXCLUSIVE");
  mode = journalMode(db, "WAL");
  if (mode !== "wal") throw new Error(`its journal mode is ${String(mode)}`);
}

/** Moves all that is in the write-ahead log into the file, and begins a new one. */
export function restartWal(db: DatabaseSync): void {
  const mode = journalMode(db, "DELETE");
  if (mode !== "delete") throw new Error("the write-ahead log is in use: database is locked");
  enableWal(db);
}

/**
 * Leaves an empty write-ahead log where SQLite removed it, after it moved all that was in it into
 * the file. A log that was in use and has none counts as one that lost its newest part.
 */
export function recreateWal(path: string): void {
  const wal = `${path}-wal`;
  try {
    if (!exists(wal)) Deno.openSync(wal, { createNew: true, write: true, mode: 0o600 }).close();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    // Nothing is lost: the next start begins a new epoch where it need not.
    logger.debug("Cannot make {path}: {error}", { path: wal, error });
  }
}

function journalMode(db: DatabaseSync, wanted: string): unknown {
  return db.prepare(`PRAGMA journal_mode = ${wanted}`).get()?.["journal_mode"];
}

/** Bytes of one page of the database: what SQLite takes by itself. */
const PAGE_BYTES = 4096;

/**
 * Pages in the write-ahead log after which it is moved into the file, which holds up everything for
 * a few milliseconds. More would be rarer and longer, and (measured) no faster in all.
 */
const CHECKPOINT_PAGES = 1000;

/** Pages after which SQLite does it by itself: trimming and indexing are not counted here. */
export const FORCED_CHECKPOINT_PAGES = 2 * CHECKPOINT_PAGES;

/** Pages that a chunk changes however short it is: a leaf of the table, seldom more. */
const PAGES_OF_CHUNK = 1.2;

/** Pages of the tree above for each page of text. */
const PAGES_OF_PAGE = 1.5;

/**
 * Moves the write-ahead log into the file, now and then. All of it must be on the disk before the
 * file is touched, and to wait for that is the larger part. So the disk is given it first, by a
 * thread of the runtime, while everything else goes on; SQLite then finds little left to wait for.
 */
export class Checkpoints {
  readonly #db: DatabaseSync;
  readonly #path: string;
  #wal: Deno.FsFile;
  readonly #errors = new ErrorStreak(
    getLogger(["bcast", "log"]),
    "Cannot move new messages from the -wal into the log",
  );
  #pages = 0;
  #running: Promise<void> | undefined;
  #closed = false;

  /** @param path that of the log, which is open and was written to. */
  constructor(db: DatabaseSync, path: string) {
    this.#db = db;
    this.#path = `${path}-wal`;
    this.#wal = this.#open();
  }

  #open(): Deno.FsFile {
    // Closing this one drops no locks: those of SQLite are on the other file.
    return Deno.openSync(this.#path, { read: true, write: true });
  }

  /** Whether the write-ahead log is where it was. */
  isInPlace(): boolean {
    return isAt(this.#wal, this.#path);
  }

  /** Moves all of it into the file, and begins a new one. */
  restart(): void {
    restartWal(this.#db);
    const old = this.#wal;
    this.#wal = this.#open();
    void (this.#running ?? Promise.resolve()).finally(() => old.close());
  }

  /** Takes note of a transaction of so many chunks with so much text, more or less. */
  onWrite(chunks: number, length: number): void {
    this.#pages += chunks * PAGES_OF_CHUNK + length * (PAGES_OF_PAGE / PAGE_BYTES);
    if (this.#pages < CHECKPOINT_PAGES || this.#running !== undefined) return;
    this.#running = this.#run().finally(() => this.#running = undefined);
  }

  /**
   * Moves all of it into the file and empties it, so that nothing of what was deleted stays in it.
   * Returns false when a reader of the log, such as a backup, prevents it.
   */
  async truncate(): Promise<boolean> {
    await this.#running;
    await this.#wal.syncData();
    if (this.#closed) return true;
    this.#pages = 0;
    return this.#db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get()?.["busy"] === 0;
  }

  async #run(): Promise<void> {
    try {
      await this.#wal.syncData();
      if (this.#closed) return;
      this.#pages = 0;
      this.#db.exec("PRAGMA wal_checkpoint(PASSIVE)");
      this.#errors.worked();
    } catch (error) {
      // Nothing is lost: the next one does what this one could not.
      const { what, remedy } = explainStorageError(error);
      this.#errors.failed(`${what}. ${remedy}`);
    }
  }

  /** Ends it, before the log is closed. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
    this.#wal.close();
  }
}
