import { getLogger } from "@logtape/logtape";
import type { Hub } from "./hub.ts";

const logger = getLogger(["bcast", "access"]);

/** Why somebody was not let in. */
export interface TurnedAway {
  /** That of HTTP, also where another door has nothing of the kind. */
  readonly status: number;
  /** A sentence for a person. */
  readonly reason: string;
}

/** Counts and logs somebody who was not let in, at whichever door. */
export function countTurnedAway(
  { counters, online }: Pick<Hub, "counters" | "online">,
  address: string,
  { status, reason }: TurnedAway,
): void {
  counters.turnAway(status);
  logger.info("Turned away {address} with {status}: {reason} ({clients} online)", {
    address,
    status,
    reason,
    clients: online,
  });
}
