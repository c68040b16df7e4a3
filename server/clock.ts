import { setImmediate } from "node:timers";
import { SteadyClock } from "../lib/steady_clock.ts";

/** Time as the hub sees it; tests pass their own. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Milliseconds with fractions, from some moment on; never set back. */
  monotonic(): number;
  /** Runs `task` once, when the event loop has done what it has to do now. */
  next(task: () => void): void;
  /** Runs `task` once, `delay` milliseconds from now, unless disposed before. */
  after(delay: number, task: () => void): Disposable;
  /** Runs `task` every `period` milliseconds until disposed. */
  every(period: number, task: () => void): Disposable;
}

const steady = new SteadyClock();

/** The machine's own clock, made steady. Its periodic tasks do not keep the process alive. */
export const systemClock: Clock & Pick<SteadyClock, "elapsed"> = {
  now: () => steady.now(),
  elapsed: () => steady.elapsed(),
  monotonic: () => performance.now(),
  next: (task) => void setImmediate(task),
  after(delay, task) {
    const timer = setTimeout(task, delay);
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
  every(period, task) {
    const timer = setInterval(task, period);
    Deno.unrefTimer(timer);
    return { [Symbol.dispose]: () => clearInterval(timer) };
  },
};
