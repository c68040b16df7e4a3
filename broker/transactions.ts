import { getLogger } from "@logtape/logtape";
import type { DatabaseSync, StatementSync } from "node:sqlite";

/** Transactions on one connection, with statements prepared once. */
export class Transactions {
  readonly #db: DatabaseSync;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#begin = db.prepare("BEGIN IMMEDIATE");
    this.#commit = db.prepare("COMMIT");
  }

  /** Does all of `work` or, when it throws, nothing. */
  run<T>(work: () => T): T {
    this.#clear();
    this.#begin.run();
    try {
      const result = work();
      this.#commit.run();
      return result;
    } catch (error) {
      this.#rollback();
      throw error;
    }
  }

  /** Does one statement, which is a transaction of its own: cheaper by two statements. */
  single(statement: () => void): void {
    this.#clear();
    statement();
  }

  #clear(): void {
    // Only after a rollback that failed too.
    if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
  }

  #rollback(): void {
    try {
      // On some faults SQLite has rolled back already.
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
    } catch (error) {
      // The first error is the one to tell the caller; the next transaction tries again.
      getLogger(["bcast", "log"]).error("A transaction could not be undone: {error}", { error });
    }
  }
}
