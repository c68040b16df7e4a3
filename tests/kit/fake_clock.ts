import type { Cancel, ServerClock } from "../../lib/clock.ts";

interface Timer {
  at: number;
  readonly period: number | undefined;
  readonly task: () => void;
}

/** A clock that stands still until a test advances it. */
export class FakeClock implements ServerClock {
  #now: number;
  readonly #timers = new Set<Timer>();

  constructor(now = Date.UTC(2026, 0, 1)) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  next(task: () => void): void {
    queueMicrotask(task);
  }

  after(delay: number, task: () => void): Cancel {
    return this.#schedule({ at: this.#now + delay, period: undefined, task });
  }

  every(period: number, task: () => void): Cancel {
    return this.#schedule({ at: this.#now + period, period, task });
  }

  /** The number of pending timers. */
  get waiting(): number {
    return this.#timers.size;
  }

  /** Advances by `milliseconds`; timers run in order, each at its own time. */
  advance(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (;;) {
      const [due] = this.#inOrder();
      if (due === undefined || due.at > end) break;
      this.#now = Math.max(this.#now, due.at);
      this.#run(due, due.at);
    }
    this.#now = end;
  }

  /** Advances in one step; each timer that falls due runs once, at the end. */
  skip(milliseconds: number): void {
    this.#now += milliseconds;
    for (const timer of this.#inOrder()) {
      if (timer.at <= this.#now && this.#timers.has(timer)) this.#run(timer, this.#now);
    }
  }

  /** Advances wall time but no timers, like a sleeping laptop. */
  sleep(milliseconds: number): void {
    this.#now += milliseconds;
    for (const timer of this.#timers) timer.at += milliseconds;
  }

  #inOrder(): Timer[] {
    return [...this.#timers].sort((a, b) => a.at - b.at);
  }

  #run(timer: Timer, at: number): void {
    if (timer.period === undefined) this.#timers.delete(timer);
    else timer.at = at + timer.period;
    timer.task();
  }

  #schedule(timer: Timer): Cancel {
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }
}
