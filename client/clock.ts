/** Undoes a timer; harmless once it has run. */
export type Cancel = () => void;

/** Time as the client sees it; tests pass their own. */
export interface ClientClock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Runs `task` once, `delay` milliseconds from now, unless cancelled before. */
  after(delay: number, task: () => void): Cancel;
}

/**
 * The machine's own clock. Wall time, because it goes on while a laptop sleeps: that is how the
 * client notices on waking that its connection is old.
 */
export const wallClock: ClientClock = {
  now: () => Date.now(),
  after(delay, task) {
    const timer = setTimeout(task, delay);
    return () => clearTimeout(timer);
  },
};
