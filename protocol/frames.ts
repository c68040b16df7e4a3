import type { ErrorCode } from "./codes.ts";
import type { Limits } from "./limits.ts";

/** What a client calls one of its requests; the hub's answer carries the same value. */
export type Ref = string | number;

/** What a message carries: text, any JSON, or both. */
export type Content =
  | { readonly message: string; readonly data?: unknown }
  | { readonly message?: never; readonly data: unknown };

/** `action` is what `/me` says. */
export type MessageKind = "action";

/** `markdown`: a person typed the text in a chat client. Without a format, text is literal. */
export type TextFormat = "markdown";

/** What a sender may say about a message beside its content. */
export interface SenderAnnotations {
  readonly format?: TextFormat;
  /**
   * The programs that reacted to a message and so caused this one, oldest first; a program that
   * finds itself here does not react again. At most `MAX_VIA` identifiers.
   */
  readonly via?: readonly string[];
}

/** What is known of a message beside its content. */
export interface Annotations extends SenderAnnotations {
  /** A token proved that the sender has this name. Set by the hub alone. */
  readonly verified?: true;
}

/** How many messages before the newest a join wants, and from where it goes on. */
export interface RoomPosition {
  readonly room: string;
  /** The life of the room's numbering that `after` belongs to. */
  readonly epoch?: string;
  /** The last `id` seen; everything above it is wanted. */
  readonly after?: number;
  /** Messages of history wanted when there is no position to go on from. */
  readonly history?: number;
}

/** Who the client is and where it stopped reading. */
export interface Hello {
  readonly type: "hello";
  readonly sender?: string;
  readonly token?: string;
  /** The resume secret of an earlier `welcome`. */
  readonly session?: string;
  readonly rooms?: readonly RoomPosition[];
  /** Whether its own messages come back to it; default true. */
  readonly echo?: boolean;
}

/** A message for everybody in a room. */
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

/** A private message to all sessions of one name. */
export type DirectRequest =
  & { readonly type: "direct"; readonly to: string; readonly ref?: Ref }
  & SenderAnnotations
  & Content;

/** Starts listening to a room. */
export interface Join extends RoomPosition {
  readonly type: "join";
}

/** Stops listening to a room. */
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

/** Reads the past: the newest page, the page before or after an id, or the pages that match a query. */
export interface HistoryRequest {
  readonly type: "history";
  readonly room: string;
  readonly before?: number;
  readonly after?: number;
  readonly limit?: number;
  readonly query?: string;
  readonly ref?: Ref;
}

/** Asks who is in a room. */
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

/** Everything a client may send. */
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

/** A message of a room's log, the same for everyone. */
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

/** A room as one finds it on joining. */
export interface Joined {
  readonly room: string;
  readonly epoch: string;
  /** The newest `id` of the room, 0 when it has none. */
  readonly last: number;
  /** Whether `history` goes on exactly where the client said it had stopped. */
  readonly recovered: boolean;
  readonly online: number;
  /** Absent when the room is large. */
  readonly members?: readonly string[];
  readonly history: readonly Message[];
}

/** The first frame that any client gets. */
export interface Welcome {
  readonly type: "welcome";
  readonly sender: string;
  /** The secret with which a later `hello` resumes this session. */
  readonly session: string;
  readonly server: { readonly name: string; readonly version: string };
  readonly limits: Limits;
  readonly rooms: readonly Joined[];
}

/** The answer to `join`. */
export interface JoinedFrame extends Joined {
  readonly type: "joined";
}

/** The answer to `leave`, or the news that the room was left for the client. */
export interface Left {
  readonly type: "left";
  readonly room: string;
}

/** The message with this `ref` is in the log. */
export interface Ack {
  readonly type: "ack";
  readonly ref: Ref;
  readonly room: string;
  readonly id: number;
  readonly timestamp: string;
  /** It was there already: this was a repeat. */
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

/** Who came, went or changed names in a room since the last such frame. */
export interface Presence {
  readonly type: "presence";
  readonly room: string;
  readonly online: number;
  readonly joined?: readonly string[];
  readonly left?: readonly string[];
  readonly renamed?: readonly { readonly from: string; readonly to: string }[];
}

/** Somebody started or stopped typing. */
export interface Typing {
  readonly type: "typing";
  readonly room: string;
  readonly sender: string;
  readonly typing: boolean;
}

/** What a `system` sentence is about. */
export type SystemEvent =
  | "join"
  | "leave"
  | "rename"
  | "presence"
  | "shutdown"
  | "notice"
  /** What the hub's operator has to say. */
  | "announcement";

/** A sentence that a person can read. */
export interface System {
  readonly type: "system";
  readonly message: string;
  readonly timestamp: string;
  readonly event: SystemEvent;
  readonly room?: string;
  readonly online?: number;
}

/** A page of the past, oldest first. */
export interface History {
  readonly type: "history";
  readonly room: string;
  readonly messages: readonly Message[];
  /** Whether there is more in the direction that was asked for. */
  readonly more: boolean;
  readonly ref?: Ref;
}

/** Who is in a room; `members` holds at most as many as the hub is willing to name. */
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

/** What was wrong with a frame, and what to do. */
export interface ErrorFrame {
  readonly type: "error";
  readonly code: ErrorCode;
  readonly message: string;
  readonly ref?: Ref;
  /** Seconds after which trying again makes sense. */
  readonly retryAfter?: number;
}

/** Everything a hub may send. */
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
