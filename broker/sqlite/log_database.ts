import { getLogger } from "@logtape/logtape";
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { ErrorStreak } from "../../lib/error_streak.ts";
import { explainStorageError } from "./storage_errors.ts";

const logger = getLogger(["bcast", "log"]);

/** A connection to the log's database. Logs once what prevents writing, whichever caller fails. */
export class LogDatabase {
  readonly #assertWritable: () => void;
  readonly #errors = new ErrorStreak(logger, "Cannot write the log");
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;

  /** @param assertWritable throws if written data would be lost. */
  constructor(readonly db: DatabaseSync, assertWritable: () => void) {
    this.#assertWritable = assertWritable;
    this.#begin = db.prepare("BEGIN IMMEDIATE");
    this.#commit = db.prepare("COMMIT");
  }

  /** Runs `work` in a transaction, which is rolled back if it throws. */
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

  /** Runs a single statement, which is a transaction of its own and saves BEGIN and COMMIT. */
  statement(statement: () => void): void {
    this.#guard(statement);
  }

  #guard<T>(work: () => T): T {
    try {
      this.#assertWritable();
      this.#rollbackLeftover();
      const result = work();
      this.#errors.recordSuccess();
      return result;
    } catch (error) {
      const { what, remedy } = explainStorageError(error);
      this.#errors.recordFailure(`${what}. ${remedy}`);
      throw error;
    }
  }

  #rollbackLeftover(): void {
    // There is one only if an earlier rollback failed.
    if (this.db.isTransaction) this.db.exec("ROLLBACK");
  }

  #rollback(): void {
    try {
      // SQLite rolls back by itself on some errors.
      if (this.db.isTransaction) this.db.exec("ROLLBACK");
    } catch (error) {
      // The caller gets the first error; the next transaction tries to roll back again.
      logger.error("A transaction could not be undone: {error}", { error });
    }
  }
}

/** The runtime has this method; its types do not yet. */
interface ArrayStatement extends StatementSync {
  setReturnArrays(enabled: boolean): void;
}

/** A prepared query that returns rows as arrays, which is cheaper than an object per row. */
export class Query<Row extends readonly unknown[]> {
  readonly #statement: StatementSync;

  constructor(db: DatabaseSync, sql: string) {
    this.#statement = db.prepare(sql);
    (this.#statement as ArrayStatement).setReturnArrays(true);
  }

  all(...parameters: SQLInputValue[]): Row[] {
    return this.#statement.all(...parameters) as unknown as Row[];
  }

  first(...parameters: SQLInputValue[]): Row | undefined {
    return this.#statement.get(...parameters) as unknown as Row | undefined;
  }
}

/** The first column of the first row. */
export function firstValue(db: DatabaseSync, sql: string): unknown {
  return Object.values(db.prepare(sql).get() ?? {})[0];
}

/** Runs `work` in a transaction, for code that runs before there is a {@linkcode LogDatabase}. */
export function transaction(db: DatabaseSync, work: () => void): void {
  db.exec("BEGIN IMMEDIATE");
  try {
    work();
    db.exec("COMMIT");
  } catch (error) {
    // SQLite rolls back by itself on some errors.
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}
