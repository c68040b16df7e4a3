/**
 * Whether what one client saw of one room is whole: ids that count 1, 2, 3 … without a hole.
 *
 * @module
 */

// A client that lost more than this is broken anyway; what it lacks is still counted, but what
// comes late counts as a duplicate then.
const MAX_REMEMBERED = 10_000;

/** The position of a client that was told none. */
export const UNKNOWN = -1;

/** Follows the ids that one client sees. */
export class IdTracker {
  /** The highest id seen. */
  last: number;
  /** Ids passed over and not seen since. */
  lost = 0;
  /** Ids seen twice. */
  duplicated = 0;
  /** Ids that came after a higher one. */
  outOfOrder = 0;
  // Only made when something is missing: a room in order costs one comparison.
  #missing: Set<number> | undefined;

  /**
   * Begins after `last`, the newest id that the client knew when it joined. `UNKNOWN` begins with
   * whatever is seen first, for servers that do not say.
   */
  constructor(last: number = UNKNOWN) {
    this.last = last;
  }

  /** Takes note of one id. */
  see(id: number): void {
    if (id === this.last + 1) this.last = id;
    else this.#irregular(id);
  }

  /** Counts what is missing up to `top` when nothing more will come. */
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
