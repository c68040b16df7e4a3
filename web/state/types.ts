import type { MentionRule } from "../../chat/mention.ts";
import type { Partner } from "../../chat/partner.ts";
import type { Typist } from "../../chat/typing.ts";
import type { Direct, Limits, TextFormat } from "../../protocol.ts";

// Times are in milliseconds since 1970; those of messages are by the hub's clock.

/** A conversation: `#room`, or `@` and the name key of a person. */
export type ThreadKey = `#${string}` | `@${string}`;

/** A message of a person. */
export interface ChatMessage {
  readonly kind: "said";
  /** Its place in the log, which stays the same when older messages are loaded. */
  readonly seq: number;
  /** The hub's number in a room. Private messages have none. */
  readonly id?: number | undefined;
  readonly sender: string;
  /** The text, with the data as code after it. */
  readonly text: string;
  /** Whether a token proved the sender's name. */
  readonly verified?: true | undefined;
  /** The format of the text; absent: literal. */
  readonly format?: TextFormat | undefined;
  /** The data, as the code at the end of `text`. */
  readonly data?: string | undefined;
  readonly at: number;
  /** Whether it is an action (`/me`). */
  readonly action: boolean;
  readonly mine: boolean;
  /** Whether it mentions the user. */
  readonly mention: boolean;
  /** A private message as the hub sent it, for exports. */
  readonly direct?: Direct | undefined;
}

/** A line of the page itself. */
export interface Note {
  readonly kind: "note";
  readonly seq: number;
  readonly text: string;
  readonly at: number;
  readonly tone: "info" | "error" | "gap";
}

/** An entry of a log. */
export type LogItem = ChatMessage | Note;

/** A message without its place. */
export type NewChatMessage = Omit<ChatMessage, "seq">;

/** An entry without its place. */
export type NewLogItem = NewChatMessage | Omit<Note, "seq">;

/** A message that the hub has not acknowledged. */
export interface UnsentMessage {
  /** The key that makes repeated sending safe. */
  readonly ref: string;
  readonly text: string;
  readonly action: boolean;
  readonly at: number;
  /** Why the hub refused it. */
  readonly error?: string;
}

/** A part of a log with a fixed place, which is rendered and measured as one. */
export interface LogChunk {
  /** `seq` divided by the size of a chunk. */
  readonly index: number;
  readonly items: readonly LogItem[];
}

/** The entries of a thread, in order. Appending keeps all chunks but the last. */
export interface Log {
  readonly chunks: readonly LogChunk[];
  readonly size: number;
  /** The place of the next entry. */
  readonly next: number;
}

/** A room or a private conversation. */
export interface Thread {
  readonly key: ThreadKey;
  /** Identifies the thread, even if a new name gives it another key. */
  readonly serial: number;
  /** The room, or the person's name. */
  readonly name: string;
  readonly log: Log;
  readonly pending: readonly UnsentMessage[];
  /** Whether there are no older messages to load. */
  readonly complete: boolean;
  /** Whether the view was cleared. Its messages can be loaded again. */
  readonly cleared: boolean;
  /** Unseen messages of others. */
  readonly unread: number;
  /** Unseen mentions; in a private conversation, all unseen messages. */
  readonly mentions: number;
  /** The place of the first message that was unread when the thread was shown. */
  readonly newFrom: number | undefined;
  /** Present for rooms that the user has entered. */
  readonly room?: RoomFacts | undefined;
  /** Why nothing can be sent. The thread stays until the user closes it. */
  readonly closedReason?: string;
  /** The other person of a private conversation. */
  readonly partner?: Partner;
  /** Whether the hub has not answered a join yet. */
  readonly joining?: true;
}

/** The facts that the hub tells about a room. */
export interface RoomFacts {
  readonly epoch: string;
  /** The last id received. */
  readonly last: number;
  /** The newest id when the room was entered; messages up to it are history. */
  readonly entered: number;
  readonly online: number;
  /** Names, sorted; absent if the room does not name them. */
  readonly members?: readonly string[] | undefined;
  readonly typing: readonly Typist[];
  /** The hub's last notice in this room: the reason, if it then removes the user. */
  readonly notice?: string;
}

/** The state of the connection. */
export type PageConnection =
  | { readonly state: "connecting"; readonly attempt: number }
  | {
    readonly state: "online";
    /** After a reconnect: the messages that came meanwhile. */
    readonly missed?: number;
    /** The rooms whose messages are not counted yet. */
    readonly returning?: readonly string[];
    /** Whether messages may be missing in a room, which says so itself. */
    readonly hasGap?: boolean;
  }
  /** Waits until the time `until` to try again. */
  | { readonly state: "offline"; readonly reason: string; readonly until: number }
  | { readonly state: "refused"; readonly reason: string; readonly wantsToken: boolean }
  /** The session continues in another tab. */
  | { readonly state: "replaced" }
  /** Over until the user connects again. */
  | { readonly state: "ended"; readonly reason: string };

/** The state of the chat. */
export interface ChatState {
  readonly connection: PageConnection;
  readonly me: string | undefined;
  readonly limits: Limits | undefined;
  readonly threads: ReadonlyMap<ThreadKey, Thread>;
  /** The thread on the screen. */
  readonly current: ThreadKey | undefined;
  /** Whether the user is looking at the end of the current thread. */
  readonly focused: boolean;
  /** The read markers of an earlier visit, by room. */
  readonly readMarkers: ReadonlyMap<string, ReadMarker>;
  /** Whether notes tell who joins and leaves. */
  readonly presenceNotes: boolean;
  readonly mention: MentionRule;
}

/** The last message that was read in a room. */
export interface ReadMarker {
  readonly epoch: string;
  readonly id: number;
}

/** The state before the page connects. */
export const EMPTY: ChatState = {
  connection: { state: "connecting", attempt: 1 },
  me: undefined,
  limits: undefined,
  threads: new Map(),
  current: undefined,
  focused: false,
  readMarkers: new Map(),
  presenceNotes: true,
  mention: "at",
};

/** The state that the tab with the connection sends to another tab. */
export interface Snapshot {
  readonly connection: PageConnection;
  readonly me: string | undefined;
  readonly limits: Limits | undefined;
  readonly threads: readonly Thread[];
}
