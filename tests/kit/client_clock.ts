import type { Cancel, ClientClock } from "../../client.ts";

interface Timer {
  readonly at: number;
  readonly task: () => void;
}

/** Time that passes when the test says so. */
export class FakeClientClock implements ClientClock {
  #now = Date.UTC(2026, 0, 1);
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#now;
  }

  after(delay: number, task: () => void): Cancel {
    const timer = { at: this.#now + delay, task };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Timers that wait. */
  get waiting(): number {
    return this.#timers.size;
  }

  /** Lets `duration` milliseconds pass, with everything that is due in them. */
  advance(duration: number): void {
    const end = this.#now + duration;
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.task();
    }
    this.#now = end;
  }

  /** The wall clock jumps, and no timer notices: what sleep does to a laptop. */
  sleep(duration: number): void {
    this.#now += duration;
    const timers = [...this.#timers];
    this.#timers.clear();
    for (const { at, task } of timers) this.#timers.add({ at: at + duration, task });
  }

  #next(end: number): Timer | undefined {
    const due = [...this.#timers].filter(({ at }) => at <= end);
    return due.reduce<Timer | undefined>(
      (first, timer) => first === undefined || timer.at < first.at ? timer : first,
      undefined,
    );
  }
}
