/**
 * One conversation with a hub that reconnects and resumes: an iterable of events, and promises for
 * what is asked. Knows no terminal and nothing of Deno; it runs in a browser too.
 *
 * ```ts
 * import { connect } from "./client.ts";
 *
 * await using hub = connect({ url: "ws://localhost:8765", sender: "Alice" });
 * await hub.send({ message: "hi" });
 * for await (const event of hub) {
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
 * Starts a conversation. Returns at once; what becomes of it shows in its events.
 *
 * @param seams what to use in place of the machine's clock, randomness and network.
 * @throws {TypeError} when `options.url` is no address of a hub.
 */
export function connect(
  options: ConnectOptions,
  seams: Partial<Environment> = {},
): ClientConnection {
  const url = hubUrl({ url: String(options.url) });
  return new HubConnection(url, options, { ...DEFAULT_ENVIRONMENT, ...seams });
}
