import {
  DEFAULT_LIMITS,
  HELLO_TIMEOUT_SECONDS,
  type Limits,
  maxFrameBytes,
} from "../../protocol.ts";

/** Every limit of the hub. */
export interface ServerLimits extends Limits {
  /** Whether `rate` also applies to clients on this machine, which are usually trusted scripts. */
  readonly rateOnLoopback: boolean;
  /**
   * Frames and connections a second from one address; 0: unlimited. Like `rate`, it exempts clients
   * on this machine unless `rateOnLoopback` is set.
   */
  readonly ratePerAddress: number;
  /** Wrong tokens a minute from one address, including this machine's; 0: unlimited. */
  readonly maxFailures: number;
  /** Seconds that a `bcast.v1` client has to say `hello`. */
  readonly helloTimeout: number;
  /** Bytes waiting for one client; a slower consumer is disconnected. */
  readonly maxOutboxBytes: number;
  /** Rooms that hold messages or members. */
  readonly maxRoomsTotal: number;
  readonly maxConnections: number;
  /** Connections from one address other than loopback. */
  readonly maxPerAddress: number;
}

/** Clients of one address that may send at their full rate together, such as an office. */
const CLIENTS_AT_FULL_RATE = 10;

export const DEFAULT_SERVER_LIMITS: ServerLimits = {
  ...DEFAULT_LIMITS,
  rateOnLoopback: false,
  ratePerAddress: DEFAULT_LIMITS.rate * CLIENTS_AT_FULL_RATE,
  // Enough for typing errors, far too few for guessing.
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

/** Fills in the defaults. `ratePerAddress` follows `rate`. */
export function serverLimits(given: Partial<ServerLimits> = {}): ServerLimits {
  const { rate = DEFAULT_LIMITS.rate, maxMessageBytes = DEFAULT_LIMITS.maxMessageBytes } = given;
  return {
    ...DEFAULT_SERVER_LIMITS,
    ratePerAddress: rate * CLIENTS_AT_FULL_RATE,
    maxFrameBytes: maxFrameBytes(maxMessageBytes),
    ...given,
  };
}

/** The burst of an address, in seconds of `ratePerAddress`. */
export const ADDRESS_BURST_SECONDS = 2;
