import type { Cancel, Clock } from "../lib/clock.ts";

/** Milliseconds without a word from the hub after which it is asked whether it is there. */
export const SILENCE = 45_000;

/** Milliseconds that it then has to say anything at all. */
export const PATIENCE = 10_000;

/**
 * Milliseconds that it has after a sleep, or when somebody looks: a person is waiting, and resuming
 * loses nothing.
 */
export const WAKE_PATIENCE = 4000;

/** Milliseconds between looks: how soon after waking a laptop begins to doubt its connection. */
const LOOK_EVERY = 2000;

/**
 * Milliseconds that a look may be late before the machine must have slept: a program that is busy,
 * or a browser that slows hidden pages down, is late by a second or so.
 */
const SLEPT = 5000;

/** What a watchdog can do. */
export interface WatchdogActions {
  /** Asks the hub for a sign of life. */
  ask(): void;
  /** Gives the connection up; `reason` is a sentence for a person. */
  giveUp(reason: string): void;
}

/**
 * Notices that a hub is gone although its connection looks alive, as it does after a laptop's sleep
 * or behind a router that forgot it. Goes by wall time, so that sleep counts as silence.
 */
export class Watchdog {
  #heardAt = 0;
  #askedAt: number | undefined;
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

  /** There is reason to think that the hub is gone: asks now, and does not wait for long. */
  doubt(): void {
    if (this.#cancel === undefined) return;
    this.#cancel();
    this.#hurry(`The hub did not answer within ${WAKE_PATIENCE / 1000} seconds`);
  }

  #hurry(reason: string): void {
    // A second doubt while the first is open must not put off the answer to it.
    const asked = this.#askedAt ?? this.clock.now();
    if (this.#askedAt === undefined) this.actions.ask();
    this.#askedAt = asked;
    const left = Math.max(0, asked + WAKE_PATIENCE - this.clock.now());
    this.#cancel = this.clock.after(left, () => {
      this.#cancel = undefined;
      if (this.#askedAt === undefined) this.#look();
      else this.actions.giveUp(reason);
    });
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
      // Whatever was asked or heard before the sleep says nothing about now.
      this.#askedAt = undefined;
      this.#hurry("The connection did not outlive this machine's sleep");
      return;
    }
    if (this.#askedAt === undefined) {
      if (now - this.#heardAt >= SILENCE) {
        this.#askedAt = now;
        this.actions.ask();
      }
    } else if (now - this.#askedAt >= PATIENCE) {
      const seconds = (SILENCE + PATIENCE) / 1000;
      this.actions.giveUp(`Nothing heard from the hub for ${seconds} seconds`);
      return;
    }
    this.#look();
  }
}
