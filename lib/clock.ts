/** Cancels a timer. Harmless once the timer has run. */
export type Cancel = () => void;

/** The time and timers; tests pass a fake. Runs in browsers, too. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Runs `task` once, `delay` milliseconds from now. */
  after(delay: number, task: () => void): Cancel;
}

/** A {@linkcode Clock} with what only a server needs. */
export interface ServerClock extends Clock {
  /** Milliseconds with fractions since an arbitrary moment; never set back. */
  monotonic(): number;
  /** Runs `task` once, after the events that the event loop has already collected. */
  next(task: () => void): void;
  /** Runs `task` every `period` milliseconds. Does not keep the process alive. */
  every(period: number, task: () => void): Cancel;
}

/**
 * Wall time: it advances while a laptop sleeps, so the client notices on waking that its connection
 * is old.
 */
export const wallClock: Clock = {
  now: () => Date.now(),
  after(delay, task) {
    const timer = setTimeout(task, delay);
    return () => clearTimeout(timer);
  },
};
