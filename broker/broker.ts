import type { Annotations, Content, Message, MessageKind } from "../protocol.ts";

/** A message on its way into the log: what the hub knows before there is an id. */
export interface MessageDraft {
  readonly room: string;
  readonly sender: string;
  readonly content: Content;
  readonly kind?: MessageKind;
  readonly annotations?: Annotations;
  /** Where a retry would come from; without it, every append is a new message. */
  readonly origin?: Origin;
}

/** Makes a retry recognizable: one session's own mark for one message. */
export interface Origin {
  /** Names the session for as long as its secret lives, across connections and restarts of the hub. */
  readonly session: string;
  readonly ref: string;
}

/** What became of a draft. */
export type Receipt =
  | { readonly kind: "stored"; readonly message: Message }
  | {
    /** The same origin was stored within the last `DEDUPE_MINUTES`: this is where. */
    readonly kind: "duplicate";
    readonly room: string;
    readonly id: number;
    readonly timestamp: string;
  }
  | {
    /** Nothing of the batch was kept. */
    readonly kind: "failed";
    /** What was wrong, for the hub's log. */
    readonly error: Error;
  };

/** The state of one room's log. */
export interface Head {
  /** Names this life of the numbering; positions of another epoch mean nothing. */
  readonly epoch: string;
  /** The oldest id still kept; `last + 1` when nothing is. */
  readonly first: number;
  /** The newest id, 0 before the first message. */
  readonly last: number;
}

/** Which part of a room's log is wanted. Both bounds are exclusive. */
export interface Range {
  readonly after?: number;
  readonly before?: number;
  /** Messages at most: the oldest of the range when `after` is given, else the newest. */
  readonly limit: number;
}

/**
 * Receives what was appended: in the order of the log, after it is kept, each message once.
 *
 * `drafts` are the very objects given to `append`, one for each of `messages`, when it was this
 * broker object that appended them.
 */
export type MessageListener = (
  messages: readonly Message[],
  drafts?: readonly MessageDraft[],
) => void;

/** Receives the duration of one append in milliseconds. It must not throw. */
export type AppendObserver = (milliseconds: number) => void;

/**
 * An ordered, durable log per room. The hub publishes into it and delivers what comes out of it, so
 * that the order of a room is the broker's alone.
 *
 * It tells the operator itself what keeps it from being written: once for each trouble, however many
 * calls fail meanwhile.
 *
 * Every implementation passes the contract suite in `tests/broker/contract.ts`.
 */
export interface Broker extends AsyncDisposable {
  /** How much is kept. */
  readonly retention: Retention;

  /**
   * Appends a batch, all of it or nothing, in order. Calls overtake each other never: what was
   * appended first gets the smaller ids. The listeners have the messages before the promise
   * resolves, and it resolves only when a crash of the process can no longer lose them.
   *
   * Never rejects: what could not be kept is a receipt of kind `failed`.
   */
  append(drafts: readonly MessageDraft[]): Promise<readonly Receipt[]>;

  /** Delivers everything appended from now on, until disposed. */
  subscribe(listener: MessageListener): Disposable;

  /**
   * Reports how many milliseconds each append took, listeners not included and failures included,
   * until disposed.
   */
  observeAppends(observer: AppendObserver): Disposable;

  /** Where the log of a room stands. A room that nobody wrote to has an epoch too, but costs no storage. */
  head(room: string): Promise<Head>;

  /** Reads messages, oldest first. */
  read(room: string, range: Range): Promise<readonly Message[]>;

  /**
   * Full-text search: messages that hold every word of `query` (a word ending in `*` matches as a
   * prefix), oldest first. What is not a word in the query is passed over; it is never an error.
   */
  search(room: string, query: string, range: Range): Promise<readonly Message[]>;

  /** The rooms that hold messages, by name. */
  rooms(): Promise<readonly ({ readonly room: string } & Head)[]>;

  /** Drops what retention no longer keeps. Returns the number of messages dropped. */
  trim(): Promise<number>;

  /** Writes to the log as an append does, without a message; rejects with what stands in the way. */
  check(): Promise<void>;
}

/** How much of each room is kept: whatever is less. */
export interface Retention {
  /** Messages a room. */
  readonly maxMessages: number;
  /** Milliseconds. */
  readonly maxAge: number;
}

/** 10,000 messages and 30 days. */
export const DEFAULT_RETENTION: Retention = {
  maxMessages: 10_000,
  maxAge: 30 * 24 * 60 * 60 * 1000,
};

/** The log cannot be opened; the message names the file and says what to do. */
export class BrokerError extends Error {
  override readonly name = "BrokerError";
}
