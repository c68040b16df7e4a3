import type { ErrorCode } from "./codes.ts";
import type { Limits } from "./limits.ts";

/** Identifies a request of a client; the hub's answer has the same value. */
export type Ref = string | number;

/** The content of a message: text, any JSON, or both. */
export type Content =
  | { readonly message: string; readonly data?: unknown }
  | { readonly message?: never; readonly data: unknown };

/** `action`: sent with `/me`. */
export type MessageKind = "action";

/** `markdown`: typed by a user in a chat client. Without a format, text is literal. */
export type TextFormat = "markdown";

/** Optional annotations that a sender sets. */
export interface SenderAnnotations {
  readonly format?: TextFormat;
  /**
   * The programs that reacted to a message and so caused this one, oldest first; a program that
   * finds itself here does not react again. At most `MAX_VIA` identifiers.
   */
  readonly via?: readonly string[];
}

/** All annotations of a message. */
export interface Annotations extends SenderAnnotations {
  /** A token proves the sender's name. Set only by the hub. */
  readonly verified?: true;
}

/** A room to join, with the position to resume from or the history to start with. */
export interface RoomPosition {
  readonly room: string;
  /** The epoch that `after` belongs to. */
  readonly epoch?: string;
  /** The last `id` received; the hub sends everything after it. */
  readonly after?: number;
  /** The number of older messages to send if there is no position. */
  readonly history?: number;
}

/** The first frame of a client: its name, token, session and rooms. */
export interface Hello {
  readonly type: "hello";
  readonly sender?: string;
  readonly token?: string;
  /** The secret of an earlier `welcome`, to resume its session. */
  readonly session?: string;
  readonly rooms?: readonly RoomPosition[];
  /** Whether the client's own messages come back to it; default true. */
  readonly echo?: boolean;
}

/** A message to a room. */
export type Publish =
  & {
    readonly type: "message";
    readonly room?: string;
    readonly sender?: string;
    readonly ref?: Ref;
    readonly kind?: MessageKind;
  }
  & SenderAnnotations
  & Content;

/** A private message to all sessions with one name. */
export type DirectRequest =
  & { readonly type: "direct"; readonly to: string; readonly ref?: Ref }
  & SenderAnnotations
  & Content;

/** Joins a room. */
export interface Join extends RoomPosition {
  readonly type: "join";
}

/** Leaves a room. */
export interface Leave {
  readonly type: "leave";
  readonly room: string;
}

/** Changes the client's name. */
export interface Nick {
  readonly type: "nick";
  readonly sender: string;
}

/** Starts or ends a typing indicator. */
export interface TypingRequest {
  readonly type: "typing";
  readonly room: string;
  readonly typing: boolean;
}

/** Requests stored messages: the newest, those before or after an id, or those that match a query. */
export interface HistoryRequest {
  readonly type: "history";
  readonly room: string;
  readonly before?: number;
  readonly after?: number;
  readonly limit?: number;
  readonly query?: string;
  readonly ref?: Ref;
}

/** Requests the members of a room. */
export interface WhoRequest {
  readonly type: "who";
  readonly room: string;
  readonly ref?: Ref;
}

/** An application-level ping. */
export interface Ping {
  readonly type: "ping";
  readonly ref?: Ref;
}

/** Any frame that a client may send. */
export type ClientFrame =
  | Hello
  | Publish
  | DirectRequest
  | Join
  | Leave
  | Nick
  | TypingRequest
  | HistoryRequest
  | WhoRequest
  | Ping;

/** A stored message of a room, the same for all clients. */
export type Message =
  & {
    readonly type: "message";
    readonly room: string;
    /** 1, 2, 3 … per room and epoch, without holes. */
    readonly id: number;
    readonly sender: string;
    /** ISO 8601 UTC with milliseconds, set by the hub. */
    readonly timestamp: string;
    readonly kind?: MessageKind;
  }
  & Annotations
  & Content;

/** The state of a room when the client joined it. */
export interface Joined {
  readonly room: string;
  readonly epoch: string;
  /** The newest `id` of the room; 0 if it has no messages. */
  readonly last: number;
  /** Whether `history` continues exactly at the client's position. */
  readonly recovered: boolean;
  readonly online: number;
  /** Absent for large rooms. */
  readonly members?: readonly string[];
  readonly history: readonly Message[];
}

/** The first frame of the hub. */
export interface Welcome {
  readonly type: "welcome";
  readonly sender: string;
  /** The secret with which a later `hello` resumes the session. */
  readonly session: string;
  readonly server: { readonly name: string; readonly version: string };
  readonly limits: Limits;
  readonly rooms: readonly Joined[];
}

/** The answer to `join`. */
export interface JoinedFrame extends Joined {
  readonly type: "joined";
}

/** The answer to `leave`, or a notice that the client was removed from the room. */
export interface Left {
  readonly type: "left";
  readonly room: string;
}

/** Confirms that the message with this `ref` is stored. */
export interface Ack {
  readonly type: "ack";
  readonly ref: Ref;
  readonly room: string;
  readonly id: number;
  readonly timestamp: string;
  /** The message was already stored: this was a repeat. */
  readonly duplicate?: true;
}

/** A private message. */
export type Direct =
  & {
    readonly type: "direct";
    readonly sender: string;
    readonly to: string;
    readonly timestamp: string;
    readonly ref?: Ref;
  }
  & Annotations
  & Content;

/** Changes of a room's members since the last such frame. */
export interface Presence {
  readonly type: "presence";
  readonly room: string;
  readonly online: number;
  readonly joined?: readonly string[];
  readonly left?: readonly string[];
  readonly renamed?: readonly { readonly from: string; readonly to: string }[];
}

/** A member started or stopped typing. */
export interface Typing {
  readonly type: "typing";
  readonly room: string;
  readonly sender: string;
  readonly typing: boolean;
}

/** The subject of a `system` frame. */
export type SystemEvent =
  | "join"
  | "leave"
  | "rename"
  | "presence"
  | "shutdown"
  | "notice"
  /** From the hub's operator. */
  | "announcement";

/** A sentence for the user. */
export interface System {
  readonly type: "system";
  readonly message: string;
  readonly timestamp: string;
  readonly event: SystemEvent;
  readonly room?: string;
  readonly online?: number;
}

/** A page of stored messages, oldest first. */
export interface History {
  readonly type: "history";
  readonly room: string;
  readonly messages: readonly Message[];
  /** Whether there are more in the requested direction. */
  readonly more: boolean;
  readonly ref?: Ref;
}

/** The members of a room; `members` is cut off at the hub's limit. */
export interface Who {
  readonly type: "who";
  readonly room: string;
  readonly online: number;
  readonly members: readonly string[];
  readonly ref?: Ref;
}

/** The answer to `ping`. */
export interface Pong {
  readonly type: "pong";
  readonly ref?: Ref;
}

/** Says why a request failed, and what to do. */
export interface ErrorFrame {
  readonly type: "error";
  readonly code: ErrorCode;
  readonly message: string;
  readonly ref?: Ref;
  /** Seconds to wait before a retry. */
  readonly retryAfter?: number;
}

/** Any frame that a hub may send. */
export type HubFrame =
  | Welcome
  | JoinedFrame
  | Left
  | Message
  | Ack
  | Direct
  | Presence
  | Typing
  | System
  | History
  | Who
  | Pong
  | ErrorFrame;
