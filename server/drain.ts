import type { ServerClock } from "../lib/clock.ts";
import type { Connection } from "./connection.ts";

/** Milliseconds between two groups of goodbyes: small groups, and few wake-ups. */
const STEP = 50;

/**
 * Hands every one of `peers` to `dismiss`, spread evenly over `duration` milliseconds, the oldest
 * first. Resolves when the time is over or nobody is left; whoever is left then was not told.
 */
export function disconnectGradually(
  peers: ReadonlySet<Connection>,
  duration: number,
  clock: ServerClock,
  dismiss: (peer: Connection) => void,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const begun = clock.monotonic();
  const total = peers.size;
  let told = 0;
  const step = (): void => {
    const fraction = Math.min(1, (clock.monotonic() - begun) / duration);
    // Those who leave by themselves meanwhile count for nobody: the others only wait longer.
    const due = Math.ceil(total * fraction) - told;
    // A copy: dismissing takes a peer out of the set.
    for (const peer of peers.values().take(due).toArray()) {
      told++;
      dismiss(peer);
    }
    if (fraction === 1 || peers.size === 0) {
      cancel();
      resolve();
    }
  };
  const cancel = clock.every(STEP, step);
  if (peers.size === 0) step();
  return promise;
}
