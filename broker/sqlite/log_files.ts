import type { DatabaseSync } from "node:sqlite";
import { Checkpoints } from "./checkpoints.ts";
import { beginGeneration, markClosed } from "./database.ts";
import { Eraser } from "./eraser.ts";
import { FileGuard } from "./file_guard.ts";
import { LogGeneration } from "./generation.ts";

/** What an open log needs that is in files: all that a log in memory does without. */
export class LogFiles implements Disposable {
  readonly checkpoints: Checkpoints;
  readonly eraser: Eraser;
  readonly guard: FileGuard;
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
    this.guard = new FileGuard(path, this.checkpoints);
  }

  /** Takes note of an append of so many chunks with so much text. */
  wrote(chunks: number, length: number): void {
    this.checkpoints.wrote(chunks, length);
    this.#generation.appended();
  }

  /** Ends what is under way, and says in the log that nothing is missing. */
  async close(): Promise<void> {
    this.#generation.stop();
    try {
      // What belongs beside the log must not be put beside another one.
      this.guard.checkNow();
    } finally {
      await this.checkpoints.close();
    }
    markClosed(this.#db, () => this.#generation.renew());
    this.#generation.seal();
  }

  [Symbol.dispose](): void {
    this.guard[Symbol.dispose]();
  }
}
