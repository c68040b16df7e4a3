import { getLogger } from "@logtape/logtape";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { ErrorStreak } from "../../lib/error_streak.ts";
import { explainStorage } from "./storage_errors.ts";

const logger = getLogger(["bcast", "log"]);

/**
 * Transactions on one connection, with statements prepared once. What keeps the log from being
 * written is logged here, once, whoever wanted to write.
 */
export class LogDatabase {
  readonly #check: () => void;
  readonly #trouble = new ErrorStreak(logger, "Cannot write the log");
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;

  /** @param check throws when what is written would be lost. */
  constructor(readonly db: DatabaseSync, check: () => void) {
    this.#check = check;
    this.#begin = db.prepare("BEGIN IMMEDIATE");
    this.#commit = db.prepare("COMMIT");
  }

  /** Does all of `work` or, when it throws, nothing. */
  transaction<T>(work: () => T): T {
    return this.#watched(() => {
      this.#begin.run();
      try {
        const result = work();
        this.#commit.run();
        return result;
      } catch (error) {
        this.#rollback();
        throw error;
      }
    });
  }

  /** Does one statement, which is a transaction of its own: cheaper by two statements. */
  statement(statement: () => void): void {
    this.#watched(statement);
  }

  #watched<T>(work: () => T): T {
    try {
      this.#check();
      this.#clear();
      const result = work();
      this.#trouble.worked();
      return result;
    } catch (error) {
      const { what, remedy } = explainStorage(error);
      this.#trouble.failed(`${what}. ${remedy}`);
      throw error;
    }
  }

  #clear(): void {
    // Only after a rollback that failed too.
    if (this.db.isTransaction) this.db.exec("ROLLBACK");
  }

  #rollback(): void {
    try {
      // On some faults SQLite has rolled back already.
      if (this.db.isTransaction) this.db.exec("ROLLBACK");
    } catch (error) {
      // The first error is the one to tell the caller; the next transaction tries again.
      logger.error("A transaction could not be undone: {error}", { error });
    }
  }
}
