import type { DatabaseSync } from "node:sqlite";
import { getLogger } from "@logtape/logtape";
import { exists, isAt } from "./files.ts";
import { ErrorStreak } from "../../lib/error_streak.ts";
import { explainStorageError } from "./storage_errors.ts";

const logger = getLogger(["bcast", "log"]);

/** SQLite's errors on file systems without memory shared between processes. */
const SHARED_MEMORY_FAULT = /disk I\/O error|locking protocol|unable to open database file/;

/**
 * Enables SQLite's write-ahead log. Other processes, such as a backup, can then read during writes,
 * through shared memory. On file systems without it (some network file systems), only one process
 * can open the log.
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

/**
 * Creates an empty write-ahead log where SQLite removed it after moving its content into the file.
 * Without it, a log that was in use looks as if its newest part was lost.
 */
export function recreateWal(path: string): void {
  const wal = `${path}-wal`;
  try {
    if (!exists(wal)) Deno.openSync(wal, { createNew: true, write: true, mode: 0o600 }).close();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    // Nothing is lost: the next start just begins a new epoch without need.
    logger.debug("Cannot make {path}: {error}", { path: wal, error });
  }
}

function journalMode(db: DatabaseSync, wanted: string): unknown {
  return db.prepare(`PRAGMA journal_mode = ${wanted}`).get()?.["journal_mode"];
}

/** SQLite's default page size in bytes. */
const PAGE_BYTES = 4096;

/**
 * Pages in the write-ahead log that trigger a checkpoint, which blocks everything for a few
 * milliseconds. A higher limit makes checkpoints rarer but longer, and (measured) saves nothing.
 */
const CHECKPOINT_PAGES = 1000;

/** Pages that trigger SQLite's own checkpoint: trimming and indexing are not counted by this class. */
export const FORCED_CHECKPOINT_PAGES = 2 * CHECKPOINT_PAGES;

/** Pages that even a short chunk changes: a leaf of the table, seldom more. */
const PAGES_OF_CHUNK = 1.2;

/** Pages written per page of text, for the tree above it. */
const PAGES_OF_PAGE = 1.5;

/**
 * Moves the write-ahead log into the file from time to time. SQLite must first sync all of it to
 * disk, which takes most of the time. So a thread of the runtime syncs it beforehand, without
 * blocking the event loop, and SQLite has little left to wait for.
 */
export class Checkpoints {
  readonly #db: DatabaseSync;
  readonly #path: string;
  #wal: Deno.FsFile;
  readonly #errors = new ErrorStreak(
    logger,
    "Cannot move new messages from the -wal into the log",
  );
  #pages = 0;
  #running: Promise<void> | undefined;
  #closed = false;

  /** @param path of the log, which must be open and written to. */
  constructor(db: DatabaseSync, path: string) {
    this.#db = db;
    this.#path = `${path}-wal`;
    this.#wal = this.#open();
  }

  #open(): Deno.FsFile {
    // Closing this file drops no locks: SQLite's are on the database file.
    return Deno.openSync(this.#path, { read: true, write: true });
  }

  /** Whether the open write-ahead log is still the one at its path. */
  isInPlace(): boolean {
    return isAt(this.#wal, this.#path);
  }

  /** Moves the write-ahead log into the file and starts a new one. */
  restart(): void {
    const mode = journalMode(this.#db, "DELETE");
    if (mode !== "delete") throw new Error("the write-ahead log is in use: database is locked");
    enableWal(this.#db);
    const old = this.#wal;
    this.#wal = this.#open();
    void (this.#running ?? Promise.resolve()).finally(() => old.close());
  }

  /** Counts a transaction; `length` is the approximate size of its text. */
  onWrite(chunks: number, length: number): void {
    this.#pages += chunks * PAGES_OF_CHUNK + length * (PAGES_OF_PAGE / PAGE_BYTES);
    if (this.#pages < CHECKPOINT_PAGES || this.#running !== undefined) return;
    this.#running = this.#run().finally(() => this.#running = undefined);
  }

  /**
   * Moves the write-ahead log into the file and truncates it, so that no deleted text stays in it.
   * Returns false while another reader, such as a backup, prevents that.
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
      this.#errors.recordSuccess();
    } catch (error) {
      // Nothing is lost: the next checkpoint includes these pages.
      const { what, remedy } = explainStorageError(error);
      this.#errors.recordFailure(`${what}. ${remedy}`);
    }
  }

  /** Call before closing the database. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
    this.#wal.close();
  }
}
