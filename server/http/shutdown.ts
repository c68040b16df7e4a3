/** Why nobody new is let in for now. */
export interface ShutdownNotice {
  /** A sentence for a person. */
  readonly reason: string;
  /** Seconds after which it makes sense to come back, for one who asks now. */
  readonly retryAfter: () => number;
}

/** Seconds that a hub is given to be there again, once it has stopped. */
const RESTART = 1;

/** Seconds over which those who knocked in vain are spread. */
const SPREAD = 3;

/**
 * How long those shall wait who knock while the hub says its goodbyes.
 *
 * @param left milliseconds until it has said them all.
 * @param random from 0 (included) to 1: all who knocked would come back at its end otherwise.
 */
export function retryAfterShutdown(left: number, random: number): number {
  return Math.ceil(Math.max(0, left) / 1000) + RESTART + Math.floor(random * SPREAD);
}
