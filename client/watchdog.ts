import type { Cancel, Clock } from "./clock.ts";

/** Milliseconds without a word from the hub after which it is asked whether it is there. */
export const SILENCE = 45_000;

/** Milliseconds that it then has to say anything at all. */
export const PATIENCE = 10_000;

/** Milliseconds between looks: how soon after waking a laptop begins to doubt its connection. */
const LOOK_EVERY = 2000;

/**
 * Milliseconds that a look may be late before the machine must have slept: a program that is busy,
 * or a browser that slows hidden pages down, is late by a second or so.
 */
const SLEPT = 5000;

/** Milliseconds that the hub has after a sleep: a person is waiting, and resuming loses nothing. */
const WAKING_PATIENCE = 4000;

/** What a watchdog can do. */
export interface WatchdogActions {
  /** Asks the hub for a sign of life. */
  ask(): void;
  /** Gives the connection up; `slept`: because it did not outlive a sleep. */
  giveUp(slept: boolean): void;
}

/**
 * Notices that a hub is gone although its connection looks alive, as it does after a laptop's sleep
 * or behind a router that forgot it. Goes by wall time, so that sleep counts as silence.
 */
export class Watchdog {
  #heardAt = 0;
  #askedAt: number | undefined;
  /** Whether it was asked because of a sleep. */
  #slept = false;
  #lookedAt = 0;
  #cancel: Cancel | undefined;

  constructor(private readonly clock: Clock, private readonly actions: WatchdogActions) {}

  start(): void {
    this.stop();
    this.heard();
    this.#look();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Something came from the hub. */
  heard(): void {
    this.#heardAt = this.clock.now();
    this.#askedAt = undefined;
  }

  #look(): void {
    this.#lookedAt = this.clock.now();
    this.#cancel = this.clock.after(LOOK_EVERY, () => {
      this.#cancel = undefined;
      this.#judge(this.clock.now());
    });
  }

  #judge(now: number): void {
    const late = now - this.#lookedAt - LOOK_EVERY;
    // A clock that was set back would make the silence look short for long.
    if (now < this.#heardAt) this.#heardAt = now;
    if (late >= SLEPT) {
      // Even when something was heard just now: it may have come before the sleep.
      this.#ask(now, true);
    } else if (this.#askedAt !== undefined) {
      const patience = this.#slept ? WAKING_PATIENCE : PATIENCE;
      if (now - this.#askedAt >= patience) return this.actions.giveUp(this.#slept);
    } else if (now - this.#heardAt >= SILENCE) this.#ask(now, false);
    this.#look();
  }

  #ask(now: number, slept: boolean): void {
    this.#askedAt = now;
    this.#slept = slept;
    this.actions.ask();
  }
}
