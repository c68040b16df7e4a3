import type { Measure, MeasureKey, MeasureStore, Subject } from "../../broker/sqlite/sanctions.ts";
import { nameKey } from "../../protocol.ts";
import type { Clock } from "../clock.ts";
import { networkOf } from "../networks.ts";

/** Measures at a time: far above what people decide, and few enough for one answer to hold all. */
export const MAX_MEASURES = 10_000;

/** There are {@linkcode MAX_MEASURES}. */
export class TooManyMeasures extends Error {
  override readonly name = "TooManyMeasures";
}

/** What moderators have decided and holds now; kept in the store, found in memory. */
export class MeasureBook {
  readonly #measures = new Map<string, Measure>();
  /** Ends with the last change: store and memory must see them in the same order. */
  #changes: Promise<unknown> = Promise.resolve();

  constructor(private readonly store: MeasureStore, private readonly clock: Pick<Clock, "now">) {
    for (const measure of store.all()) this.#measures.set(idOf(measure), measure);
  }

  /** The measure with this key, if it holds. */
  find(key: MeasureKey): Measure | undefined {
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
  ): Measure | undefined {
    if (this.#measures.size === 0) return undefined;
    return (name === undefined ? undefined : this.find(nameMeasure(kind, name))) ??
      (address === undefined
        ? undefined
        : this.find({ kind, on: "address", key: networkOf(address) }));
  }

  /** All that hold, the oldest first. */
  list(): readonly Measure[] {
    const now = this.clock.now();
    return this.#measures.values().filter(({ until }) => until > now).toArray()
      .sort((a, b) => a.since - b.since);
  }

  /**
   * Keeps measures, each in place of what has its key.
   *
   * @throws {TooManyMeasures} when there is no room for them.
   */
  put(measures: readonly Measure[]): Promise<void> {
    return this.#inTurn(async () => {
      const more = measures.filter((measure) => !this.#measures.has(idOf(measure)));
      if (this.#measures.size + more.length > MAX_MEASURES) throw new TooManyMeasures();
      await this.store.put(measures);
      for (const measure of measures) this.#measures.set(idOf(measure), measure);
    });
  }

  /** Lifts what has one of `keys` and holds; returns that. */
  lift(keys: readonly MeasureKey[]): Promise<readonly Measure[]> {
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

  async #remove(measures: readonly Measure[]): Promise<void> {
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
export function nameMeasure(kind: "ban" | "mute", name: string): MeasureKey {
  return { kind, on: "name", key: nameKey(name) };
}

/** The key of a measure on a room. */
export function roomMeasure(room: string): MeasureKey {
  return { kind: "close", on: "room", key: room };
}

function idOf({ kind, on, key }: Subject & { readonly key: string }): string {
  return `${kind} ${on} ${key}`;
}
