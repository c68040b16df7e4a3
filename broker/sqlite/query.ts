import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";

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
