/**
 * Whether the other person of a private conversation may have changed. A name is free again once its
 * user has left, and the hub delivers to whoever has the name now.
 */
export class Partner {
  #gone = false;
  #doubtful = false;
  /** Whether a token proved the name at the last message. */
  #proved = false;

  /** Returns whether that is news. */
  left(): boolean {
    const news = !this.#gone;
    this.#gone = true;
    return news;
  }

  /** Somebody of the name came. Returns whether it may be another person. */
  came(): boolean {
    if (!this.#gone) return false;
    this.#gone = false;
    this.#doubtful = true;
    return true;
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
  wrote(verified: boolean): "proved" | "another" | undefined {
    const same = verified && this.#proved;
    this.#proved = verified;
    if (this.#gone && !same) {
      this.came();
      return "another";
    }
    const was = this.#gone || this.#doubtful;
    this.#gone = false;
    if (!same) return undefined;
    this.#doubtful = false;
    return was ? "proved" : undefined;
  }

  /** Whether the user has to be asked before something is sent; once for each change. */
  ask(): boolean {
    const asks = this.#doubtful;
    this.#doubtful = false;
    return asks;
  }
}
