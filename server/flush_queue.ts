import type { Connection } from "./connection.ts";

/**
 * The connections that have something to send in this turn of the event loop. Each sends once,
 * whatever came together for it: a system call costs more than everything else on the way.
 */
export class FlushQueue {
  #dirty: Connection[] = [];
  readonly #flush = (): void => this.flush();

  /** Sends what `peer` was offered, at the end of the turn. */
  add(peer: Connection): void {
    if (this.#dirty.length === 0) {
      // One step later than the receipts of a log that commits at once, so that acks ride along.
      queueMicrotask(() => queueMicrotask(this.#flush));
    }
    this.#dirty.push(peer);
  }

  /** Sends now. */
  flush(): void {
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const peer of dirty) peer.flush();
  }
}
