import { DEFAULT_LIMITS, HELLO_TIMEOUT_SECONDS, type Limits } from "../../protocol.ts";

/** Every limit of the hub. */
export interface ServerLimits extends Limits {
  /** Whether `rate` holds for clients on this machine too; they are scripts more often than strangers. */
  readonly rateOnLoopback: boolean;
  /**
   * Frames and connections a second, over all connections of one address; 0: any number. Like
   * `rate`, it leaves out clients on this machine unless `rateOnLoopback` is set.
   */
  readonly ratePerAddress: number;
  /** Wrong tokens a minute from one address, this machine's included; 0: any number. */
  readonly maxFailures: number;
  /** Seconds that a `bcast.v1` client has to say `hello`. */
  readonly helloTimeout: number;
  /** Bytes waiting for one client; beyond it the client is a slow consumer and is cut off. */
  readonly maxOutboxBytes: number;
  /** Rooms that hold messages or people, in all. */
  readonly maxRoomsTotal: number;
  /** Connections in all. */
  readonly maxConnections: number;
  /** Connections from one address other than loopback. */
  readonly maxPerAddress: number;
  /** Seconds of silence after which a connection is gone; it is pinged at half of them. 0: never. */
  readonly heartbeat: number;
}

/** Clients of one address that may all send at their full rate: an office, not a flood. */
const CLIENTS_AT_FULL_RATE = 10;

/** The limits of a hub that was told nothing else. */
export const DEFAULT_SERVER_LIMITS: ServerLimits = {
  ...DEFAULT_LIMITS,
  rateOnLoopback: false,
  ratePerAddress: DEFAULT_LIMITS.rate * CLIENTS_AT_FULL_RATE,
  // A person who mistypes has enough; somebody who guesses gets nowhere.
  maxFailures: 10,
  helloTimeout: HELLO_TIMEOUT_SECONDS,
  maxOutboxBytes: 4 * 1024 * 1024,
  maxRoomsTotal: 10_000,
  maxConnections: 10_000,
  maxPerAddress: 256,
  // The runtime pings at half of the time it allows, so 35 s notices a dead peer as soon as a
  // ping every 25 s with 10 s to answer would.
  heartbeat: 35,
};

/** Every limit, where only some were given. Who gives clients another rate gives it to addresses too. */
export function serverLimits(given: Partial<ServerLimits> = {}): ServerLimits {
  const { rate = DEFAULT_LIMITS.rate } = given;
  return { ...DEFAULT_SERVER_LIMITS, ratePerAddress: rate * CLIENTS_AT_FULL_RATE, ...given };
}

/** Seconds' worth of `ratePerAddress` that may come at once. */
export const ADDRESS_BURST_SECONDS = 2;
