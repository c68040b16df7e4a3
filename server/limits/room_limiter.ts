import type { Broker } from "../../broker/broker.ts";
import type { ErrorCode } from "../../protocol.ts";
import type { ServerClock } from "../../lib/clock.ts";
import { TokenBuckets } from "./token_bucket.ts";
import type { RoomMembership } from "../room_membership.ts";

/** New rooms of one address in the long run, a second. */
export const NEW_ROOMS_RATE = 1;

/** New rooms of one address at once: a person or a script that sets things up, not a flood. */
export const NEW_ROOMS_BURST = 100;

/** Milliseconds between two looks at the log for rooms that are gone: each costs all rooms. */
const REFRESH_PERIOD = 1000;

/** Why a room cannot come into being. */
export interface RoomRefusal {
  readonly code: Extract<ErrorCode, "too_many_rooms" | "rate_limited">;
  readonly message: string;
  /** Seconds. */
  readonly retryAfter?: number;
}

/** What knowing all rooms takes. */
export interface RoomLimiterOptions {
  readonly broker: Pick<Broker, "rooms">;
  readonly rooms: Pick<RoomMembership, "all">;
  readonly clock: Pick<ServerClock, "now" | "monotonic">;
  readonly limits: { readonly maxRoomsTotal: number };
  /** Rooms that the operator named: they may always be. */
  readonly defaultRooms: readonly string[];
}

/**
 * Bounds how many rooms there are: rooms that hold messages, or that somebody is in.
 *
 * The names are kept here, so that a message to a known room costs one look. Rooms that are gone
 * are noticed when there is no place for a new one.
 */
export class RoomLimiter {
  #known = new Set<string>();
  /** When those were admitted that came since the last look: the log may not have them yet. */
  #recent = new Map<string, number>();
  #refreshedAt = -Infinity;
  #refreshing: Promise<void> | undefined;
  readonly #creations = new TokenBuckets(NEW_ROOMS_RATE, NEW_ROOMS_BURST);

  constructor(private readonly options: RoomLimiterOptions) {
    for (const room of options.defaultRooms) this.#known.add(room);
  }

  /**
   * Lets a room come into being, unless it exists. `undefined` or a promise for it: it may be used.
   *
   * @param network whose share of new rooms is taken; `undefined`: nobody's.
   */
  admit(
    room: string,
    network: string | undefined,
  ): RoomRefusal | undefined | Promise<RoomRefusal | undefined> {
    return this.#known.has(room) ? undefined : this.#admitNew(room, network);
  }

  /** Forgets addresses that have been quiet. */
  sweep(now: number): void {
    this.#creations.sweep(now);
  }

  async #admitNew(room: string, network: string | undefined): Promise<RoomRefusal | undefined> {
    const { clock, limits: { maxRoomsTotal } } = this.options;
    // Before the first look, what the log holds is not known at all.
    const stale = this.#refreshedAt === -Infinity || this.#known.size >= maxRoomsTotal;
    if (stale && clock.monotonic() - this.#refreshedAt >= REFRESH_PERIOD) await this.#refresh();
    // From here on nothing comes in between.
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
    return this.#refreshing ??= this.#look().finally(() => this.#refreshing = undefined);
  }

  async #look(): Promise<void> {
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
