import type { DatabaseSync } from "node:sqlite";
import { Checkpoints } from "./wal.ts";
import { beginGeneration, markClosed } from "./database.ts";
import { Eraser } from "./eraser.ts";
import { LogGeneration } from "./generation.ts";
import { getLogger } from "@logtape/logtape";
import { exists, isAt } from "./files.ts";

/** What an open log needs that is in files: all that a log in memory does without. */
export class LogFiles implements Disposable {
  readonly checkpoints: Checkpoints;
  readonly eraser: Eraser;
  readonly fileGuard: FileGuard;
  readonly #db: DatabaseSync;
  readonly #generation: LogGeneration;

  /**
   * Dispose of it after the database is closed.
   *
   * @param messages the number of messages that the log was ever given.
   * @param onRewrite told when the full-text index has become empty.
   */
  constructor(db: DatabaseSync, path: string, messages: () => number, onRewrite: () => void) {
    this.#db = db;
    this.#generation = new LogGeneration(db, path, messages);
    beginGeneration(db, this.#generation);
    this.checkpoints = new Checkpoints(db, path);
    this.eraser = new Eraser(db, this.checkpoints, onRewrite);
    this.fileGuard = new FileGuard(path, this.checkpoints);
  }

  /** Takes note of an append of so many chunks with so much text. */
  onWrite(chunks: number, length: number): void {
    this.checkpoints.onWrite(chunks, length);
    this.#generation.onAppend();
  }

  /** Ends what is under way, and says in the log that nothing is missing. */
  async close(): Promise<void> {
    this.#generation.stop();
    try {
      // What belongs beside the log must not be put beside another one.
      this.fileGuard.checkNow();
    } finally {
      await this.checkpoints.close();
    }
    markClosed(this.#db, () => this.#generation.renewToken());
    this.#generation.save();
  }

  [Symbol.dispose](): void {
    this.fileGuard[Symbol.dispose]();
  }
}

const logger = getLogger(["bcast", "log"]);

/** Milliseconds between two looks: what is written in between may be lost with the file. */
const PERIOD = 100;

/** The file of the log is not where it was: what is written would be lost. */
export class LogFileGoneError extends Error {
  override readonly name = "LogFileGoneError";
  constructor() {
    super("the file of the log was deleted or replaced");
  }
}

/**
 * Notices that the files of an open log were deleted, replaced or moved away. The system lets a
 * process go on writing to such files, and discards them when it ends.
 */
export class FileGuard implements Disposable {
  readonly #path: string;
  readonly #checkpoints: Checkpoints;
  readonly #file: Deno.FsFile;
  /** Whether the log has a file for memory that is shared between processes. */
  readonly #shared: boolean;
  #checkedAt = -Infinity;
  #missing = false;

  /** Keeps the file open: dispose of it after the database, as closing a file drops its locks. */
  constructor(path: string, checkpoints: Checkpoints) {
    this.#path = path;
    this.#checkpoints = checkpoints;
    this.#file = Deno.openSync(path, { read: true });
    this.#shared = exists(`${path}-shm`);
  }

  /**
   * Makes sure, as of the last moments, that what is written will be found again.
   *
   * @throws {LogFileGoneError} until the file is back.
   */
  check(): void {
    const now = performance.now();
    if (now - this.#checkedAt >= PERIOD) {
      this.#missing = !isAt(this.#file, this.#path);
      if (!this.#missing) this.#checkSideFiles();
      this.#checkedAt = now;
    }
    if (this.#missing) throw new LogFileGoneError();
  }

  /** Forgets the last look, for those who must know about this moment. */
  checkNow(): void {
    this.#checkedAt = -Infinity;
    this.check();
  }

  /** What is in a write-ahead log that was deleted is moved into the file, and a new one begun. */
  #checkSideFiles(): void {
    const shared = !this.#shared || exists(`${this.#path}-shm`);
    if (shared && this.#checkpoints.isInPlace()) return;
    this.#checkpoints.restart();
    logger.warn("{path}-wal or -shm was deleted: all of it is in {path} now", { path: this.#path });
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}
