import { CLOSE } from "../protocol.ts";

/** Milliseconds within which the first try to come back falls. */
export const FIRST_DELAY = 250;

/** Milliseconds that a client waits at most: long enough to let a hub breathe, short enough for a person to see it return. */
export const MAX_DELAY = 20_000;

/** Milliseconds online after which earlier failures are forgotten. */
export const HEALTHY_AFTER = 10_000;

/** Milliseconds over which clients spread their return to a hub that said it was stopping. */
export const RESTART_SPREAD = 3000;

/** Milliseconds of a hub's `retryAfter` that are honoured: a slip there must not silence a client for good. */
export const MAX_RETRY_AFTER = 300_000;

/** What is known when a connection has ended. */
export interface CloseInfo {
  /** The WebSocket close code, 1006 for a connection that broke or was never made. */
  readonly code: number;
  /** Connections that ended before this one without having been healthy. */
  readonly failures: number;
  /** Seconds after which the hub said that trying again makes sense. */
  readonly retryAfter?: number;
}

/**
 * Exponential backoff with full jitter: anything from 0 to `FIRST_DELAY × 2^failures`, capped.
 * Full, so that ten thousand clients who lost the same hub do not come back in waves.
 */
export function fullJitter(failures: number, random: () => number): number {
  return random() * Math.min(MAX_DELAY, FIRST_DELAY * 2 ** Math.min(failures, 30));
}

/** Milliseconds to wait before coming back. */
export function reconnectDelay(loss: CloseInfo, random: () => number): number {
  const jitter = fullJitter(loss.failures, random);
  if (loss.retryAfter !== undefined) return retryDelay(loss.retryAfter) + jitter;
  // Only the first time in a row: a client that falls behind at once again must not spin.
  if (loss.failures > 0) return jitter;
  if (loss.code === CLOSE.fellBehind) return 0;
  if (loss.code === CLOSE.goingAway) return random() * RESTART_SPREAD;
  return jitter;
}

/** A hub's `retryAfter`, which is in seconds, as milliseconds within reason. */
export function retryDelay(retryAfter: number): number {
  return Math.min(MAX_RETRY_AFTER, Math.ceil(retryAfter * 1000));
}
