import type {
  Content,
  MessageKind,
  Program,
  Ref,
  RoomPosition,
  SenderAnnotations,
} from "./message.ts";

/** The first frame of a client: its name, token, session and rooms. */
export interface Hello {
  readonly type: "hello";
  /** The newest version of the protocol that the client speaks; default 1. */
  readonly protocol?: number;
  /** The client program, for the hub's log. */
  readonly client?: Program;
  /** The optional features that the client understands. */
  readonly features?: readonly string[];
  readonly sender?: string;
  readonly token?: string;
  /** The secret of an earlier `welcome`, to resume its session. */
  readonly session?: string;
  readonly rooms?: readonly RoomPosition[];
  /** Whether the client's own messages come back to it; default true. */
  readonly echo?: boolean;
  readonly ref?: Ref;
}

/** A message to a room. */
export type Publish =
  & {
    readonly type: "message";
    readonly room?: string;
    readonly sender?: string;
    readonly ref?: Ref;
    /** Makes a repeat safe: the hub stores one message for each key of a sender in a room. */
    readonly key?: string;
    readonly kind?: MessageKind;
  }
  & SenderAnnotations
  & Content;

/** A private message to all sessions with one name. */
export type DirectRequest =
  & { readonly type: "direct"; readonly to: string; readonly ref?: Ref; readonly key?: string }
  & SenderAnnotations
  & Content;

/** Joins a room. */
export interface Join extends RoomPosition {
  readonly type: "join";
  readonly ref?: Ref;
}

/** Leaves a room. */
export interface Leave {
  readonly type: "leave";
  readonly room: string;
  readonly ref?: Ref;
}

/** Changes the client's name. */
export interface Nick {
  readonly type: "nick";
  readonly name: string;
  readonly ref?: Ref;
}

/** Replaces the client's token before or after it expires. */
export interface TokenRequest {
  readonly type: "token";
  readonly token: string;
  readonly ref?: Ref;
}

/** Starts or ends a typing indicator. */
export interface TypingRequest {
  readonly type: "typing";
  readonly room: string;
  readonly active: boolean;
  readonly ref?: Ref;
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
export interface MembersRequest {
  readonly type: "members";
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
  | TokenRequest
  | TypingRequest
  | HistoryRequest
  | MembersRequest
  | Ping;
