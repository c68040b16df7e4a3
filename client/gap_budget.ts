import type { Clock } from "../lib/clock.ts";

/** Reconnects in a row to get missing messages: a hub that never sends them must not cause a loop. */
const MAX_RECONNECTS = 5;

/** Milliseconds after a reconnect for a gap until they count anew. */
const FORGET_AFTER = 3_600_000;

/** Limits how often missing messages cause a reconnect. */
export class GapBudget {
  #spent = 0;
  #at = 0;

  constructor(private readonly clock: Clock) {}

  /** Takes one reconnect; returns whether there was one left. */
  take(): boolean {
    const now = this.clock.now();
    if (now - this.#at >= FORGET_AFTER) this.#spent = 0;
    if (this.#spent >= MAX_RECONNECTS) return false;
    this.#spent++;
    this.#at = now;
    return true;
  }
}
