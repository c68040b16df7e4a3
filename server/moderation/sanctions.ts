import type { Grant } from "../../auth/authorizer.ts";
import type { ServerClock } from "../../lib/clock.ts";
import { nameKey } from "../../protocol.ts";
import { networkOf } from "../../lib/net.ts";
import type { Sanction, SanctionKey, SanctionStore } from "./sanction_store.ts";

/** Far more than moderators decide, and few enough to list in one response. */
export const MAX_SANCTIONS = 10_000;

/** {@linkcode MAX_SANCTIONS} are in force. */
export class SanctionLimitError extends Error {
  override readonly name = "SanctionLimitError";
}

/** A session that can be muted. */
export interface MutableSession {
  readonly name: string;
  readonly address: string | undefined;
  readonly grant: Grant;
  /** The mute that was applied to it; it may have expired. */
  activeMute: Sanction | undefined;
}

/** The sanctions in force: kept in the store, looked up in memory. */
export class Sanctions {
  readonly #sanctions = new Map<string, Sanction>();
  /** Settles after the last change: changes reach the store and memory in the same order. */
  #lastChange: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly store: SanctionStore,
    private readonly clock: Pick<ServerClock, "now">,
  ) {
    for (const sanction of store.all()) this.#sanctions.set(idOf(sanction), sanction);
  }

  /** The sanction with this key, unless it has expired. */
  find(key: SanctionKey): Sanction | undefined {
    // Most hubs have no sanctions: then a lookup builds no key.
    if (this.#sanctions.size === 0) return undefined;
    const sanction = this.#sanctions.get(idOf(key));
    return sanction !== undefined && sanction.until > this.clock.now() ? sanction : undefined;
  }

  /** The sanction of this kind against a name or, if there is none, an address. */
  match(
    kind: "ban" | "mute",
    { name, address }: {
      readonly name?: string | undefined;
      readonly address?: string | undefined;
    },
  ): Sanction | undefined {
    if (this.#sanctions.size === 0) return undefined;
    return (name === undefined ? undefined : this.find(nameSanction(kind, name))) ??
      (address === undefined
        ? undefined
        : this.find({ kind, on: "address", key: networkOf(address) }));
  }

  /** Mutes a session if its name or address is muted. A mute that it has stays: renaming changes nothing. */
  applyMute(session: MutableSession): void {
    if (session.activeMute !== undefined || session.grant.admin) return;
    session.activeMute = this.match("mute", session);
  }

  /** The sanctions in force, oldest first. */
  list(): readonly Sanction[] {
    const now = this.clock.now();
    return this.#sanctions.values().filter(({ until }) => until > now).toArray()
      .sort((a, b) => a.since - b.since);
  }

  /**
   * Adds sanctions; each replaces the one with the same key.
   *
   * @throws {SanctionLimitError} if there would be more than {@linkcode MAX_SANCTIONS}.
   */
  put(sanctions: readonly Sanction[]): Promise<void> {
    return this.#afterLastChange(async () => {
      const added = sanctions.filter((sanction) => !this.#sanctions.has(idOf(sanction)));
      if (this.#sanctions.size + added.length > MAX_SANCTIONS) throw new SanctionLimitError();
      await this.store.put(sanctions);
      for (const sanction of sanctions) this.#sanctions.set(idOf(sanction), sanction);
    });
  }

  /** Removes the sanctions in force that have one of `keys`, and returns them. */
  lift(keys: readonly SanctionKey[]): Promise<readonly Sanction[]> {
    return this.#afterLastChange(async () => {
      const found = keys.map((key) => this.find(key)).filter((sanction) => sanction !== undefined);
      await this.#remove(found);
      return found;
    });
  }

  /** Removes expired sanctions. */
  sweep(): Promise<void> {
    return this.#afterLastChange(async () => {
      const now = this.clock.now();
      await this.#remove(this.#sanctions.values().filter(({ until }) => until <= now).toArray());
    });
  }

  async #remove(sanctions: readonly Sanction[]): Promise<void> {
    if (sanctions.length === 0) return;
    await this.store.remove(sanctions);
    for (const sanction of sanctions) this.#sanctions.delete(idOf(sanction));
  }

  #afterLastChange<T>(change: () => Promise<T>): Promise<T> {
    const changed = this.#lastChange.then(change);
    // A failure is reported to the caller of this change only.
    this.#lastChange = changed.catch(() => undefined);
    return changed;
  }
}

export function nameSanction(kind: "ban" | "mute", name: string): SanctionKey {
  return { kind, on: "name", key: nameKey(name) };
}

export function roomSanction(room: string): SanctionKey & { readonly kind: "close" } {
  return { kind: "close", on: "room", key: room };
}

function idOf({ kind, on, key }: SanctionKey): string {
  return `${kind} ${on} ${key}`;
}
