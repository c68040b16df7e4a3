/**
 * What travels between hub and clients, as `docs/protocol.md` describes it: types, parsing,
 * encoding, limits, codes. Pure: no I/O, no clock, nothing of Deno; the web page shares it.
 *
 * @module
 */

export * from "./protocol/codes.ts";
export type * from "./protocol/frames.ts";
export * from "./protocol/limits.ts";
export * from "./protocol/names.ts";
export type * from "./protocol/http_api.ts";
export {
  encode,
  parseClientFrame,
  type Parsed,
  type ParseError,
  parseFields,
  parseJson,
  splitBatch,
} from "./protocol/parse.ts";
export { plainFields, SENDER_PARAMETERS } from "./protocol/plain.ts";
export { parseHubFrame } from "./protocol/parse_hub.ts";
export { type Fields, isFields, isProgramId, missing } from "./protocol/fields.ts";
export { cutToBytes, fitsBytes, safeJson, visible } from "./protocol/text.ts";

/** The version of the program, told in `welcome` and by `bcast version`. */
export const VERSION = "0.1.0";

/** The port of a hub that was told none. */
export const DEFAULT_PORT = 8765;

/** The WebSocket subprotocols (RFC 6455 section 1.9) that the hub answers to. */
export const SUBPROTOCOL = {
  /** JSON objects, several a frame, joined by newlines; begins with `hello`. */
  v1: "bcast.v1",
  /** Lines of text both ways. */
  text: "bcast.text",
} as const;

/** Seconds that a `bcast.v1` client has to say `hello`. */
export const HELLO_TIMEOUT_SECONDS = 10;

/** Seconds that a name and its place in rooms wait for a client whose connection broke. */
export const GRACE_SECONDS = 10;

/**
 * Seconds after the start of a hub, or after a client's own return, in which others may still be on
 * their way back: a client waits for up to 20 seconds between two tries.
 */
export const RETURN_SECONDS = 30;

/** Minutes in which a repeated `ref` of one session is recognized as the same message. */
export const DEDUPE_MINUTES = 5;
