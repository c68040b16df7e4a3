/** What an `error` frame says went wrong. A bad frame costs its sender nothing but this answer. */
export const ERROR_CODES = [
  "bad_json",
  "bad_frame",
  "unknown_type",
  "too_big",
  "bad_room",
  "bad_name",
  "name_taken",
  "not_in_room",
  "no_such_user",
  "rate_limited",
  "unauthorized",
  "forbidden",
  "too_many_rooms",
  "internal",
] as const;

/** One of {@linkcode ERROR_CODES}. */
export type ErrorCode = (typeof ERROR_CODES)[number];

/**
 * WebSocket close codes (RFC 6455 section 7.4). Those of the protocol's own range tell the client
 * what to do: 4000 to 4499 reconnect, 4500 to 4999 do not.
 */
export const CLOSE = {
  /** The client left. */
  normal: 1000,
  /** The hub is stopping; clients spread their return. */
  goingAway: 1001,
  /** A binary frame: the protocol is text only. */
  unsupported: 1003,
  /** A frame over the limit; the reason names the limit. */
  tooBig: 1009,
  /** A fault in the hub. */
  internal: 1011,
  /** The hub is full. */
  tryLater: 1013,
  /** A `bcast.v1` client that did not say `hello` in time. */
  helloTimeout: 4002,
  /** A slow consumer: its outbox is full. It resumes from the log. */
  fellBehind: 4008,
  /** No answer to a ping. */
  noPong: 4010,
  /** Kept sending over the rate after being told. */
  rateLimited: 4029,
  /** Token missing, wrong or expired. */
  unauthorized: 4501,
  /** The same session continues on a newer connection; coming back would take it from there. */
  replaced: 4502,
  /** Not allowed here (origin, ban, room). */
  forbidden: 4503,
} as const;

/** The longest close reason, in bytes of UTF-8: a control frame holds 125, two are the code (RFC 6455 section 5.5). */
export const MAX_CLOSE_REASON_BYTES = 123;

/** Whether a client whose connection ended with `code` should come back. */
export function shouldReconnect(code: number): boolean {
  if (code >= 4000) return code < 4500;
  return code !== CLOSE.normal && code !== CLOSE.unsupported && code !== CLOSE.tooBig;
}
