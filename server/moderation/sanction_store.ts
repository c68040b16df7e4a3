import type { StatementSync } from "node:sqlite";
import type { LogDatabase } from "../../broker/sqlite/log_database.ts";

/** The kind of a sanction and what it is on. */
export type SanctionSubject =
  /** Keeps clients with the name or address out. */
  | { readonly kind: "ban"; readonly on: "name" | "address" }
  /** Clients with the name or address may read only. */
  | { readonly kind: "mute"; readonly on: "name" | "address" }
  /** Clients can neither join the room nor write to it. */
  | { readonly kind: "close"; readonly on: "room" };

/** Identifies a sanction: there is at most one for each key. */
export type SanctionKey = SanctionSubject & {
  /** Spellings of one name, or addresses of one network, have the same key. */
  readonly key: string;
};

/** A decision of a moderator. Its texts contain no NUL. */
export type Sanction = SanctionKey & {
  /** The name, address or room as people write it. */
  readonly target: string;
  readonly reason?: string;
  /** The name of the moderator. */
  readonly by: string;
  /** Milliseconds since the Unix epoch. */
  readonly since: number;
  /** Milliseconds since the Unix epoch; infinite when permanent. */
  readonly until: number;
};

/**
 * Keeps sanctions across restarts. Expired sanctions stay until they are removed.
 *
 * Every implementation passes `tests/server/moderation/contract.ts`.
 */
export interface SanctionStore {
  all(): readonly Sanction[];
  /** Keeps all of `sanctions` or, when it rejects, none; each replaces the one with its key. */
  put(sanctions: readonly Sanction[]): Promise<void>;
  /** Removes the sanctions with these keys, all or, when it rejects, none. */
  remove(keys: readonly SanctionKey[]): Promise<void>;
}

/** Keeps sanctions in the file of the log, in the table `measures`. */
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
    return this.#all.all().map(toSanction);
  }

  // deno-lint-ignore require-await -- an exception becomes a rejection
  async put(sanctions: readonly Sanction[]): Promise<void> {
    this.database.transaction(() => {
      for (const { kind, on, key, target, reason, by, since, until } of sanctions) {
        const end = until === Infinity ? null : until;
        this.#put.run(kind, on, key, target, reason ?? null, by, since, end);
      }
    });
  }

  // deno-lint-ignore require-await -- as above
  async remove(keys: readonly SanctionKey[]): Promise<void> {
    this.database.transaction(() => {
      for (const { kind, on, key } of keys) this.#remove.run(kind, on, key);
    });
  }
}

function toSanction(row: Record<string, unknown>): Sanction {
  const { kind, about, reason, until } = row;
  return {
    // The table has a CHECK for these two.
    ...{ kind, on: about } as SanctionSubject,
    key: String(row["key"]),
    target: String(row["target"]),
    ...(typeof reason === "string" ? { reason } : {}),
    by: String(row["author"]),
    since: Number(row["since"]),
    until: until === null ? Infinity : Number(until),
  };
}
