import { getLogger } from "@logtape/logtape";

const logger = getLogger(["bcast", "log"]);

const HOUR = 60 * 60 * 1000;

/** Milliseconds by which a clock may run ahead of the time that passed without being doubted. */
const MAX_JUMP = HOUR;

/** Milliseconds for which nothing is erased after that. */
const HOLD = HOUR;

/** Milliseconds without a message after which a log may be one that a wrong clock would empty. */
const MAX_GAP = 24 * HOUR;

/**
 * Keeps messages from being erased for their age by a clock that is wrong for a while. They are
 * hidden, and shown again when the clock is right.
 */
export class EraseHold {
  #now: number;
  #elapsed: number;
  #until: number | undefined;

  /**
   * @param newestAt the time of the newest message; 0: there is none.
   * @param now milliseconds since 1970.
   * @param elapsed milliseconds that passed, by a clock that is never set.
   */
  constructor(newestAt: number, maxAge: number, now: number, elapsed: number) {
    this.#now = now;
    this.#elapsed = elapsed;
    if (newestAt === 0 || now - newestAt <= Math.max(maxAge, MAX_GAP)) return;
    this.#until = elapsed + HOLD;
    logger.warn(
      "By the machine's clock ({now}), the newest message ({newest}) is older than --retention. " +
        "Nothing is erased for an hour: set the clock if it is wrong",
      { now: iso(now), newest: iso(newestAt) },
    );
  }

  /** Whether messages are not to be erased for their age. */
  holds(now: number, elapsed: number): boolean {
    const jump = now - this.#now - (elapsed - this.#elapsed);
    this.#now = now;
    this.#elapsed = elapsed;
    if (jump > MAX_JUMP) {
      this.#until = elapsed + HOLD;
      logger.warn(
        "The clock went ahead by {hours} h. Nothing is erased for an hour: set it if it is wrong",
        { hours: Math.round(jump / HOUR) },
      );
    }
    if (this.#until !== undefined && elapsed >= this.#until) this.#until = undefined;
    return this.#until !== undefined;
  }
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
