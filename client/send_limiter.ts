/** The share of the hub's rate that is used, since clocks differ. */
const RATE_SHARE = 0.95;

/** The share of the hub's burst that is used; the rest is for the few frames without an answer. */
const BURST_SHARE = 0.9;

// After a full wait there must be a token, whatever the rounding.
const EPSILON = 1e-6;

/**
 * Keeps sending within the hub's rate limit, so that it never answers `rate_limited`.
 *
 * A plain token bucket would not be enough: frames sent apart may arrive together, after the hub's
 * full bucket could not gain any more. So this bucket never holds more than the burst minus the
 * frames in flight; then the hub's bucket always holds at least as much.
 */
export class SendLimiter {
  #rate = 0;
  #burst = 0;
  #tokens = 0;
  #at = 0;
  #pausedUntil = 0;
  #sent = 0;
  #answered = 0;

  /** Resets it with the limits of a new connection; a `rate` of 0 means no limit. */
  configure(rate: number, burst: number, now: number): void {
    this.#rate = rate * RATE_SHARE;
    this.#burst = Math.max(1, Math.floor(burst * BURST_SHARE));
    // `hello` took one.
    this.#tokens = Math.min(this.#burst, Math.max(0, burst - 1));
    this.#at = now;
    this.#pausedUntil = 0;
    this.#answered = this.#sent;
  }

  /**
   * Takes a token for one frame. Returns 0, or else the milliseconds until there is one; `Infinity`
   * if an answer must come first.
   */
  take(now: number): number {
    if (now < this.#pausedUntil) return this.#pausedUntil - now;
    if (this.#rate <= 0) return 0;
    this.#refill(now);
    if (this.#tokens + EPSILON >= 1) {
      this.#tokens = Math.max(0, this.#tokens - 1);
      return 0;
    }
    return this.#maxTokens < 1 ? Infinity : Math.ceil((1 - this.#tokens) / this.#rate * 1000);
  }

  /** Records a sent frame that the hub will answer. Returns its number. */
  sent(): number {
    return ++this.#sent;
  }

  /** The hub answered frame `number`, so it has counted that and all before it. */
  answered(number: number, now: number): void {
    // First refills under the old maximum, which held while the frame was in flight.
    this.#refill(now);
    this.#answered = Math.max(this.#answered, number);
  }

  /** Sends nothing for `delay` milliseconds. */
  pause(delay: number, now: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, now + delay);
    this.#tokens = 0;
    this.#at = now;
  }

  get #maxTokens(): number {
    return this.#burst - (this.#sent - this.#answered);
  }

  #refill(now: number): void {
    const elapsed = Math.max(0, now - this.#at) / 1000;
    this.#at = now;
    this.#tokens = Math.min(this.#maxTokens, this.#tokens + elapsed * this.#rate);
  }
}
