/** What the hub allows a client; told in `welcome`, every one settable. */
export interface Limits {
  /** Bytes of UTF-8 of one object on the wire. */
  readonly maxMessageBytes: number;
  /** Rooms a connection may be in at once. */
  readonly maxRooms: number;
  /** Messages replayed on a join that names no position. */
  readonly replay: number;
  /** Frames per second a connection may send in the long run; 0 for no limit. */
  readonly rate: number;
  /** Frames a connection may send at once. */
  readonly burst: number;
}

/** The limits of a hub that was told nothing else. */
export const DEFAULT_LIMITS: Limits = {
  maxMessageBytes: 64 * 1024,
  maxRooms: 32,
  replay: 50,
  rate: 50,
  burst: 100,
};

/** Messages in one page of history when the request names no number. */
export const DEFAULT_HISTORY_PAGE = 50;

/** Messages in one page of history at most: bounds what one cheap request can make the hub read. */
export const MAX_HISTORY_PAGE = 500;

/** Members named in `joined` and `presence` at most; beyond it only counts travel, or joins would cost n². */
export const MAX_NAMED_MEMBERS = 100;

/** Objects in one `bcast.v1` frame, times the message limit: how large a batch may be. */
export const MAX_BATCH_MESSAGES = 16;

/**
 * Objects in one `bcast.v1` frame: the smallest ones in the largest frame, each answered, would keep
 * the hub busy with one client for seconds.
 */
export const MAX_BATCH_OBJECTS = 8192;

/** Levels of nesting in `data`: deep values exhaust the stack of whoever encodes them. */
export const MAX_DATA_DEPTH = 64;

/** Characters of a `ref`; long enough for a UUID. */
export const MAX_REF_LENGTH = 64;

/** Identifiers in the `via` of a message: programs that reacted to one another. */
export const MAX_VIA = 16;

/** Characters of a full-text query. */
export const MAX_QUERY_LENGTH = 256;

/** Characters of a secret (`token`, `session`); a large JWT has room. */
export const MAX_SECRET_LENGTH = 8 * 1024;
