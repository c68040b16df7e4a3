import { type Clock, wallClock } from "../lib/clock.ts";

/** What a conversation needs of the world around it; tests and odd runtimes pass their own. */
export interface Environment {
  readonly clock: Clock;
  /** A number from 0 (included) to 1 (excluded), for the jitter of reconnecting. */
  readonly random: () => number;
  /** Opens a WebSocket. */
  readonly socket: (url: URL, protocol: string) => WebSocket;
  /** Asks a host over HTTP why it did not open the WebSocket. */
  readonly fetch: (url: URL, init: RequestInit) => Promise<Response>;
}

/** The real world. */
export const DEFAULT_ENVIRONMENT: Environment = {
  clock: wallClock,
  random: () => Math.random(),
  socket: (url, protocol) => new WebSocket(url, protocol),
  fetch: (url, init) => fetch(url, init),
};
