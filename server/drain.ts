import type { ServerClock } from "../lib/clock.ts";
import type { Connection } from "./connection.ts";

/** Milliseconds between two groups: small groups, but few timers. */
const STEP = 50;

/**
 * Calls `disconnect` with each of `connections`, oldest first, spread evenly over `duration`
 * milliseconds. Resolves after that time, or when none is left.
 */
export function disconnectGradually(
  connections: ReadonlySet<Connection>,
  duration: number,
  clock: ServerClock,
  disconnect: (connection: Connection) => void,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const startedAt = clock.monotonic();
  const total = connections.size;
  let done = 0;
  const step = (): void => {
    const fraction = Math.min(1, (clock.monotonic() - startedAt) / duration);
    // Clients that leave by themselves do not count: the others only stay longer.
    const due = Math.ceil(total * fraction) - done;
    // A copy, as disconnecting removes a connection from the set.
    for (const connection of connections.values().take(due).toArray()) {
      done++;
      disconnect(connection);
    }
    if (fraction === 1 || connections.size === 0) {
      cancel();
      resolve();
    }
  };
  const cancel = clock.every(STEP, step);
  if (connections.size === 0) step();
  return promise;
}
