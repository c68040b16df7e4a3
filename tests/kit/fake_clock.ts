import type { Clock } from "../../server/clock.ts";

interface Task {
  at: number;
  readonly period: number | undefined;
  readonly run: () => void;
}

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  #now: number;
  readonly #tasks = new Set<Task>();

  constructor(now = Date.parse("2026-01-01T00:00:00.000Z")) {
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

  after(delay: number, run: () => void): Disposable {
    return this.#schedule({ at: this.#now + delay, period: undefined, run });
  }

  every(period: number, run: () => void): Disposable {
    return this.#schedule({ at: this.#now + period, period, run });
  }

  /** Lets `milliseconds` pass; what falls due runs in order, at its own time. */
  advance(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (;;) {
      const due = [...this.#tasks].filter((task) => task.at <= end)
        .sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#now = due.at;
      if (due.period === undefined) this.#tasks.delete(due);
      else due.at += due.period;
      due.run();
    }
    this.#now = end;
  }

  /** Lets a long time pass at once, as when a machine sleeps: what falls due runs once, at the end. */
  skip(milliseconds: number): void {
    this.#now += milliseconds;
    for (const task of [...this.#tasks].sort((a, b) => a.at - b.at)) {
      if (task.at > this.#now || !this.#tasks.has(task)) continue;
      if (task.period === undefined) this.#tasks.delete(task);
      else task.at = this.#now + task.period;
      task.run();
    }
  }

  #schedule(task: Task): Disposable {
    this.#tasks.add(task);
    return { [Symbol.dispose]: () => this.#tasks.delete(task) };
  }
}
