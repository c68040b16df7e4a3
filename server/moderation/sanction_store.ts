import type { StatementSync } from "node:sqlite";
import type { LogDatabase } from "../../broker/sqlite/log_database.ts";

/** What a measure is about. */
export type Subject =
  /** Nobody comes in who has the name, or comes from the address. */
  | { readonly kind: "ban"; readonly on: "name" | "address" }
  /** Who has the name, or comes from the address, says nothing. */
  | { readonly kind: "mute"; readonly on: "name" | "address" }
  /** Nobody enters the room, or writes there. */
  | { readonly kind: "close"; readonly on: "room" };

/** By what a measure is found; there is one for each. */
export type SanctionKey = Subject & {
  /** Two ways to write one name, or two addresses of one network, have the same key. */
  readonly key: string;
};

/** What a moderator has decided, for as long as it holds. Its texts hold no NUL. */
export type Sanction = SanctionKey & {
  /** Whom or what it is about, as people write it. */
  readonly target: string;
  /** A sentence for a person. */
  readonly reason?: string;
  /** Who decided it. */
  readonly by: string;
  /** Milliseconds since the Unix epoch. */
  readonly since: number;
  /** Milliseconds since the Unix epoch; infinite for ever. */
  readonly until: number;
};

/**
 * Where measures are kept, across restarts. Knows nothing of time: what has run out is there until
 * it is removed.
 */
export interface SanctionStore {
  /** All that are kept. */
  all(): readonly Sanction[];
  /** Keeps all of `measures` or, when it rejects, none; each in place of what has its key. */
  put(measures: readonly Sanction[]): Promise<void>;
  /** Removes what has one of `keys`, all of it or, when it rejects, nothing. */
  remove(keys: readonly SanctionKey[]): Promise<void>;
}

/** Measures in the database of the log. */
export class SqliteSanctionStore implements SanctionStore {
  readonly #all: StatementSync;
  readonly #put: StatementSync;
  readonly #remove: StatementSync;

  constructor(private readonly database: LogDatabase) {
    const { db } = database;
    this.#all = db.prepare("SELECT * FROM measures ORDER BY since, kind, about, key");
    this.#put = db.prepare("REPLACE INTO measures VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    this.#remove = db.prepare("DELETE FROM measures WHERE kind = ? AND about = ? AND key = ?");
  }

  all(): readonly Sanction[] {
    return this.#all.all().map(read);
  }

  // deno-lint-ignore require-await -- what it throws is a rejection
  async put(measures: readonly Sanction[]): Promise<void> {
    this.database.run(() => {
      for (const { kind, on, key, target, reason, by, since, until } of measures) {
        const end = until === Infinity ? null : until;
        this.#put.run(kind, on, key, target, reason ?? null, by, since, end);
      }
    });
  }

  // deno-lint-ignore require-await -- as above
  async remove(keys: readonly SanctionKey[]): Promise<void> {
    this.database.run(() => {
      for (const { kind, on, key } of keys) this.#remove.run(kind, on, key);
    });
  }
}

function read(row: Record<string, unknown>): Sanction {
  const { kind, about, reason, until } = row;
  return {
    // The table holds nothing else.
    ...{ kind, on: about } as Subject,
    key: String(row["key"]),
    target: String(row["target"]),
    ...(typeof reason === "string" ? { reason } : {}),
    by: String(row["author"]),
    since: Number(row["since"]),
    until: until === null ? Infinity : Number(until),
  };
}
