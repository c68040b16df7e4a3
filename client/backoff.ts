import { CLOSE } from "../protocol.ts";

/** The longest delay before the first reconnect, in milliseconds. */
export const FIRST_DELAY = 250;

/** The longest delay before a reconnect, in milliseconds: spares the hub, and the user can wait for it. */
export const MAX_DELAY = 20_000;

/** Milliseconds online after which earlier failures no longer count. */
export const HEALTHY_AFTER = 10_000;

/** Milliseconds over which clients spread their reconnects to a hub that restarts. */
export const RESTART_SPREAD = 3000;

/** The longest `retryAfter` that is honoured, in milliseconds: a mistake must not stop a client for long. */
export const MAX_RETRY_AFTER = 300_000;

export interface CloseInfo {
  /** The WebSocket close code; 1006 for a connection that broke or was never made. */
  readonly code: number;
  /** Failed attempts in a row before this one. */
  readonly failures: number;
  /** Seconds. */
  readonly retryAfter?: number | undefined;
}

/**
 * Exponential backoff with full jitter: anything from 0 to `FIRST_DELAY × 2^failures`, capped.
 * Full, so that ten thousand clients of one hub do not reconnect in waves.
 */
export function fullJitter(failures: number, random: () => number): number {
  return random() * Math.min(MAX_DELAY, FIRST_DELAY * 2 ** Math.min(failures, 30));
}

/** Milliseconds to wait before the next attempt. */
export function reconnectDelay(
  { code, failures, retryAfter }: CloseInfo,
  random: () => number,
): number {
  const jitter = fullJitter(failures, random);
  if (retryAfter !== undefined) return retryDelay(retryAfter) + jitter;
  // Only after the first failure: a client that falls behind again at once must not spin.
  if (failures > 0) return jitter;
  if (code === CLOSE.fellBehind) return 0;
  if (code === CLOSE.goingAway) return random() * RESTART_SPREAD;
  return jitter;
}

/** A `retryAfter` in seconds, as a bounded number of milliseconds. */
export function retryDelay(retryAfter: number): number {
  return Math.min(MAX_RETRY_AFTER, Math.ceil(retryAfter * 1000));
}
