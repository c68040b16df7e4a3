/**
 * Client for a bcast hub. It reconnects and resumes by itself: an async iterable of events, with
 * promises for requests. It uses only web APIs, so it also runs in browsers.
 *
 * ```ts
 * import { connect } from "bcast/client";
 *
 * await using connection = connect({ url: "ws://localhost:8765", sender: "Alice" });
 * await connection.send({ message: "hi" });
 * for await (const event of connection) {
 *   if (event.type === "message") console.log(event.sender, event.message);
 * }
 * ```
 *
 * @module
 */

import { HubConnection } from "./client/connection.ts";
import { DEFAULT_ENVIRONMENT, type Environment } from "./client/environment.ts";
import type { ClientConnection, ConnectOptions } from "./client/types.ts";
import { hubUrl } from "./client/url.ts";

export * from "./client/types.ts";
export { HubApi, type HubApiOptions } from "./client/api.ts";
export type { Cancel, Clock } from "./lib/clock.ts";
export type { Environment } from "./client/environment.ts";
export { type HubAddress, hubUrl, portIn, shownUrl } from "./client/url.ts";

/**
 * Connects to a hub. Returns at once; the result shows in the connection's events.
 *
 * @param environment replaces the clock, randomness or network of the runtime.
 * @throws {TypeError} when `options.url` is not an address of a hub, or a position has no epoch.
 */
export function connect(
  options: ConnectOptions,
  environment: Partial<Environment> = {},
): ClientConnection {
  const url = hubUrl({ url: String(options.url) });
  return new HubConnection(url, options, { ...DEFAULT_ENVIRONMENT, ...environment });
}
