/** How much of the hub's rate is used: clocks differ. */
const RATE_SHARE = 0.95;

/** How much of the hub's burst is used: the rest is for the few frames that are never answered. */
const BURST_SHARE = 0.9;

// A wait that was waited in full must yield its token, whatever the rounding.
const EPSILON = 1e-6;

/**
 * Keeps what is sent within the hub's rate limit, so that it never has to say `rate_limited`.
 *
 * A token bucket alone would not do: frames that were sent apart may arrive together, and what a
 * full bucket gained while they were on their way is lost. So the bucket never holds more than the
 * burst less what is on its way; then, whatever the network does, the hub's holds at least as much.
 */
export class SendLimiter {
  #rate = 0;
  #burst = 0;
  #tokens = 0;
  #at = 0;
  #heldUntil = 0;
  #sent = 0;
  #answered = 0;

  /** A new connection, whose `welcome` told frames a second and at once; a `rate` of 0 is no limit. */
  configure(rate: number, burst: number, now: number): void {
    this.#rate = rate * RATE_SHARE;
    this.#burst = Math.max(1, Math.floor(burst * BURST_SHARE));
    // The hello was a frame too.
    this.#tokens = Math.min(this.#burst, Math.max(0, burst - 1));
    this.#at = now;
    this.#heldUntil = 0;
    this.#answered = this.#sent;
  }

  /**
   * Takes the right to send one frame. Returns 0, or the milliseconds until there is one; `Infinity`
   * when an answer must come first.
   */
  take(now: number): number {
    if (now < this.#heldUntil) return this.#heldUntil - now;
    if (this.#rate <= 0) return 0;
    this.#refill(now);
    if (this.#tokens + EPSILON >= 1) {
      this.#tokens = Math.max(0, this.#tokens - 1);
      return 0;
    }
    return this.#most < 1 ? Infinity : Math.ceil((1 - this.#tokens) / this.#rate * 1000);
  }

  /** A frame was sent that the hub will answer. Returns its number. */
  sent(): number {
    return ++this.#sent;
  }

  /** The hub answered frame `number`: it has counted that, and all before it. */
  answered(number: number, now: number): void {
    // First what came in while it was on its way, which is not worth more for that being over.
    this.#refill(now);
    this.#answered = Math.max(this.#answered, number);
  }

  /** Sends nothing for `delay` milliseconds: the hub said so. */
  hold(delay: number, now: number): void {
    this.#heldUntil = Math.max(this.#heldUntil, now + delay);
    this.#tokens = 0;
    this.#at = now;
  }

  get #most(): number {
    return this.#burst - (this.#sent - this.#answered);
  }

  #refill(now: number): void {
    const elapsed = Math.max(0, now - this.#at) / 1000;
    this.#at = now;
    this.#tokens = Math.min(this.#most, this.#tokens + elapsed * this.#rate);
  }
}
