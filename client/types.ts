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

/** How to reach a hub and as whom. */
export interface ConnectOptions {
  /** `ws://` or `wss://` address of the hub. */
  readonly url: string | URL;
  /** The wanted name; the hub may give a near one (`Alice-2`), or a guest's when absent. */
  readonly sender?: string;
  /**
   * What lets the client in; a function is asked at every connection, and again when the hub says
   * that the token has expired, so that a fresh one goes on where the old one ended.
   */
  readonly token?: string | (() => string | Promise<string>);
  /** Rooms to be in from the start, and where to go on reading; default: the hub's own default. */
  readonly rooms?: readonly RoomPosition[];
  /** Whether one's own messages come back as `message` events; default true. */
  readonly echo?: boolean;
  /** Goes on with an earlier session: its name, its directs, its `ref`s. */
  readonly session?: string;
  /** Whether a lost connection is taken up again; default true. */
  readonly reconnect?: boolean;
  /**
   * Whether the very first connection may fail and be tried again; default false: a hub that was
   * never reached is an error to tell at once.
   */
  readonly retryFirst?: boolean;
  /**
   * UTF-16 units of frames that may wait to be read. Beyond it the connection is given up, and taken
   * up again, where it stopped, as soon as everything was read; what is sent waits as long. Default:
   * no limit, for those who read as fast as it comes.
   */
  readonly maxUnread?: number;
  /** Closes the conversation as `close()` does. */
  readonly signal?: AbortSignal;
}

/** A message to send. */
export type OutgoingMessage = Content & SenderAnnotations & {
  /** Default: the first room joined. */
  readonly room?: string;
  readonly kind?: MessageKind;
  /**
   * The message's own mark, for one that may have to be sent again in a later conversation of the
   * same session: the hub keeps it once. At most 64 characters; default: one of the conversation's.
   */
  readonly ref?: string;
};

/** The connection is being made, for the first time or again. */
export interface Connecting {
  readonly type: "connecting";
  /** 1 for the first try since the conversation began or was last online. */
  readonly attempt: number;
}

/** The hub said `welcome`. Messages missed meanwhile follow as ordinary `message` events. */
export interface Online {
  readonly type: "online";
  readonly welcome: Welcome;
  /** Whether this is a return; false for the first time. */
  readonly reconnected: boolean;
  /** Messages that follow because they were missed, over all rooms. */
  readonly missed: number;
}

/** The connection is gone; the conversation tries again by itself. */
export interface Offline {
  readonly type: "offline";
  /** The WebSocket close code, 1006 for a connection that broke. */
  readonly code: number;
  /** A sentence for a person. */
  readonly reason: string;
  /** Milliseconds until the next try. */
  readonly retryIn: number;
}

/**
 * A room was entered (or entered again). Its `history` follows as ordinary `message` events, which
 * are what to print: this event is for its numbers.
 *
 * `recovered: false` after a return means that messages may be missing between the last one seen
 * and those that follow: the hub no longer had them, or began a new epoch.
 */
export interface RoomJoined extends Joined {
  readonly type: "joined";
  /** Whether the conversation had been in this room before. */
  readonly rejoined: boolean;
}

/** Everything that happens in a conversation, in order. */
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
  /** An error that answers no request. */
  | ErrorFrame;

/**
 * One conversation with a hub, over as many connections as it takes.
 *
 * Iterating yields the events from the start on, to one consumer; what was not yet read is kept.
 * Leaving the loop ends nothing: a later loop goes on where it stopped, `close()` says goodbye. Who
 * only sends and never reads should switch `echo` off, or the own messages pile up.
 *
 * The iteration ends when the conversation was closed, and throws {@linkcode ConnectError} when it
 * cannot go on (refused, never reached, reconnecting switched off).
 */
export interface ClientConnection extends AsyncIterable<ClientEvent>, AsyncDisposable {
  /** `connecting`, `online`, `offline` (waiting to try again) or `closed`. */
  readonly state: "connecting" | "online" | "offline" | "closed";
  /** The name the hub gave, once there is one. */
  readonly sender: string | undefined;
  /** The resume secret, once there is one. */
  readonly session: string | undefined;
  /** What the hub allows, once it said so. */
  readonly limits: Welcome["limits"] | undefined;
  /** Where reading stopped, room by room: what a later conversation passes as `rooms`. */
  readonly positions: readonly RoomPosition[];
  /** Messages not yet acked. */
  readonly pending: number;

  /**
   * Sends a message; offline, it waits. Resolves when the hub has it in its log.
   *
   * Messages reach the log in the order of the calls. One whose ack was lost is sent again under the
   * same `ref` and kept once, for as long as the hub remembers the session's `ref`s.
   *
   * @throws {RequestError} when the hub refuses it.
   * @throws {ConnectError} when the conversation ends before.
   */
  send(message: OutgoingMessage): Promise<Ack>;
  /**
   * Sends a private message; resolves with the hub's copy once it is delivered.
   *
   * The hub keeps no private messages and could not tell a repeat: one that was on its way when the
   * connection broke is not sent again. After an outage the receiver may come back later than this
   * client: the message then waits for up to 30 seconds, and later ones to the same person behind it.
   *
   * @throws {RequestError} when the hub refuses it, or the receiver did not come back.
   * @throws {ConnectError} `lost` when it may or may not have been delivered.
   */
  direct(to: string, content: Content & SenderAnnotations): Promise<Direct>;
  /** Enters a room; a `joined` event follows. */
  join(position: RoomPosition): void;
  /** Leaves a room; a `left` event follows. */
  leave(room: string): void;
  /**
   * Asks for another name: `sender` becomes it, and the rooms' `presence` events tell of it, or an
   * `error` event says why not.
   */
  nick(sender: string): void;
  /** Tells the room that one is (or no longer is) typing; nothing when offline. */
  typing(room: string, typing: boolean): void;
  /** A page of the past. */
  history(
    room: string,
    query?: {
      readonly before?: number;
      readonly after?: number;
      readonly limit?: number;
      readonly query?: string;
    },
  ): Promise<History>;
  /** Who is in a room. */
  who(room: string): Promise<Who>;
  /** A round trip to the hub. */
  ping(): Promise<Pong>;
  /**
   * Now is a good moment: the network is back, a phone was unlocked, somebody said "now". A wait
   * for the next try is over, and a connection that only looks alive is found out within seconds.
   */
  wake(): void;
  /** Waits until every message sent so far is acked or refused. */
  flush(): Promise<void>;
  /** Says goodbye (1000) and ends the iteration; what is not acked by then is rejected. */
  close(): Promise<void>;
}

/** Why a conversation could not begin or go on. */
export type ConnectFailure =
  /** Nothing listens there. */
  | "refused-connection"
  /** The host name is unknown. */
  | "unknown-host"
  /** Something answers, but no bcast hub. */
  | "not-a-hub"
  /** A hub that cannot do what was asked: it is too old, or has a fault. */
  | "unable"
  /** The hub says no: token, origin, ban. */
  | "refused"
  /** Connection limits, or the hub is stopping. */
  | "busy"
  /** The connection broke and is not taken up again, or took the answer with it. */
  | "lost"
  /** The conversation was closed with this still open. */
  | "closed"
  /** Certificates, time-outs and whatever else the network has. */
  | "network";

/** The conversation has ended; `message` is one line for a person that says what to do. */
export class ConnectError extends Error {
  override readonly name = "ConnectError";
  constructor(
    readonly failure: ConnectFailure,
    message: string,
    options?: ErrorOptions & { readonly code?: number },
  ) {
    super(message, options);
    this.code = options?.code;
  }
  /** The WebSocket close code or HTTP status, where there was one. */
  readonly code: number | undefined;
}

/** The hub answered a request with an error. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  constructor(readonly frame: ErrorFrame) {
    super(frame.message);
  }
  /** The protocol's code. */
  get code(): ErrorFrame["code"] {
    return this.frame.code;
  }
}
