import { type Clock, wallClock } from "../lib/clock.ts";

/** The functions of the runtime that the client uses; tests and other runtimes pass their own. */
export interface Environment {
  readonly clock: Clock;
  /** A number from 0 (included) to 1 (excluded), for the jitter of reconnecting. */
  readonly random: () => number;
  /** Opens a WebSocket with a subprotocol. */
  readonly socket: (url: URL, protocol: string) => WebSocket;
  /** Asks a host over HTTP why it opened no WebSocket. */
  readonly fetch: (url: URL, init: RequestInit) => Promise<Response>;
}

export const DEFAULT_ENVIRONMENT: Environment = {
  clock: wallClock,
  random: () => Math.random(),
  socket: (url, protocol) => new WebSocket(url, protocol),
  fetch: (url, init) => fetch(url, init),
};
