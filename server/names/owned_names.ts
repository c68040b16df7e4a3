import { getLogger } from "@logtape/logtape";
import type { OwnedNameStore } from "./owned_name_store.ts";
import { nameKey } from "../../protocol.ts";
import type { ServerClock } from "../../lib/clock.ts";

const logger = getLogger(["bcast", "hub"]);

const DAY = 24 * 60 * 60 * 1000;

/** Days after the last use by a token, after which a name is free. */
export const OWNED_NAME_DAYS = 90;

/** Owned names kept, about 10 MB; above that, the least recently used becomes free. */
export const MAX_OWNED_NAMES = 50_000;

/** Milliseconds of precision of the last use: a name costs one write a day. */
const SEEN_PRECISION = DAY;

interface Owned {
  readonly name: string;
  readonly seen: number;
}

/**
 * The names reserved for tokens: looked up in memory, kept in the store. Changes of one turn of the
 * event loop are written together after it.
 */
export class OwnedNames {
  /** Least recently used first. */
  readonly #names = new Map<string, Owned>();
  /** Keys of names that have changed since they were written. */
  readonly #unsaved = new Set<string>();
  #scheduled = false;
  #saving: Promise<void> = Promise.resolve();
  #failing = false;

  constructor(
    private readonly store: OwnedNameStore,
    private readonly clock: Pick<ServerClock, "now" | "next">,
  ) {
    for (const { key, name, seen } of store.all()) this.#names.set(key, { name, seen });
    this.sweep();
  }

  /** Reserves `name` for tokens; false if a token with another spelling owns it. */
  own(name: string): boolean {
    const key = nameKey(name);
    const now = this.clock.now();
    const owned = this.#names.get(key);
    if (owned !== undefined) {
      if (owned.name !== name) return false;
      if (now - owned.seen < SEEN_PRECISION) return true;
    } else if (this.#names.size >= MAX_OWNED_NAMES) {
      const [oldest] = this.#names.keys();
      if (oldest !== undefined) this.#forget(oldest);
    }
    // Moves it to the end, as the most recently used.
    this.#names.delete(key);
    this.#names.set(key, { name, seen: now });
    this.#changed(key);
    return true;
  }

  has(name: string): boolean {
    return this.#names.has(nameKey(name));
  }

  /** Frees `name`; false if no token owned it. */
  async release(name: string): Promise<boolean> {
    const key = nameKey(name);
    if (!this.#names.has(key)) return false;
    await this.save();
    await this.store.remove([key]);
    return this.#names.delete(key);
  }

  /** Frees names that have expired, and retries failed writes. */
  sweep(): void {
    const oldest = this.clock.now() - OWNED_NAME_DAYS * DAY;
    for (const [key, { seen }] of this.#names) {
      if (seen >= oldest) break;
      this.#forget(key);
    }
    if (this.#unsaved.size > 0) this.#saveLater();
  }

  /** Writes all changes. Never rejects: {@linkcode sweep} retries. */
  save(): Promise<void> {
    return this.#saving = this.#saving.then(() => this.#save());
  }

  #forget(key: string): void {
    this.#names.delete(key);
    this.#changed(key);
  }

  #changed(key: string): void {
    this.#unsaved.add(key);
    this.#saveLater();
  }

  #saveLater(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.clock.next(() => {
      this.#scheduled = false;
      void this.save();
    });
  }

  async #save(): Promise<void> {
    const keys = [...this.#unsaved];
    if (keys.length === 0) return;
    this.#unsaved.clear();
    const names = keys.flatMap((key) => {
      const owned = this.#names.get(key);
      return owned === undefined ? [] : [{ key, ...owned }];
    });
    const forgotten = keys.filter((key) => !this.#names.has(key));
    try {
      if (names.length > 0) await this.store.put(names);
      if (forgotten.length > 0) await this.store.remove(forgotten);
      this.#failing = false;
    } catch (error) {
      for (const key of keys) this.#unsaved.add(key);
      if (!this.#failing) logger.error("Cannot store the names of tokens yet: {error}", { error });
      this.#failing = true;
    }
  }
}
