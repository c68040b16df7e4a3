import { getLogger } from "@logtape/logtape";
import type { OwnedNameStore } from "./owned_name_store.ts";
import { nameKey } from "../protocol.ts";
import type { ServerClock } from "../lib/clock.ts";

const logger = getLogger(["bcast", "hub"]);

const DAY = 24 * 60 * 60 * 1000;

/** Days after which a name that no token has proved again is free. */
export const OWNED_NAME_DAYS = 90;

/** Owned names at a time, some 10 MB; beyond it, the least recently seen is free. */
export const MAX_OWNED_NAMES = 50_000;

/** Milliseconds for which a time of last use may stay unwritten: a name costs one write a day. */
const SEEN_PRECISION = DAY;

/** What is known of one name. */
interface Owned {
  readonly name: string;
  readonly seen: number;
}

/**
 * Names that tokens proved, found in memory and kept in the store. They are written after the turn
 * of the event loop that claims them, together.
 */
export class OwnedNames {
  /** The least recently seen first. */
  readonly #names = new Map<string, Owned>();
  /** Keys whose state is not in the store yet. */
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

  /**
   * Notes that a token proved `name`. False when the name belongs to a token that spells it
   * differently.
   */
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
    // At the end: it is now the most recently seen.
    this.#names.delete(key);
    this.#names.set(key, { name, seen: now });
    this.#changed(key);
    return true;
  }

  /** Whether only a token gives `name`. */
  has(name: string): boolean {
    return this.#names.has(nameKey(name));
  }

  /** Frees `name`, in the store too; false when no token owned it. */
  async release(name: string): Promise<boolean> {
    const key = nameKey(name);
    if (!this.#names.has(key)) return false;
    await this.save();
    await this.store.remove([key]);
    return this.#names.delete(key);
  }

  /** Frees names whose time is over, and tries again to write what could not be written. */
  sweep(): void {
    const oldest = this.clock.now() - OWNED_NAME_DAYS * DAY;
    for (const [key, { seen }] of this.#names) {
      if (seen >= oldest) break;
      this.#forget(key);
    }
    if (this.#unsaved.size > 0) this.#saveLater();
  }

  /** Writes what is not written yet. Never rejects: what fails is tried again by {@linkcode sweep}. */
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
      if (!this.#failing) logger.error("Cannot store names of tokens yet: {error}", { error });
      this.#failing = true;
    }
  }
}
