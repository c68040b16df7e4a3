import type { ConnectionLimiter } from "../limits/connection_limiter.ts";
import { isLoopback } from "../../lib/net.ts";
import type { ServerLimits } from "../limits/server_limits.ts";
import { Rejected } from "./responses.ts";

/** Seconds after which a client that found the hub full may try again. */
const RETRY_AFTER = 5;

/** Why one more connection from `address` is one too many; `undefined` when it is not. */
export function checkConnectionLimits(
  connections: ConnectionLimiter,
  { maxConnections, maxPerAddress }: ServerLimits,
  address: string,
): Rejected | undefined {
  if (connections.count >= maxConnections) {
    const reason = `The hub is full: ${maxConnections} connections`;
    return Rejected.forNow(503, reason, RETRY_AFTER);
  }
  if (!isLoopback(address) && connections.from(address) >= maxPerAddress) {
    const reason = `Your address has ${maxPerAddress} connections: close one first`;
    return Rejected.forNow(429, reason, RETRY_AFTER);
  }
  return undefined;
}
