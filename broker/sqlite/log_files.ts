import type { DatabaseSync } from "node:sqlite";
import { Checkpoints } from "./wal.ts";
import { beginGeneration, markClosed } from "./database.ts";
import { Eraser } from "./eraser.ts";
import { LogGeneration } from "./generation.ts";
import { getLogger } from "@logtape/logtape";
import { exists, isAt } from "./files.ts";

/** The parts of an open log that deal with files; a log in memory has none of them. */
export class LogFiles implements Disposable {
  readonly checkpoints: Checkpoints;
  readonly eraser: Eraser;
  readonly fileGuard: FileGuard;
  readonly #db: DatabaseSync;
  readonly #generation: LogGeneration;

  /**
   * Dispose of it after closing the database.
   *
   * @param messages returns the number of messages ever appended.
   * @param onRewrite called when the full-text index has become empty.
   */
  constructor(db: DatabaseSync, path: string, messages: () => number, onRewrite: () => void) {
    this.#db = db;
    this.#generation = new LogGeneration(db, path, messages);
    beginGeneration(db, this.#generation);
    this.checkpoints = new Checkpoints(db, path);
    this.eraser = new Eraser(db, this.checkpoints, onRewrite);
    this.fileGuard = new FileGuard(path, this.checkpoints);
  }

  /** Counts an append; `length` is the approximate size of its text. */
  onWrite(chunks: number, length: number): void {
    this.checkpoints.onWrite(chunks, length);
    this.#generation.onAppend();
  }

  /** Finishes pending work and marks the log as cleanly closed. */
  async close(): Promise<void> {
    this.#generation.stop();
    try {
      // Side files must not be written next to another log that replaced this one.
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

/** Milliseconds between checks: writes in between can be lost with a deleted file. */
const PERIOD = 100;

/**
 * Detects that the files of an open log were deleted, replaced or moved. The operating system lets
 * a process write to such files, but discards them when it ends.
 */
class FileGuard implements Disposable {
  readonly #path: string;
  readonly #checkpoints: Checkpoints;
  readonly #file: Deno.FsFile;
  /** Whether the log uses a file of shared memory. */
  readonly #shared: boolean;
  #checkedAt = -Infinity;
  #missing = false;

  /** Dispose of it after closing the database: closing the file drops SQLite's locks on it. */
  constructor(path: string, checkpoints: Checkpoints) {
    this.#path = path;
    this.#checkpoints = checkpoints;
    this.#file = Deno.openSync(path, { read: true });
    this.#shared = exists(`${path}-shm`);
  }

  /**
   * Asserts that the files are in place; looks at most every {@linkcode PERIOD} milliseconds.
   *
   * @throws until the file is back.
   */
  check(): void {
    const now = performance.now();
    if (now - this.#checkedAt >= PERIOD) {
      this.#missing = !isAt(this.#file, this.#path);
      if (!this.#missing) this.#checkSideFiles();
      this.#checkedAt = now;
    }
    if (this.#missing) throw new Error("the file of the log was deleted or replaced");
  }

  /** Like {@linkcode check}, without relying on the last look. */
  checkNow(): void {
    this.#checkedAt = -Infinity;
    this.check();
  }

  /** Restores a deleted write-ahead log: SQLite still has its content. */
  #checkSideFiles(): void {
    const shared = !this.#shared || exists(`${this.#path}-shm`);
    if (shared && this.#checkpoints.isInPlace()) return;
    this.#checkpoints.restart();
    logger.warn("{path}-wal or -shm was deleted: its content was moved into {path}", {
      path: this.#path,
    });
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}
