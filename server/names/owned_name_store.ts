import type { StatementSync } from "node:sqlite";
import type { LogDatabase } from "../../broker/sqlite/log_database.ts";

/** A name that a token proved: clients without such a token cannot take it. */
export interface OwnedName {
  /** Names with the same key are the same name. */
  readonly key: string;
  /** The name as the token spells it. */
  readonly name: string;
  /** When a token last proved it, in milliseconds since the Unix epoch. */
  readonly seen: number;
}

/** Keeps owned names across restarts. It does not expire them. */
export interface OwnedNameStore {
  /** All that are kept, the least recently seen first. */
  all(): readonly OwnedName[];
  /** Stores all of `names` or, when it rejects, none. Replaces names with the same key. */
  put(names: readonly OwnedName[]): Promise<void>;
  /** Removes what has one of `keys`, all of it or, when it rejects, nothing. */
  remove(keys: readonly string[]): Promise<void>;
}

/** Owned names in the database of the log. */
export class SqliteOwnedNameStore implements OwnedNameStore {
  readonly #all: StatementSync;
  readonly #put: StatementSync;
  readonly #remove: StatementSync;

  constructor(private readonly database: LogDatabase) {
    const { db } = database;
    this.#all = db.prepare("SELECT key, name, seen FROM owned_names ORDER BY seen, key");
    this.#put = db.prepare("REPLACE INTO owned_names (key, name, seen) VALUES (?, ?, ?)");
    this.#remove = db.prepare("DELETE FROM owned_names WHERE key = ?");
  }

  all(): readonly OwnedName[] {
    return this.#all.all().map(({ key, name, seen }) => ({
      key: String(key),
      name: String(name),
      seen: Number(seen),
    }));
  }

  // deno-lint-ignore require-await -- what it throws is a rejection
  async put(names: readonly OwnedName[]): Promise<void> {
    this.database.transaction(() => {
      for (const { key, name, seen } of names) this.#put.run(key, name, seen);
    });
  }

  // deno-lint-ignore require-await -- as above
  async remove(keys: readonly string[]): Promise<void> {
    this.database.transaction(() => {
      for (const key of keys) this.#remove.run(key);
    });
  }
}
