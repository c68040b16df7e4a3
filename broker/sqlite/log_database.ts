import { getLogger } from "@logtape/logtape";
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { ErrorStreak } from "../../lib/error_streak.ts";
import { explainStorageError } from "./storage_errors.ts";

const logger = getLogger(["bcast", "log"]);

/**
 * Transactions on one connection, with statements prepared once. What keeps the log from being
 * written is logged here, once, whoever wanted to write.
 */
export class LogDatabase {
  readonly #assertWritable: () => void;
  readonly #errors = new ErrorStreak(logger, "Cannot write the log");
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;

  /** @param check throws when what is written would be lost. */
  constructor(readonly db: DatabaseSync, check: () => void) {
    this.#assertWritable = check;
    this.#begin = db.prepare("BEGIN IMMEDIATE");
    this.#commit = db.prepare("COMMIT");
  }

  /** Does all of `work` or, when it throws, nothing. */
  transaction<T>(work: () => T): T {
    return this.#guard(() => {
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
    this.#guard(statement);
  }

  #guard<T>(work: () => T): T {
    try {
      this.#assertWritable();
      this.#rollbackLeftover();
      const result = work();
      this.#errors.worked();
      return result;
    } catch (error) {
      const { what, remedy } = explainStorageError(error);
      this.#errors.failed(`${what}. ${remedy}`);
      throw error;
    }
  }

  #rollbackLeftover(): void {
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

/** The runtime has it; its types do not yet. */
interface ArrayStatement extends StatementSync {
  setReturnArrays(enabled: boolean): void;
}

/** A prepared query whose rows are arrays: cheaper than an object a row. `Row` is what `sql` selects. */
export class Query<Row extends readonly unknown[]> {
  readonly #statement: StatementSync;

  constructor(db: DatabaseSync, sql: string) {
    this.#statement = db.prepare(sql);
    (this.#statement as ArrayStatement).setReturnArrays(true);
  }

  /** All rows. */
  all(...parameters: SQLInputValue[]): Row[] {
    return this.#statement.all(...parameters) as unknown as Row[];
  }

  /** The first row. */
  first(...parameters: SQLInputValue[]): Row | undefined {
    return this.#statement.get(...parameters) as unknown as Row | undefined;
  }

  /** One row after the other. */
  each(...parameters: SQLInputValue[]): Iterable<Row> {
    return this.#statement.iterate(...parameters) as unknown as Iterable<Row>;
  }
}
