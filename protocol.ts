/**
 * The protocol between hub and clients, as `docs/protocol.md` describes it: frame types, parsers,
 * limits and codes. Pure, without I/O or Deno, so it also runs in browsers.
 *
 * ```ts
 * import { encode, parseHubFrame } from "bcast/protocol";
 *
 * const hello = encode({ type: "hello", sender: "Alice" });
 * const parsed = parseHubFrame(`{"type":"pong"}`);
 * if (parsed.ok) console.log(parsed.frame.type);
 * ```
 *
 * @module
 */

export * from "./protocol/codes.ts";
export type * from "./protocol/frames.ts";
export * from "./protocol/limits.ts";
export * from "./protocol/names.ts";
export type * from "./protocol/http_api.ts";
export {
  type BadRoom,
  encode,
  parseClientFrame,
  type Parsed,
  type ParseError,
  parseFields,
  splitBatch,
} from "./protocol/parse.ts";
export { plainFields, SENDER_PARAMETERS, startsWithJson } from "./protocol/plain.ts";
export { type ParsedHub, type ParsedHubFrame, parseHubFrame } from "./protocol/parse_hub.ts";
export { isExtensionName } from "./protocol/extensions.ts";
export { isKey } from "./protocol/field_types.ts";
export { type Fields, isFields, isProgramId, missing, parseJson } from "./protocol/fields.ts";
export { cutToBytes, fitsBytes, safeJson, visible } from "./protocol/text.ts";

/** The default port of a hub. */
export const DEFAULT_PORT = 8765;

/** The WebSocket subprotocols (RFC 6455 section 1.9) that the hub supports. */
export const SUBPROTOCOL = {
  /** JSON objects, one or several per WebSocket message, joined by newlines; starts with `hello`. */
  v1: "bcast.v1",
  /** Lines of text in both directions. */
  text: "bcast.text",
} as const;

/** Seconds that a `bcast.v1` client has to send `hello`. */
export const HELLO_TIMEOUT_SECONDS = 10;

/** Seconds that a name and its rooms are reserved for a client whose connection broke. */
export const GRACE_SECONDS = 10;

/**
 * Seconds after the start of a hub, or after a client's own reconnect, in which others may still be
 * reconnecting: a client waits for up to 20 seconds between two tries.
 */
export const RETURN_SECONDS = 30;

/** Minutes for which the hub recognises a repeated `key` of a sender as the same message. */
export const DEDUPE_MINUTES = 5;
