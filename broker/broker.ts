import type { Annotations, Content, Message, MessageKind } from "../protocol.ts";

/** A message before the log gives it an id and a time. */
export interface MessageDraft {
  readonly room: string;
  readonly sender: string;
  readonly content: Content;
  readonly kind?: MessageKind | undefined;
  readonly annotations?: Annotations | undefined;
  /** Identifies repeats; without it, every append is a new message. */
  readonly origin?: Origin | undefined;
  /** The local author, for listeners in the same process. Opaque to the broker, and not stored. */
  readonly author?: object | undefined;
  /**
   * Called once the message is stored, in the order of the batch and before any listener gets the
   * message. Not called for repeats and failures. Must not throw or append.
   */
  onStored?(message: Message, epoch: string): void;
}

/** Identifies a message of a room across repeats: a sender's own key for it. */
export interface Origin {
  /** Identifies the sender: the same across its connections and restarts of the hub. Opaque. */
  readonly sender: string;
  readonly key: string;
}

/** The outcome of appending one draft. */
export type Receipt =
  | { readonly kind: "stored"; readonly message: Message; readonly epoch: string }
  | {
    /** The same message was stored within the last `DEDUPE_MINUTES`, at this position. */
    readonly kind: "duplicate";
    readonly room: string;
    readonly id: number;
    readonly epoch: string;
    readonly timestamp: string;
  }
  | {
    /**
     * The room has another message with this origin from the last `DEDUPE_MINUTES`: text, data,
     * kind, format, `via` or an extension field differs. Nothing was stored.
     */
    readonly kind: "reused";
    readonly room: string;
    /** The id of the other message. */
    readonly id: number;
  }
  | {
    /** The whole batch failed. */
    readonly kind: "failed";
    /** The cause, for the hub's log. */
    readonly error: Error;
  };

/** The state of one room's log. */
export interface Head {
  /** Changes when ids may be reused; positions of another epoch are meaningless. */
  readonly epoch: string;
  /** The oldest id still kept; `last + 1` when the room is empty. */
  readonly first: number;
  /** The newest id, 0 before the first message. */
  readonly last: number;
}

/** A part of a room's log. Both bounds are exclusive. */
export interface Range {
  readonly after?: number | undefined;
  readonly before?: number | undefined;
  /** The maximum number of messages: the oldest in range if `after` is given, else the newest. */
  readonly limit: number;
}

/**
 * Receives each appended message once, in the order of the log, after it is stored.
 *
 * `drafts` are the objects passed to `append()`, one for each of `messages`, if this broker object
 * appended them.
 */
export type MessageListener = (
  messages: readonly Message[],
  drafts?: readonly MessageDraft[],
) => void;

/** Receives the duration of one append in milliseconds. Must not throw. */
export type AppendObserver = (milliseconds: number) => void;

/**
 * An ordered, durable log for each room. The hub appends to it and delivers what it emits, so the
 * broker alone decides the order of a room.
 *
 * A broker logs storage problems itself: once per problem, however many calls fail meanwhile.
 *
 * Every implementation passes the contract suite in `tests/broker/contract.ts`.
 */
export interface Broker extends AsyncDisposable {
  readonly retention: Retention;

  /**
   * Appends a batch in order, all of it or nothing, but without repeats: drafts whose room has a
   * message with the same origin. Calls never overtake each other: earlier calls
   * get smaller ids. Resolves after every listener has been called, once a crash of the process can
   * no longer lose the messages.
   *
   * Never rejects: a failure is a receipt of kind `failed`.
   */
  append(drafts: readonly MessageDraft[]): Promise<readonly Receipt[]>;

  /** Delivers everything appended from now on, until disposed. */
  subscribe(listener: MessageListener): Disposable;

  /**
   * Reports the duration of each append until disposed: without the time listeners take, and also
   * for appends that fail.
   */
  observeAppends(observer: AppendObserver): Disposable;

  /** The state of a room's log. A room without messages has an epoch but takes no storage. */
  head(room: string): Promise<Head>;

  /** Returns messages, oldest first. */
  read(room: string, range: Range): Promise<readonly Message[]>;

  /**
   * Full-text search: messages that contain every word of `query`, oldest first. A word ending in
   * `*` matches as a prefix. Anything in the query that is not a word is ignored, never an error.
   */
  search(room: string, query: string, range: Range): Promise<readonly Message[]>;

  /** The rooms that hold messages, sorted by name. */
  rooms(): Promise<readonly ({ readonly room: string } & Head)[]>;

  /** Deletes messages beyond the retention limits. Returns how many. */
  trim(): Promise<number>;

  /** Tests that the log can be written; rejects with the cause if not. */
  check(): Promise<void>;
}

/** Limits on what is kept of each room; the tighter one applies. */
export interface Retention {
  /** Per room. */
  readonly maxMessages: number;
  /** Milliseconds. */
  readonly maxAge: number;
}

export const DEFAULT_RETENTION: Retention = {
  maxMessages: 10_000,
  maxAge: 30 * 24 * 60 * 60 * 1000,
};

/** The log cannot be opened. The message names the file and says what to do. */
export class BrokerError extends Error {
  override readonly name = "BrokerError";
}
