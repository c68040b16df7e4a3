import { getLogger } from "@logtape/logtape";

const logger = getLogger(["bcast", "clock"]);

/** Where a {@linkcode SteadyClock} has the time from; all in milliseconds. */
export interface ClockSources {
  /** The clock of the machine, since 1970. It may be set. */
  readonly wall: () => number;
  /** Never set, but may stand still while the machine sleeps. */
  readonly monotonic: () => number;
  /** As `monotonic`, with the time asleep, in whole seconds; `undefined` where that is unknown. */
  readonly uptime: () => number | undefined;
}

/** Milliseconds between two looks at the machine's clock. */
const PERIOD = 1000;

/** Milliseconds of difference that count as none: an uptime is in whole seconds. */
const TOLERANCE = 2000;

/** Milliseconds after which a clock that was set is believed. */
const CONFIRMATION = 60_000;

/**
 * The time as the machine's clock tells it, but steady: a clock that is set far ahead or back is not
 * believed before it has stayed so for a minute, and a moment's mistake has no effect. Time that the
 * machine slept counts at once.
 */
export class SteadyClock {
  readonly #sources: ClockSources;
  /** What is added to the monotonic time. */
  #offset: number;
  #checkedAt: number;
  /** Milliseconds asleep so far. */
  #asleep = 0;
  /** How far the uptime is ahead of the monotonic time. */
  #uptimeLead: number | undefined;
  /** A difference of the machine's clock that is not believed yet. */
  #doubt: { readonly difference: number; readonly since: number } | undefined;

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
    if (monotonic - this.#checkedAt >= PERIOD) this.#check(monotonic);
    return Math.floor(monotonic + this.#offset);
  }

  /** Milliseconds that have passed since some moment, with those that the machine slept. */
  elapsed(): number {
    return this.#sources.monotonic() + this.#asleep;
  }

  #check(monotonic: number): void {
    this.#checkedAt = monotonic;
    this.#countSleep(monotonic);
    const difference = this.#sources.wall() - (monotonic + this.#offset);
    if (Math.abs(difference) <= TOLERANCE) {
      this.#offset += difference;
      if (this.#doubt !== undefined) logger.info("The machine's clock is right again");
      this.#doubt = undefined;
      return;
    }
    const doubt = this.#doubt;
    if (doubt === undefined || Math.abs(difference - doubt.difference) > TOLERANCE) {
      this.#doubt = { difference, since: monotonic };
      if (doubt !== undefined) return;
      logger.warn(
        "The machine's clock was set {direction} by {seconds} s: the hub follows when it has " +
          "stayed so for a minute",
        {
          direction: difference > 0 ? "ahead" : "back",
          seconds: Math.round(Math.abs(difference) / 1000),
        },
      );
    } else if (monotonic - doubt.since >= CONFIRMATION) {
      this.#offset += difference;
      this.#doubt = undefined;
      logger.info("The hub follows the machine's clock, which was set");
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
