import type { ErrorCode } from "./codes.ts";
import type { Limits } from "./limits.ts";

import type { ClientFrame } from "./client_frames.ts";
import type { Annotations, Content, MessageKind, Program, Ref } from "./message.ts";

export type * from "./client_frames.ts";
export type * from "./message.ts";

/** The place of an entry in the log of a room. */
export interface EntryPosition {
  readonly room: string;
  /** 1, 2, 3 … per room and epoch, without holes. */
  readonly id: number;
  /** The `id` of the entry before it in the reader's view; absent: `id - 1`. */
  readonly prev?: number;
}

/**
 * An entry of the log that this version cannot show: it only advances the position. Never on the
 * wire: the parser returns it for frames and entries of later versions.
 */
export interface SkippedEntry extends EntryPosition {
  readonly type: "skipped";
}

/** A stored message of a room, the same for all clients. */
export type Message =
  & EntryPosition
  & {
    readonly type: "message";
    readonly sender: string;
    /** ISO 8601 UTC with milliseconds, set by the hub. */
    readonly timestamp: string;
    readonly kind?: MessageKind;
  }
  & Annotations
  & Content;

/** An entry of a room's log, as a reader gets it. */
export type Entry = Message | SkippedEntry;

/** The accounts of the proven ones among some names. */
export type Accounts = Readonly<Record<string, string>>;

/** Why messages after a position cannot be sent. */
export type ResetReason =
  /** The room's log has started over. */
  | "epoch"
  /** The messages are no longer kept. */
  | "trimmed"
  /** The log has no such message yet. */
  | "ahead";

/** The state of a room when the client joined it. */
export interface Joined {
  readonly room: string;
  readonly epoch: string;
  /** The oldest `id` kept; `last + 1` if there is none. */
  readonly first: number;
  /** The newest `id` of the room; 0 if it has no messages. */
  readonly last: number;
  /** Whether `messages` continues exactly at the client's position. */
  readonly recovered: boolean;
  /** Set if the client gave a position from which the hub cannot continue. */
  readonly reset?: ResetReason;
  readonly online: number;
  /** The complete list. Absent if the room does not name its members, as large ones. */
  readonly members?: readonly string[];
  /** Of `members`. */
  readonly accounts?: Accounts;
  /** The first page, oldest first; the rest follows as `message` frames, then `live`. */
  readonly messages: readonly Entry[];
  /** Whether there are older messages that the client has not received and that do not follow. */
  readonly more: boolean;
}

/** The optional features that are active: name and parameters. */
export type Features = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** The first frame of the hub. */
export interface Welcome {
  readonly type: "welcome";
  /** The version of the protocol on this connection. */
  readonly protocol: number;
  readonly sender: string;
  /** The name that the client's token proved. */
  readonly account?: string;
  /** The secret with which a later `hello` resumes the session. */
  readonly session: string;
  /** Whether the session of `hello` continues, with its name and its waiting private messages. */
  readonly resumed: boolean;
  /** When the token expires, ISO 8601. */
  readonly expires?: string;
  /** The hub's time, ISO 8601. */
  readonly time: string;
  readonly server: Program;
  readonly features: Features;
  readonly limits: Limits;
  /** The rooms that the client is in. */
  readonly rooms: readonly string[];
  readonly ref?: Ref;
}

/** The answer to `join`, and for each room of `hello`. */
export interface JoinedFrame extends Joined {
  readonly type: "joined";
  readonly ref?: Ref;
}

/** The client has caught up with a room: it has everything up to `id`. */
export interface Live {
  readonly type: "live";
  readonly room: string;
  readonly id: number;
}

/** The answer to `leave`, or a notice that the client was removed from the room. */
export interface Left {
  readonly type: "left";
  readonly room: string;
  readonly ref?: Ref;
}

/** Confirms that a message is stored. An answer, not an entry: it does not move the position. */
export interface Ack {
  readonly type: "ack";
  readonly ref?: Ref;
  readonly room: string;
  readonly id: number;
  readonly epoch: string;
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
    /** The message was already delivered: this was a repeat. */
    readonly duplicate?: true;
  }
  & Annotations
  & Content;

/**
 * Changes of a room's members since the last such frame. With none of the lists, the room does not
 * name its members, or no longer.
 */
export interface Presence {
  readonly type: "presence";
  readonly room: string;
  readonly online: number;
  /** The complete list, which replaces the reader's. */
  readonly members?: readonly string[];
  /** Of the names in `members` or `joined`, and the new ones in `renamed`. */
  readonly accounts?: Accounts;
  readonly joined?: readonly string[];
  readonly left?: readonly string[];
  readonly renamed?: readonly { readonly from: string; readonly to: string }[];
}

/** The client's own name has changed, by its request or because a token's owner took the name. */
export interface Renamed {
  readonly type: "renamed";
  readonly from: string;
  readonly name: string;
}

/** A member started or stopped typing. */
export interface Typing {
  readonly type: "typing";
  readonly room: string;
  readonly sender: string;
  readonly active: boolean;
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
  readonly epoch: string;
  readonly messages: readonly Entry[];
  /** Whether there are more in the requested direction. */
  readonly more: boolean;
  readonly ref?: Ref;
}

/** The members of a room; `members` is cut off at the hub's limit. */
export interface Members {
  readonly type: "members";
  readonly room: string;
  readonly online: number;
  readonly members: readonly string[];
  readonly accounts?: Accounts;
  readonly ref?: Ref;
}

/** The answer to `ping`. */
export interface Pong {
  readonly type: "pong";
  readonly ref?: Ref;
}

/** A request succeeded that has no other answer. */
export interface Ok {
  readonly type: "ok";
  /** The type of the request. */
  readonly re?: RequestType;
  readonly ref?: Ref;
  /** The answer to `nick`: the name as the hub spells it. */
  readonly name?: string;
  /** The answer to `token`: when it expires, ISO 8601. */
  readonly expires?: string;
}

/** The type of a request. */
export type RequestType = ClientFrame["type"];

/** Says why a request failed, and what to do. */
export interface ErrorFrame {
  readonly type: "error";
  readonly code: ErrorCode;
  readonly message: string;
  /** The type of the request; absent if it was unreadable, or if there was none. */
  readonly re?: RequestType;
  /** The room of the request. */
  readonly room?: string;
  readonly ref?: Ref;
  /** Whether the same request would fail again. */
  readonly final: boolean;
  /** Seconds to wait before a retry. */
  readonly retryAfter?: number;
}

/** The hub is about to close the connection. */
export interface Bye {
  readonly type: "bye";
  /** The close code that follows. */
  readonly code: number;
  readonly reconnect: boolean;
  /** Seconds to wait before that. */
  readonly retryAfter?: number;
  /** Where to reconnect instead. */
  readonly url?: string;
  /** A sentence for the user. */
  readonly message: string;
}

/** Any frame that a hub may send. */
export type HubFrame =
  | Welcome
  | JoinedFrame
  | Live
  | Left
  | Message
  | Ack
  | Direct
  | Presence
  | Renamed
  | Typing
  | System
  | History
  | Members
  | Pong
  | Ok
  | ErrorFrame
  | Bye;
