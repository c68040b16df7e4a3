/** The hub's limits for a client, as in `welcome`. All can be configured. */
export interface Limits {
  /** The largest frame, in bytes of UTF-8. */
  readonly maxMessageBytes: number;
  /** Rooms a connection may be in at once. */
  readonly maxRooms: number;
  /** The largest WebSocket message of the hub, in bytes. */
  readonly maxFrameBytes: number;
  /** Messages sent on a join without a position. */
  readonly recent: number;
  /** Frames per second that a connection may send on average; 0 for no limit. */
  readonly rate: number;
  /** Frames a connection may send at once. */
  readonly burst: number;
  /** Seconds of silence after which the hub disconnects; 0 for never. */
  readonly heartbeat: number;
}

/** The largest WebSocket message of a hub with default limits, in bytes: what most libraries accept. */
const FRAME_BYTES = 1024 * 1024;

/**
 * The largest WebSocket message of a hub, in bytes, for a limit on messages. A message may grow when
 * it is encoded again, above all by long numbers.
 */
export function maxFrameBytes(maxMessageBytes: number): number {
  return Math.max(FRAME_BYTES, 6 * maxMessageBytes + 8192);
}

export const DEFAULT_LIMITS: Limits = {
  maxMessageBytes: 64 * 1024,
  maxRooms: 32,
  maxFrameBytes: FRAME_BYTES,
  recent: 50,
  rate: 50,
  burst: 100,
  heartbeat: 35,
};

/** Messages in one page of history by default. */
export const DEFAULT_HISTORY_PAGE = 50;

/** The most messages in one page of history: bounds the work for one cheap request. */
export const MAX_HISTORY_PAGE = 500;

/** The most members listed in `joined` and `presence`; larger rooms send counts, as joins would cost n². */
export const MAX_NAMED_MEMBERS = 100;

/** The largest WebSocket message of `bcast.v1`, as a multiple of the message limit. */
export const MAX_BATCH_MESSAGES = 16;

/**
 * The most frames in one WebSocket message of `bcast.v1`: many tiny ones, each answered, would keep
 * the hub busy with one client for seconds.
 */
export const MAX_BATCH_OBJECTS = 8192;

/** Levels of nesting in `data`: encoding deeper values could exhaust the stack. */
export const MAX_DATA_DEPTH = 64;

/** The longest `ref` or `key`, in characters; enough for a UUID. */
export const MAX_REF_LENGTH = 64;

/** The most missed messages that a client can ask for on joining with `max`. */
export const MAX_MISSED = 10_000;

/** The most names in `features`. */
export const MAX_FEATURES = 64;

/** The longest name of a feature, kind or extension field, in characters. */
export const MAX_EXTENSION_NAME = 64;

/** All extension fields of a message together, in bytes of JSON. */
export const MAX_EXTENSION_LENGTH = 4096;

/** The most identifiers in the `via` of a message. */
export const MAX_VIA = 16;

/** The longest full-text query, in characters. */
export const MAX_QUERY_LENGTH = 256;

/** The longest secret (`token`, `session`), in characters; enough for a large JWT. */
export const MAX_SECRET_LENGTH = 8 * 1024;
