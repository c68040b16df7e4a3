/** A connection with output to send. */
export interface Flushable {
  flush(): void;
}

/**
 * Connections with output from this turn of the event loop. Each sends once a turn, however many
 * messages it got: the system call costs more than all other steps.
 */
export class FlushQueue {
  #waiting: Flushable[] = [];
  readonly #flush = (): void => {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const connection of waiting) connection.flush();
  };

  /** Flushes `connection` at the end of the turn. */
  add(connection: Flushable): void {
    if (this.#waiting.length === 0) {
      // One step later than the receipts of a log that commits at once: acks of repeats, and errors.
      queueMicrotask(() => queueMicrotask(this.#flush));
    }
    this.#waiting.push(connection);
  }
}
