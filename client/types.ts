import type {
  Ack,
  Content,
  Direct,
  ErrorFrame,
  History,
  Joined,
  Left,
  Live,
  Members,
  Message,
  MessageKind,
  Pong,
  Presence,
  Program,
  Renamed,
  RoomPosition,
  SenderAnnotations,
  System,
  Typing,
  Welcome,
} from "../protocol.ts";

/** Where to connect, and as which user. */
export interface ConnectOptions {
  /** The address of the hub: `ws://` or `wss://`. */
  readonly url: string | URL;
  /** The wanted name. The hub may change it (`Alice-2`), or assign a guest name if there is none. */
  readonly sender?: string | undefined;
  /**
   * The token for authentication. A function is called for every connection, and again when the hub
   * reports that the token has expired, so that a new one can replace it without a reconnect.
   */
  readonly token?: string | (() => string | Promise<string>) | undefined;
  /** Rooms to join, each with an optional position to resume from. Default: the hub's own. */
  readonly rooms?: readonly RoomPosition[] | undefined;
  /** Whether the client's own messages come back as `message` events; default true. */
  readonly echo?: boolean | undefined;
  /** The program, for the hub's log. */
  readonly client?: Program | undefined;
  /** A session to resume, with its name and its waiting private messages. */
  readonly session?: string | undefined;
  /** Whether to reconnect after a connection was lost; default true. */
  readonly reconnect?: boolean | undefined;
  /** Whether to retry if the hub cannot be reached at first; default false. */
  readonly retryFirst?: boolean | undefined;
  /**
   * UTF-16 units of frames that may wait to be read. Above it, the client disconnects, and resumes
   * as soon as everything was read; messages to send wait meanwhile. Default: no limit.
   */
  readonly maxUnread?: number | undefined;
  /** Closes the connection, as `close()` does. */
  readonly signal?: AbortSignal | undefined;
}

/** A message to send. */
export type OutgoingMessage = Content & SenderAnnotations & {
  /** Default: the first room joined. */
  readonly room?: string | undefined;
  readonly kind?: MessageKind | undefined;
  /**
   * Makes a repeat safe: 1 to 64 visible ASCII characters. Set it to be able to resend a message in a
   * later connection of the same account or session: the hub stores it once. Default: unique.
   */
  readonly key?: string | undefined;
};

/** The client tries to connect or reconnect. */
export interface Connecting {
  readonly type: "connecting";
  /** 1 for the first try since `connect()` or since the client was last online. */
  readonly attempt: number;
}

/** The client is connected. Messages missed while offline follow as `message` events. */
export interface Online {
  readonly type: "online";
  readonly welcome: Welcome;
  /** Whether the client was online before. */
  readonly reconnected: boolean;
}

/** The connection was lost, or could not be made. The client will reconnect. */
export interface Offline {
  readonly type: "offline";
  /** The WebSocket close code; 1006 if there was none. */
  readonly code: number;
  /** A sentence for the user. */
  readonly reason: string;
  /** Milliseconds until the next try. */
  readonly retryIn: number;
}

/**
 * The client joined a room, or rejoined it after a reconnect. Its `messages` follow as `message`
 * events, so there is no need to show them from here; `live` follows when the client has caught up.
 *
 * If `rejoined` is true and `recovered` false, messages may be missing: the hub no longer stored
 * all that came after the last one received, or started a new epoch.
 */
export interface RoomJoined extends Omit<Joined, "messages"> {
  readonly type: "joined";
  /** The first page, without what was received before and what this version cannot show. */
  readonly messages: readonly Message[];
  readonly rejoined: boolean;
  /** The number of messages since the last one received, in all pages. */
  readonly missed: number;
}

/** A page of stored messages, oldest first. */
export interface HistoryPage extends Omit<History, "messages"> {
  /** Without entries that this version cannot show. */
  readonly messages: readonly Message[];
  /** The first id of the page, also if its entry is not among `messages`; absent if it is empty. */
  readonly oldest?: number;
  /** The last id of the page. */
  readonly newest?: number;
}

/** Everything that happens on a connection, in order. */
export type ClientEvent =
  | Connecting
  | Online
  | Offline
  | RoomJoined
  | Live
  | Left
  | Message
  | Direct
  | Presence
  /** `sender` has changed. */
  | Renamed
  | Typing
  | System
  /** An error that belongs to no request. */
  | ErrorFrame;

/**
 * A connection to a hub that reconnects and resumes by itself.
 *
 * Iterate it for its events: one consumer gets all of them, from the start on. Leaving the loop does
 * not close the connection; a later loop continues with the unread events. A program that sends but
 * never reads should set `echo: false`, or its own messages pile up unread.
 *
 * The iteration ends after `close()`. It throws {@linkcode ConnectError} if the client cannot
 * reconnect: rejected, never reached, or `reconnect: false`.
 */
export interface ClientConnection extends AsyncIterable<ClientEvent>, AsyncDisposable {
  /** `offline` means waiting to reconnect. */
  readonly state: "connecting" | "online" | "offline" | "closed";
  /** The client's name, once online. */
  readonly sender: string | undefined;
  /** The secret with which a later connection can resume this session, once online. */
  readonly session: string | undefined;
  /** The hub's limits, once online. */
  readonly limits: Welcome["limits"] | undefined;
  /** The rooms with the last id received in each: a later connection resumes there with `rooms`. */
  readonly positions: readonly RoomPosition[];
  /** Messages not yet acked. */
  readonly pending: number;

  /**
   * Sends a message, after the reconnect if offline. Resolves when the hub has stored it.
   *
   * Messages are stored in the order of the calls. If an ack was lost, the client resends the message
   * with the same `key`, and the hub stores it once.
   *
   * @throws {RequestError} when the hub refuses it.
   * @throws {ConnectError} when the connection is closed before.
   */
  send(message: OutgoingMessage): Promise<Ack>;
  /**
   * Sends a private message. Resolves with the hub's copy when it was delivered.
   *
   * The hub remembers the keys of private messages only in memory. One that was in flight when the
   * connection broke is resent if the session continues; otherwise it fails with `lost`. After an
   * outage the receiver may reconnect later than this client: the message, and later ones to the same
   * receiver, then wait for up to 30 seconds.
   *
   * @throws {RequestError} when the hub refuses it, or the receiver did not reconnect.
   * @throws {ConnectError} `lost` when it may or may not have been delivered.
   */
  direct(to: string, content: Content & SenderAnnotations): Promise<Direct>;
  /** Joins a room; a `joined` event follows. */
  join(position: RoomPosition): void;
  /** Leaves a room; a `left` event follows. */
  leave(room: string): void;
  /**
   * Changes the name. On success `sender` changes and `presence` events report it, else an `error`
   * event follows.
   */
  nick(name: string): void;
  /** Starts or stops a typing indicator; does nothing when offline. */
  typing(room: string, active: boolean): void;
  /** Reads a page of stored messages; by default the newest. */
  history(
    room: string,
    query?: {
      readonly before?: number;
      readonly after?: number;
      readonly limit?: number;
      readonly query?: string;
    },
  ): Promise<HistoryPage>;
  /** Lists the members of a room. */
  members(room: string): Promise<Members>;
  /** A round trip to the hub. */
  ping(): Promise<Pong>;
  /**
   * Reconnects now instead of waiting, and checks within seconds whether a connection that looks
   * alive is. Call it when the network or the user returns.
   */
  wake(): void;
  /** Waits until every message sent so far is acked or refused. */
  flush(): Promise<void>;
  /** Disconnects (1000) and ends the iteration; unacknowledged messages are rejected. */
  close(): Promise<void>;
}

/** Why the client could not connect or reconnect. */
export type ConnectFailure =
  /** Nothing listens at the address. */
  | "connection-refused"
  /** The host name is unknown. */
  | "unknown-host"
  /** Something answers, but no bcast hub. */
  | "not-a-hub"
  /** The hub cannot do what was requested: it is too old, or has an internal error. */
  | "unsupported"
  /** The hub rejected the client: token, origin or ban. */
  | "rejected"
  /** Connection limits, or the hub is stopping. */
  | "busy"
  /** The connection broke, and the client did not reconnect or could not repeat the request. */
  | "lost"
  /** The connection was closed before the answer. */
  | "closed"
  /** Certificates, timeouts and other network problems. */
  | "network";

/** The connection has failed; `message` is one line for the user that says what to do. */
export class ConnectError extends Error {
  override readonly name = "ConnectError";
  constructor(
    readonly failure: ConnectFailure,
    message: string,
    options?: ErrorOptions & { readonly code?: number | undefined },
  ) {
    super(message, options);
    this.code = options?.code;
  }
  /** The WebSocket close code or HTTP status, if there was one. */
  readonly code: number | undefined;
}

/** The hub answered a request with an error. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  constructor(readonly frame: ErrorFrame) {
    super(frame.message);
  }
  /** The error code of the protocol. */
  get code(): ErrorFrame["code"] {
    return this.frame.code;
  }
}
