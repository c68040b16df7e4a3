import type { Sanction, SanctionKey, SanctionStore, Subject } from "./sanction_store.ts";
import { nameKey } from "../../protocol.ts";
import type { ServerClock } from "../../lib/clock.ts";
import { networkOf } from "../limits/networks.ts";

/** Measures at a time: far above what people decide, and few enough for one answer to hold all. */
export const MAX_SANCTIONS = 10_000;

/** There are {@linkcode MAX_SANCTIONS}. */
export class SanctionLimitError extends Error {
  override readonly name = "TooManyMeasures";
}

/** What moderators have decided and holds now; kept in the store, found in memory. */
export class Sanctions {
  readonly #measures = new Map<string, Sanction>();
  /** Ends with the last change: store and memory must see them in the same order. */
  #changes: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly store: SanctionStore,
    private readonly clock: Pick<ServerClock, "now">,
  ) {
    for (const measure of store.all()) this.#measures.set(idOf(measure), measure);
  }

  /** The measure with this key, if it holds. */
  find(key: SanctionKey): Sanction | undefined {
    // Nearly always, and then nothing else costs anything.
    if (this.#measures.size === 0) return undefined;
    const measure = this.#measures.get(idOf(key));
    return measure !== undefined && measure.until > this.clock.now() ? measure : undefined;
  }

  /** The measure of this kind against somebody, by name or else by address. */
  against(
    kind: "ban" | "mute",
    { name, address }: {
      readonly name?: string | undefined;
      readonly address?: string | undefined;
    },
  ): Sanction | undefined {
    if (this.#measures.size === 0) return undefined;
    return (name === undefined ? undefined : this.find(nameSanction(kind, name))) ??
      (address === undefined
        ? undefined
        : this.find({ kind, on: "address", key: networkOf(address) }));
  }

  /** All that hold, the oldest first. */
  list(): readonly Sanction[] {
    const now = this.clock.now();
    return this.#measures.values().filter(({ until }) => until > now).toArray()
      .sort((a, b) => a.since - b.since);
  }

  /**
   * Keeps measures, each in place of what has its key.
   *
   * @throws {SanctionLimitError} when there is no room for them.
   */
  put(measures: readonly Sanction[]): Promise<void> {
    return this.#inTurn(async () => {
      const more = measures.filter((measure) => !this.#measures.has(idOf(measure)));
      if (this.#measures.size + more.length > MAX_SANCTIONS) throw new SanctionLimitError();
      await this.store.put(measures);
      for (const measure of measures) this.#measures.set(idOf(measure), measure);
    });
  }

  /** Lifts what has one of `keys` and holds; returns that. */
  lift(keys: readonly SanctionKey[]): Promise<readonly Sanction[]> {
    return this.#inTurn(async () => {
      const found = keys.map((key) => this.find(key)).filter((measure) => measure !== undefined);
      await this.#remove(found);
      return found;
    });
  }

  /** Forgets what has run out. */
  sweep(): Promise<void> {
    return this.#inTurn(async () => {
      const now = this.clock.now();
      await this.#remove(this.#measures.values().filter(({ until }) => until <= now).toArray());
    });
  }

  async #remove(measures: readonly Sanction[]): Promise<void> {
    if (measures.length === 0) return;
    await this.store.remove(measures);
    for (const measure of measures) this.#measures.delete(idOf(measure));
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const changed = this.#changes.then(change);
    // Whoever asked for a change hears of its failure; those after it have their own.
    this.#changes = changed.catch(() => undefined);
    return changed;
  }
}

/** The key of a measure against a name. */
export function nameSanction(kind: "ban" | "mute", name: string): SanctionKey {
  return { kind, on: "name", key: nameKey(name) };
}

/** The key of a measure on a room. */
export function roomSanction(room: string): SanctionKey {
  return { kind: "close", on: "room", key: room };
}

function idOf({ kind, on, key }: Subject & { readonly key: string }): string {
  return `${kind} ${on} ${key}`;
}
