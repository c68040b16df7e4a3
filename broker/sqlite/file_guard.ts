import { getLogger } from "@logtape/logtape";
import type { Checkpoints } from "./checkpoints.ts";
import { exists, isAt } from "./files.ts";

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
  #lookedAt = -Infinity;
  #gone = false;

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
    if (now - this.#lookedAt >= PERIOD) {
      this.#gone = !isAt(this.#file, this.#path);
      if (!this.#gone) this.#checkSides();
      this.#lookedAt = now;
    }
    if (this.#gone) throw new LogFileGoneError();
  }

  /** Forgets the last look, for those who must know about this moment. */
  checkNow(): void {
    this.#lookedAt = -Infinity;
    this.check();
  }

  /** What is in a write-ahead log that was deleted is moved into the file, and a new one begun. */
  #checkSides(): void {
    const shared = !this.#shared || exists(`${this.#path}-shm`);
    if (shared && this.#checkpoints.isInPlace()) return;
    this.#checkpoints.restart();
    logger.warn("{path}-wal or -shm was deleted: all of it is in {path} now", { path: this.#path });
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}
