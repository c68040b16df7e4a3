/**
 * Checks that a client received the ids 1, 2, 3 … of a room without a gap.
 *
 * @module
 */

// Further losses are still counted, but ids that arrive late then count as duplicates.
const MAX_REMEMBERED = 10_000;

/** The position of a client that the server did not tell one. */
export const UNKNOWN = -1;

export class IdTracker {
  last: number;
  /** Ids that were skipped and not seen since. */
  lost = 0;
  duplicated = 0;
  /** Ids seen after a higher one. */
  outOfOrder = 0;
  // Created on the first gap: without one, an id costs one comparison.
  #missing: Set<number> | undefined;

  /**
   * `last` is the newest id when the client joined; `UNKNOWN` starts with the first id seen, for servers
   * that do not say.
   */
  constructor(last: number = UNKNOWN) {
    this.last = last;
  }

  see(id: number): void {
    if (id === this.last + 1) this.last = id;
    else this.#irregular(id);
  }

  /** Counts all ids up to `top` that are still missing as lost. */
  finish(top: number): void {
    if (top > this.last) {
      this.lost += top - Math.max(this.last, 0);
      this.last = top;
    }
  }

  #irregular(id: number): void {
    if (this.last === UNKNOWN) {
      this.last = id;
    } else if (id > this.last) {
      this.lost += id - this.last - 1;
      const missing = this.#missing ??= new Set();
      for (let i = this.last + 1; i < id && missing.size < MAX_REMEMBERED; i++) missing.add(i);
      this.last = id;
    } else if (this.#missing?.delete(id)) {
      this.lost--;
      this.outOfOrder++;
    } else {
      this.duplicated++;
    }
  }
}
