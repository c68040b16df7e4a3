import { getLogger } from "@logtape/logtape";
import type { ServerClock } from "../../lib/clock.ts";
import { TokenBucket } from "./token_bucket.ts";

const logger = getLogger(["bcast", "access"]);

/** Log lines per second in the long run: rejected clients may retry at once, and for hours. */
const LOG_RATE = 1;

/** Log lines at once: enough to see who is rejected. */
const LOG_BURST = 20;

/** Details of a rejection for HTTP clients. */
export interface RejectionDetails {
  /** Seconds after which it makes sense to try again. */
  readonly retryAfter?: number | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Why a connection or a request is not accepted. */
export class Rejection {
  readonly ok = false;
  readonly retryAfter: number | undefined;
  /** For HTTP, `Retry-After` among them. */
  readonly headers: Readonly<Record<string, string>>;

  /**
   * @param status an HTTP status; metrics count by it whatever the transport is.
   * @param reason a sentence for the user.
   */
  constructor(
    readonly status: number,
    readonly reason: string,
    { retryAfter, headers = {} }: RejectionDetails = {},
  ) {
    this.retryAfter = retryAfter;
    this.headers = retryAfter === undefined
      ? headers
      : { ...headers, "retry-after": String(retryAfter) };
  }
}

/** Logs the first of many rejections at level info, and how many more there were. */
export class RejectionLog {
  readonly #bucket: TokenBucket;
  #omitted = 0;

  constructor(private readonly clock: Pick<ServerClock, "now">) {
    this.#bucket = new TokenBucket(LOG_RATE, LOG_BURST, clock.now());
  }

  /** @param clients how many are connected. */
  log(address: string, { status, reason }: Rejection, clients: number): void {
    const message = "Rejected {address} with {status}: {reason} ({clients} online)";
    const fields = { address, status, reason, clients };
    if (this.#bucket.take(this.clock.now()) === 0) {
      logger.info(message, fields);
    } else {
      this.#omitted++;
      logger.debug(message, fields);
    }
  }

  /** Logs how many lines were omitted, once the rate allows a line. */
  sweep(): void {
    if (this.#omitted === 0 || this.#bucket.take(this.clock.now()) > 0) return;
    logger.info("Rejected {count} more, which are logged at level debug", { count: this.#omitted });
    this.#omitted = 0;
  }
}
