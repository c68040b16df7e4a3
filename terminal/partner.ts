import { RETURN_SECONDS } from "../protocol.ts";

/**
 * Whether the other person of a private conversation may have changed. A name is free again once its
 * user has left, and the hub delivers to whoever has the name now.
 */
export class Partner {
  #gone = false;
  #doubtful = false;
  /** Whether a token proved the name at the last message. */
  #proved = false;
  /** Whether a room of the user's tells when they leave. */
  #isHere = false;
  /** Since when somebody was not where they had been, at the user's own return to the hub. */
  #missingSince: number | undefined;

  /** Returns whether that is news. */
  left(): boolean {
    const news = !this.#gone;
    this.#gone = true;
    this.#isHere = false;
    this.#missingSince = undefined;
    return news;
  }

  /** Somebody of the name came into a room. Returns whether it may be another person. */
  came(now: number): boolean {
    this.#isHere = true;
    return this.#met(now);
  }

  /**
   * A list of members told whether somebody of the name is there. Returns whether it may be another
   * person than before.
   */
  listed(isHere: boolean, now: number): boolean {
    if (isHere) return this.came(now);
    if (this.#isHere) this.#missingSince = now;
    this.#isHere = false;
    return false;
  }

  /** The hub said that nobody has the name. Nothing may tell when somebody has it again. */
  unknown(): void {
    this.left();
    this.#doubtful = true;
  }

  /** The name went over to somebody else, for sure. */
  changed(): void {
    this.#gone = false;
    this.#doubtful = true;
    this.#proved = false;
  }

  /**
   * Somebody of the name wrote. Returns what the message tells: who wrote is `proved` to be the same
   * person as before, or may be `another`, of which nothing told before it.
   */
  wrote(verified: boolean, now: number): "proved" | "another" | undefined {
    const same = verified && this.#proved;
    this.#proved = verified;
    const wasDoubtful = this.#doubtful;
    const isNew = this.#met(now);
    if (!same) return isNew ? "another" : undefined;
    this.#doubtful = false;
    return isNew || wasDoubtful ? "proved" : undefined;
  }

  /** Whether the user has to be asked before something is sent; once for each change. */
  ask(): boolean {
    const asks = this.#doubtful;
    this.#doubtful = false;
    return asks;
  }

  #met(now: number): boolean {
    const since = this.#missingSince ?? now;
    this.#missingSince = undefined;
    // After a restart of the hub all people return, each at another moment.
    if (now - since > RETURN_SECONDS * 1000) this.#gone = true;
    if (!this.#gone) return false;
    this.#gone = false;
    this.#doubtful = true;
    return true;
  }
}
