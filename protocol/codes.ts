/** The codes of `error` frames. An invalid frame has no other consequence than its `error`. */
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
  "key_reused",
  "unsupported",
  "rate_limited",
  "unauthorized",
  "forbidden",
  "too_many_rooms",
  "internal",
] as const;

/** One of {@linkcode ERROR_CODES}. */
export type ErrorCode = (typeof ERROR_CODES)[number];

/** Whether the same request may succeed later, whatever else an error with this code says. */
export function isTemporary(code: unknown): boolean {
  return code === "rate_limited" || code === "internal";
}

/**
 * WebSocket close codes (RFC 6455 section 7.4). In the protocol's own range, clients reconnect after
 * 4000 to 4499, and do not after 4500 to 4999.
 */
export const CLOSE = {
  /** The client left. */
  normal: 1000,
  /** The hub is stopping; clients spread their reconnects. */
  goingAway: 1001,
  /** A binary frame: the protocol is text only. */
  unsupported: 1003,
  /** A frame over the limit; the reason gives the limit. */
  tooBig: 1009,
  /** An internal error of the hub. */
  internal: 1011,
  /** The hub is full. */
  tryLater: 1013,
  /** A `bcast.v1` client that did not send `hello` in time. */
  helloTimeout: 4002,
  /** The client reads too slowly and its outbox is full. It resumes from the log. */
  fellBehind: 4008,
  /** No answer to a ping. */
  noPong: 4010,
  /** The client kept exceeding the rate limit after `rate_limited`. */
  rateLimited: 4029,
  /** The token is missing, wrong or expired. */
  unauthorized: 4501,
  /** The session continues on a newer connection; a reconnect would take it from there. */
  replaced: 4502,
  /** Not allowed here (origin, ban, room). */
  forbidden: 4503,
} as const;

/** The longest close reason, in bytes: a control frame holds 125 with the code (RFC 6455 section 5.5). */
export const MAX_CLOSE_REASON_BYTES = 123;

/** Whether a client should reconnect after its connection was closed with `code`. */
export function shouldReconnect(code: number): boolean {
  if (code >= 4000) return code < 4500;
  return code !== CLOSE.normal && code !== CLOSE.unsupported && code !== CLOSE.tooBig;
}
