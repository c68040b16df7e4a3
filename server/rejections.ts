import { getLogger } from "@logtape/logtape";
import type { ServerClock } from "../lib/clock.ts";
import type { Hub } from "./hub.ts";
import { TokenBucket } from "./limits/token_bucket.ts";

const logger = getLogger(["bcast", "access"]);

/** Lines a second in the long run: those who are turned away come back at once, and for hours. */
const LOG_RATE = 1;

/** Lines at once: enough to see who it is. */
const LOG_BURST = 20;

/** Why somebody was not let in. */
export interface Rejection {
  /** That of HTTP, also where another door has nothing of the kind. */
  readonly status: number;
  /** A sentence for a person. */
  readonly reason: string;
}

/** Counts and logs a client or request that was not let in, over whichever transport. */
export function recordRejection(
  { counters, online, rejections }: Pick<Hub, "counters" | "online" | "rejections">,
  address: string,
  { status, reason }: Rejection,
): void {
  counters.turnAway(status);
  rejections.log({ address, status, reason, clients: online });
}

/** Logs rejections: the first of many at level info, and how many more there were. */
export class RejectionLog {
  readonly #bucket: TokenBucket;
  #omitted = 0;

  constructor(private readonly clock: Pick<ServerClock, "now">) {
    this.#bucket = new TokenBucket(LOG_RATE, LOG_BURST, clock.now());
  }

  /** Logs one. */
  log(fields: Rejection & { readonly address: string; readonly clients: number }): void {
    const message = "Turned away {address} with {status}: {reason} ({clients} online)";
    if (this.#bucket.take(this.clock.now()) > 0) {
      this.#omitted++;
      logger.debug(message, { ...fields });
      return;
    }
    logger.info(message, { ...fields });
  }

  /** Tells how many were not logged, as soon as there is room for a line. */
  sweep(): void {
    if (this.#omitted === 0 || this.#bucket.take(this.clock.now()) > 0) return;
    logger.info("Turned away {count} more, which are logged at level debug", {
      count: this.#omitted,
    });
    this.#omitted = 0;
  }
}
