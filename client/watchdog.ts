import type { Cancel, Clock } from "../lib/clock.ts";

/** The most milliseconds without any frame before the hub is pinged. */
export const IDLE_TIMEOUT = 45_000;

/** Milliseconds that the hub then has to send anything. */
export const PING_TIMEOUT = 10_000;

/** The same after a sleep or a `wake()`: the user is waiting, and resuming loses nothing. */
export const WAKE_PING_TIMEOUT = 4000;

/** Milliseconds between checks: how soon after waking a laptop its connection is probed. */
const CHECK_PERIOD = 2000;

/**
 * Milliseconds that a check may be late. After more, the machine must have slept: busy programs and
 * hidden browser tabs are late by a second or so.
 */
const SLEEP_THRESHOLD = 5000;

export interface WatchdogActions {
  /** Sends a ping to the hub. */
  ping(): void;
  /** Gives the connection up; `reason` is a sentence for the user. */
  giveUp(reason: string): void;
}

/**
 * Detects a dead connection that looks alive, as after a laptop's sleep or behind a router that
 * dropped it. Uses wall time, so that sleep counts as silence.
 */
export class Watchdog {
  #idleTimeout = IDLE_TIMEOUT;
  #receivedAt = 0;
  #pingedAt: number | undefined;
  #checkedAt = 0;
  #cancel: Cancel | undefined;

  constructor(private readonly clock: Clock, private readonly actions: WatchdogActions) {}

  /** @param heartbeat seconds of silence after which the hub disconnects; 0 for never. */
  start(heartbeat: number): void {
    this.stop();
    this.#idleTimeout = idleTimeout(heartbeat * 1000);
    this.onReceived();
    this.#scheduleCheck();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** The hub sent something. */
  onReceived(): void {
    this.#receivedAt = this.clock.now();
    this.#pingedAt = undefined;
  }

  /** Pings now, with a short timeout. */
  probe(): void {
    if (this.#cancel === undefined) return;
    this.#cancel();
    this.#probe(`The hub did not answer within ${WAKE_PING_TIMEOUT / 1000} seconds`);
  }

  #probe(reason: string): void {
    // A second probe must not postpone the timeout of the first.
    const pingedAt = this.#pingedAt ?? this.clock.now();
    if (this.#pingedAt === undefined) this.actions.ping();
    this.#pingedAt = pingedAt;
    const left = Math.max(0, pingedAt + WAKE_PING_TIMEOUT - this.clock.now());
    this.#cancel = this.clock.after(left, () => {
      this.#cancel = undefined;
      if (this.#pingedAt === undefined) this.#scheduleCheck();
      else this.actions.giveUp(reason);
    });
  }

  #scheduleCheck(): void {
    this.#checkedAt = this.clock.now();
    this.#cancel = this.clock.after(CHECK_PERIOD, () => {
      this.#cancel = undefined;
      this.#check(this.clock.now());
    });
  }

  #check(now: number): void {
    const late = now - this.#checkedAt - CHECK_PERIOD;
    // After the clock was set back, the silence would look too short.
    if (now < this.#receivedAt) this.#receivedAt = now;
    if (late >= SLEEP_THRESHOLD) {
      // Pings and frames from before the sleep say nothing about now.
      this.#pingedAt = undefined;
      this.#probe("The connection did not survive this machine's sleep");
      return;
    }
    if (this.#pingedAt === undefined) {
      if (now - this.#receivedAt >= this.#idleTimeout) {
        this.#pingedAt = now;
        this.actions.ping();
      }
    } else if (now - this.#pingedAt >= PING_TIMEOUT) {
      const seconds = Math.round((this.#idleTimeout + PING_TIMEOUT) / 1000);
      this.actions.giveUp(`Received nothing from the hub for ${seconds} seconds`);
      return;
    }
    this.#scheduleCheck();
  }
}

/** Early enough for a ping to reach the hub before `limit`, if it has one. */
function idleTimeout(limit: number): number {
  if (limit <= 0) return IDLE_TIMEOUT;
  return Math.min(IDLE_TIMEOUT, Math.max(limit - PING_TIMEOUT, limit / 2));
}
