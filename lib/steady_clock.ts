import { setImmediate } from "node:timers";
import { getLogger } from "@logtape/logtape";
import { type ServerClock, wallClock } from "./clock.ts";

const logger = getLogger(["bcast", "clock"]);

/** The sources of a {@linkcode SteadyClock}; all in milliseconds. */
export interface ClockSources {
  /** The machine's clock, since 1970. It may be set. */
  readonly wall: () => number;
  /** Never set, but may stop while the machine sleeps. */
  readonly monotonic: () => number;
  /** As `monotonic`, including sleep, in whole seconds; `undefined` where unavailable. */
  readonly uptime: () => number | undefined;
}

/** Milliseconds between two checks of the machine's clock. */
const CHECK_PERIOD = 1000;

/** Milliseconds of difference to ignore: an uptime is in whole seconds. */
const TOLERANCE = 2000;

/** Milliseconds after which a changed clock is believed. */
const CONFIRMATION = 60_000;

/**
 * The machine's clock, protected against jumps: a clock that is set far ahead or back is not believed
 * until it has stayed so for a minute, so a momentary error has no effect. Time asleep counts
 * immediately.
 */
export class SteadyClock {
  readonly #sources: ClockSources;
  /** Added to the monotonic time. */
  #offset: number;
  #checkedAt: number;
  /** Milliseconds asleep so far. */
  #asleep = 0;
  /** The uptime minus the monotonic time. */
  #uptimeLead: number | undefined;
  /** A jump of the machine's clock that is not believed yet. */
  #jump: { readonly difference: number; readonly since: number } | undefined;

  constructor(sources: ClockSources = machine()) {
    this.#sources = sources;
    const now = sources.monotonic();
    this.#checkedAt = now;
    this.#offset = sources.wall() - now;
    this.#uptimeLead = this.#lead(now);
  }

  /** Milliseconds since 1970. */
  now(): number {
    const monotonic = this.#sources.monotonic();
    if (monotonic - this.#checkedAt >= CHECK_PERIOD) this.#check(monotonic);
    return Math.floor(monotonic + this.#offset);
  }

  /** Milliseconds since an arbitrary moment, including time asleep. */
  elapsed(): number {
    return this.#sources.monotonic() + this.#asleep;
  }

  #check(monotonic: number): void {
    this.#checkedAt = monotonic;
    this.#countSleep(monotonic);
    const difference = this.#sources.wall() - (monotonic + this.#offset);
    if (Math.abs(difference) <= TOLERANCE) {
      this.#offset += difference;
      if (this.#jump !== undefined) logger.info("The system clock is right again");
      this.#jump = undefined;
      return;
    }
    const jump = this.#jump;
    if (jump === undefined || Math.abs(difference - jump.difference) > TOLERANCE) {
      this.#jump = { difference, since: monotonic };
      if (jump !== undefined) return;
      logger.warn(
        "The system clock was set {direction} by {seconds} s: the hub follows if it stays so for " +
          "a minute",
        {
          direction: difference > 0 ? "ahead" : "back",
          seconds: Math.round(Math.abs(difference) / 1000),
        },
      );
    } else if (monotonic - jump.since >= CONFIRMATION) {
      this.#offset += difference;
      this.#jump = undefined;
      logger.info("The hub now follows the changed system clock");
    }
  }

  #countSleep(monotonic: number): void {
    const lead = this.#lead(monotonic);
    if (lead === undefined || this.#uptimeLead === undefined) return;
    const slept = lead - this.#uptimeLead;
    if (slept <= TOLERANCE) return;
    this.#uptimeLead = lead;
    this.#asleep += slept;
    this.#offset += slept;
  }

  #lead(monotonic: number): number | undefined {
    const uptime = this.#sources.uptime();
    return uptime === undefined ? undefined : uptime - monotonic;
  }
}

function machine(): ClockSources {
  const { state } = Deno.permissions.querySync({ name: "sys", kind: "osUptime" });
  return {
    wall: Date.now,
    monotonic: () => performance.now(),
    uptime: () => state === "granted" ? Deno.osUptime() * 1000 : undefined,
  };
}

const steady = new SteadyClock();

/** The server's clock: steady, with timers. */
export const steadyClock: ServerClock & Pick<SteadyClock, "elapsed"> = {
  ...wallClock,
  now: () => steady.now(),
  elapsed: () => steady.elapsed(),
  monotonic: () => performance.now(),
  next: (task) => void setImmediate(task),
  every(period, task) {
    const timer = setInterval(task, period);
    Deno.unrefTimer(timer);
    return () => clearInterval(timer);
  },
};
