import type { MentionRule } from "../../chat/mention.ts";
import type { Direct, Limits, TextFormat } from "../../protocol.ts";

/** A conversation on the screen: `#room`, or `@` and the name key of a person. */
export type ThreadKey = `#${string}` | `@${string}`;

/** Something somebody said. */
export interface ChatMessage {
  readonly kind: "said";
  /** Its place in the log; stays what it is when older ones come in before it. */
  readonly seq: number;
  /** The hub's number in a room; private messages have none. */
  readonly id?: number;
  readonly sender: string;
  /** All there is to read: the text, and data as code after it. */
  readonly text: string;
  /** Whether a token proved the sender's name. */
  readonly verified?: true;
  /** How the text is meant; literally, where nothing is said. */
  readonly format?: TextFormat;
  /** The data, as the code at the end of `text`. */
  readonly data?: string;
  /** Milliseconds since the Unix epoch, by the hub's clock. */
  readonly at: number;
  /** Whether it is what the sender does (`/me`). */
  readonly action: boolean;
  readonly mine: boolean;
  /** Whether it names me. */
  readonly mention: boolean;
  /** A private message as the hub sent it: nobody else keeps it. */
  readonly direct?: Direct;
}

/** A line of the page's own, or about who comes and goes. */
export interface Note {
  readonly kind: "note";
  readonly seq: number;
  readonly text: string;
  readonly at: number;
  readonly tone: "info" | "error" | "gap";
}

/** One entry of a log. */
export type LogItem = ChatMessage | Note;

/** A message before it has its place. */
export type NewChatMessage = Omit<ChatMessage, "seq">;

/** An entry before it has its place. */
export type NewLogItem = NewChatMessage | Omit<Note, "seq">;

/** A message that the hub has not acked. */
export interface UnsentMessage {
  /** The mark under which it is sent, and sent again. */
  readonly ref: string;
  readonly text: string;
  readonly action: boolean;
  readonly at: number;
  /** Why the hub refused it; absent while there is hope. */
  readonly error?: string;
}

/** A stretch of a log of fixed place: shown, measured and skipped as one. */
export interface LogChunk {
  /** `seq` divided by the size of a chunk. */
  readonly index: number;
  readonly items: readonly LogItem[];
}

/** What was said in a thread, in order. Appending leaves all but the last chunk as they are. */
export interface Log {
  readonly chunks: readonly LogChunk[];
  readonly size: number;
  /** The place of the next one. */
  readonly next: number;
}

/** A room or a private conversation. */
export interface Thread {
  readonly key: ThreadKey;
  /** Tells it from every other thread, also when a new name gives it another key. */
  readonly serial: number;
  /** The room, or the person's name as it is shown. */
  readonly name: string;
  readonly log: Log;
  readonly pending: readonly UnsentMessage[];
  /** Whether there is nothing older to load. */
  readonly complete: boolean;
  /** Whether the view was cleared: what was there comes back when it is asked for. */
  readonly cleared: boolean;
  /** Messages of others that came in while nobody looked. */
  readonly unread: number;
  /** Those of them that name me; all, in a private conversation. */
  readonly mentions: number;
  /** The place of the first one that was not read when the thread was opened. */
  readonly newFrom: number | undefined;
  /** Present in rooms that were entered. */
  readonly room?: RoomFacts;
  /** Why nothing can be sent here; the thread stays until the user closes it. */
  readonly closedReason?: string;
  /** What is known of the other person of a private conversation. */
  readonly other?: OtherPerson;
  /** Whether the hub was asked to let the user in, and has not answered. */
  readonly joining?: true;
}

/** Whether the other person of a private conversation is still the same one. */
export interface OtherPerson {
  /** `missing`: not where they were, when the user came back at the time `at`. */
  readonly seen?: "here" | "gone" | "missing";
  readonly at?: number;
  /** Whether a token has proved the name. */
  readonly verified?: true;
  /** Whether it may be another person now, and the user does not know yet. */
  readonly doubt?: true;
}

/** What the hub tells of a room. */
export interface RoomFacts {
  readonly epoch: string;
  /** The newest id. */
  readonly last: number;
  /** The newest id when the room was entered: up to it, it is history. */
  readonly entered: number;
  readonly online: number;
  /** Names, sorted; absent where the room is too large to name them. */
  readonly members?: readonly string[];
  /** Who is typing, and until when that is believed. */
  readonly typing: readonly { readonly name: string; readonly until: number }[];
  /** What the hub last announced about this room: the reason, when it then removes its members. */
  readonly notice?: string;
}

/** How the connection is. */
export type LinkStatus =
  | { readonly state: "connecting"; readonly attempt: number }
  | { readonly state: "online"; readonly missed?: number }
  /** Waits until the time `until` to try again. */
  | { readonly state: "offline"; readonly reason: string; readonly until: number }
  | { readonly state: "refused"; readonly reason: string; readonly wantsToken: boolean }
  /** The session went on in another tab. */
  | { readonly state: "replaced" }
  /** Over until the person says otherwise. */
  | { readonly state: "ended"; readonly reason: string };

/** Everything that the page shows of the conversation. */
export interface ChatState {
  readonly connection: LinkStatus;
  readonly me: string | undefined;
  readonly limits: Limits | undefined;
  readonly threads: ReadonlyMap<ThreadKey, Thread>;
  /** The thread on the screen. */
  readonly current: ThreadKey | undefined;
  /** Whether somebody looks at the end of the current thread. */
  readonly focused: boolean;
  /** Where reading had stopped, by room, from an earlier visit. */
  readonly readMarkers: ReadonlyMap<string, ReadMarker>;
  /** Whether notes tell who comes and goes. */
  readonly presenceNotes: boolean;
  /** What names me in a room. */
  readonly mention: MentionRule;
}

/** Where reading stopped in a room. */
export interface ReadMarker {
  readonly epoch: string;
  readonly id: number;
}

/** Where a page begins. */
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
