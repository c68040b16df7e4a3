import type {
  Ack,
  Content,
  Direct,
  ErrorFrame,
  History,
  Joined,
  Left,
  Message,
  MessageKind,
  Pong,
  Presence,
  RoomPosition,
  SenderAnnotations,
  System,
  Typing,
  Welcome,
  Who,
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
  /** A session to resume, with its name, private messages and `ref`s. */
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
   * Identifies the message in its session, at most 64 characters. Set it to be able to resend a
   * message in a later connection with the same session: the hub stores it once. Default: unique.
   */
  readonly ref?: string | undefined;
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
  /** The number of missed messages that follow, in all rooms. */
  readonly missed: number;
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
 * The client joined a room, or rejoined it after a reconnect. Its `history` follows as `message`
 * events, so there is no need to show it from here.
 *
 * If `rejoined` is true and `recovered` false, messages may be missing: the hub no longer stored
 * all that came after the last one received, or started a new epoch.
 */
export interface RoomJoined extends Joined {
  readonly type: "joined";

  readonly rejoined: boolean;
}

/** Everything that happens on a connection, in order. */
export type ClientEvent =
  | Connecting
  | Online
  | Offline
  | RoomJoined
  | Left
  | Message
  | Direct
  | Presence
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
  /** The last message received in each room: a later connection resumes from there with `rooms`. */
  readonly positions: readonly RoomPosition[];
  /** Messages not yet acked. */
  readonly pending: number;

  /**
   * Sends a message, after the reconnect if offline. Resolves when the hub has stored it.
   *
   * Messages are stored in the order of the calls. If an ack was lost, the client resends the message
   * with the same `ref`, and the hub stores it once.
   *
   * @throws {RequestError} when the hub refuses it.
   * @throws {ConnectError} when the connection is closed before.
   */
  send(message: OutgoingMessage): Promise<Ack>;
  /**
   * Sends a private message. Resolves with the hub's copy when it was delivered.
   *
   * The hub stores no private messages and cannot recognise a repeat, so one that was in flight when
   * the connection broke is not resent. After an outage the receiver may reconnect later than this
   * client: the message, and later ones to the same receiver, then wait for up to 30 seconds.
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
  nick(sender: string): void;
  /** Starts or stops a typing indicator; does nothing when offline. */
  typing(room: string, typing: boolean): void;
  /** Reads a page of stored messages; by default the newest. */
  history(
    room: string,
    query?: {
      readonly before?: number;
      readonly after?: number;
      readonly limit?: number;
      readonly query?: string;
    },
  ): Promise<History>;
  /** Lists the members of a room. */
  who(room: string): Promise<Who>;
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
  | "refused-connection"
  /** The host name is unknown. */
  | "unknown-host"
  /** Something answers, but no bcast hub. */
  | "not-a-hub"
  /** The hub cannot do what was requested: it is too old, or has an internal error. */
  | "unable"
  /** The hub rejected the client: token, origin or ban. */
  | "refused"
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
