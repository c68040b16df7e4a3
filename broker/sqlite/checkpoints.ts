import type { DatabaseSync } from "node:sqlite";
import { getLogger } from "@logtape/logtape";
import { ErrorStreak } from "../../lib/error_streak.ts";
import { isAt } from "./files.ts";
import { explainStorage } from "./storage_errors.ts";
import { restartWal } from "./wal.ts";

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
  readonly #trouble = new ErrorStreak(
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
  wrote(chunks: number, length: number): void {
    this.#pages += chunks * PAGES_OF_CHUNK + length * (PAGES_OF_PAGE / PAGE_BYTES);
    if (this.#pages < CHECKPOINT_PAGES || this.#running !== undefined) return;
    this.#running = this.#run().finally(() => this.#running = undefined);
  }

  /**
   * Moves all of it into the file and empties it, so that nothing of what was deleted stays in it.
   * Returns false when a reader of the log, such as a backup, prevents it.
   */
  async empty(): Promise<boolean> {
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
      this.#trouble.worked();
    } catch (error) {
      // Nothing is lost: the next one does what this one could not.
      const { what, remedy } = explainStorage(error);
      this.#trouble.failed(`${what}. ${remedy}`);
    }
  }

  /** Ends it, before the log is closed. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
    this.#wal.close();
  }
}
