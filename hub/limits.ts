import { DEFAULT_LIMITS, type Limits } from "../protocol.ts";

/** Every limit of the hub. */
export interface ServerLimits extends Limits {
  /** Whether `rate` holds for clients on this machine too; they are scripts more often than strangers. */
  readonly rateOnLoopback: boolean;
  /** Bytes waiting for one client; beyond it the client is a slow consumer and is cut off. */
  readonly maxOutboxBytes: number;
  /** Connections in all. */
  readonly maxConnections: number;
  /** Connections from one address other than loopback. */
  readonly maxPerAddress: number;
  /** Seconds of silence after which a connection is gone; it is pinged at half of them. 0: never. */
  readonly heartbeat: number;
}

/** The limits of a hub that was told nothing else. */
export const DEFAULT_SERVER_LIMITS: ServerLimits = {
  ...DEFAULT_LIMITS,
  rateOnLoopback: false,
  maxOutboxBytes: 4 * 1024 * 1024,
  maxConnections: 10_000,
  maxPerAddress: 256,
  // The runtime pings at half of the time it allows, so 35 s notices a dead peer as soon as a
  // ping every 25 s with 10 s to answer would.
  heartbeat: 35,
};

/** Whether `address` is this machine itself: exempt from limits that are meant for strangers. */
export function isLoopback(address: string): boolean {
  return address === "::1" || address.startsWith("127.") || address.startsWith("::ffff:127.");
}
