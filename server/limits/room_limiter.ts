import type { Broker } from "../../broker/broker.ts";
import type { ErrorCode } from "../../protocol.ts";
import type { ServerClock } from "../../lib/clock.ts";
import { TokenBuckets } from "./token_bucket.ts";

/** New rooms a second from one address, in the long run. */
export const NEW_ROOMS_RATE = 1;

/** New rooms at once from one address: enough to set up a hub, too few for a flood. */
export const NEW_ROOMS_BURST = 100;

/** Milliseconds between two reads of all rooms from the log, which is expensive. */
const REFRESH_PERIOD = 1000;

/** Why a room cannot be created. */
export interface RoomRefusal {
  readonly code: Extract<ErrorCode, "too_many_rooms" | "rate_limited">;
  readonly message: string;
  /** Seconds. */
  readonly retryAfter?: number;
}

export interface RoomLimiterOptions {
  readonly broker: Pick<Broker, "rooms">;
  /** The rooms in use. */
  readonly rooms: { all(): Iterable<{ readonly name: string }> };
  readonly clock: Pick<ServerClock, "now" | "monotonic">;
  readonly limits: { readonly maxRoomsTotal: number };
  /** Always permitted. */
  readonly defaultRooms: readonly string[];
}

/**
 * Bounds the number of rooms that hold messages or members.
 *
 * Keeps their names, so that a message to a known room costs one lookup. Rooms that have become
 * empty are noticed only when a new one would exceed the limit.
 */
export class RoomLimiter {
  #known = new Set<string>();
  /** Rooms admitted since the last refresh, with the time: the log may not have them yet. */
  #recent = new Map<string, number>();
  #refreshedAt = -Infinity;
  #refreshing: Promise<void> | undefined;
  readonly #creations = new TokenBuckets(NEW_ROOMS_RATE, NEW_ROOMS_BURST);

  constructor(private readonly options: RoomLimiterOptions) {
    for (const room of options.defaultRooms) this.#known.add(room);
  }

  /**
   * Permits the use of a room, which counts as a new one unless it exists.
   *
   * @param network the key under which new rooms are limited; `undefined`: exempt.
   */
  admit(
    room: string,
    network: string | undefined,
  ): RoomRefusal | undefined | Promise<RoomRefusal | undefined> {
    return this.#known.has(room) ? undefined : this.#admitNew(room, network);
  }

  /** Forgets addresses that have been idle. */
  sweep(now: number): void {
    this.#creations.sweep(now);
  }

  async #admitNew(room: string, network: string | undefined): Promise<RoomRefusal | undefined> {
    const { clock, limits: { maxRoomsTotal } } = this.options;
    // The rooms of the log are unknown before the first refresh.
    const stale = this.#refreshedAt === -Infinity || this.#known.size >= maxRoomsTotal;
    if (stale && clock.monotonic() - this.#refreshedAt >= REFRESH_PERIOD) await this.#refresh();
    // No `await` from here on.
    if (this.#known.has(room)) return undefined;
    if (this.#known.size >= maxRoomsTotal) {
      const message = `The hub has its maximum of ${maxRoomsTotal} rooms: use a room that ` +
        "exists, or ask its operator to raise --max-rooms-total";
      return { code: "too_many_rooms", message };
    }
    const wait = network === undefined ? 0 : this.#creations.take(network, clock.now());
    if (wait > 0) {
      const retryAfter = Math.ceil(wait);
      const message = `Too many new rooms come from your address: wait ${retryAfter} s`;
      return { code: "rate_limited", message, retryAfter };
    }
    this.#known.add(room);
    this.#recent.set(room, clock.monotonic());
    return undefined;
  }

  #refresh(): Promise<void> {
    return this.#refreshing ??= this.#load().finally(() => this.#refreshing = undefined);
  }

  async #load(): Promise<void> {
    const { broker, rooms, clock, defaultRooms } = this.options;
    const kept = await broker.rooms();
    const now = clock.monotonic();
    for (const [room, at] of this.#recent) {
      if (now - at >= REFRESH_PERIOD) this.#recent.delete(room);
    }
    this.#known = new Set([
      ...defaultRooms,
      ...this.#recent.keys(),
      ...kept.map(({ room }) => room),
      ...Array.from(rooms.all(), ({ name }) => name),
    ]);
    this.#refreshedAt = now;
  }
}
