import type { MentionRule } from "../../chat/mention.ts";
import type { ClientEvent } from "../../client.ts";
import type { Direct, Message } from "../../protocol.ts";
import type { Note, PageConnection, Snapshot, ThreadKey, UnsentMessage } from "./types.ts";

/** A change of the state of the page. */
export type Action =
  | {
    readonly type: "event";
    readonly event: ClientEvent;
    /** A private message as the hub sent it; `event` has its sanitized form. */
    readonly told?: Direct;
    readonly now: number;
  }
  | { readonly type: "connection"; readonly connection: PageConnection }
  | { readonly type: "me"; readonly name: string }
  | { readonly type: "show"; readonly key: ThreadKey; readonly name?: string }
  | { readonly type: "attention"; readonly attentive: boolean }
  | { readonly type: "sending"; readonly key: ThreadKey; readonly pending: UnsentMessage }
  | { readonly type: "acked"; readonly key: ThreadKey; readonly ref: string; readonly id: number }
  | {
    readonly type: "delivered";
    readonly key: ThreadKey;
    readonly ref: string;
    readonly direct: Direct;
    /** The message as the hub sent it. */
    readonly told?: Direct;
  }
  | {
    readonly type: "failed";
    readonly key: ThreadKey;
    readonly ref: string;
    readonly error: string;
    /** Whether the hub does not know the name. */
    readonly absent?: true | undefined;
  }
  /** The user knows that it may be another person. */
  | { readonly type: "trust"; readonly key: ThreadKey }
  | { readonly type: "discard"; readonly key: ThreadKey; readonly ref: string }
  | {
    readonly type: "older";
    readonly key: ThreadKey;
    readonly messages: readonly Message[];
    readonly more: boolean;
  }
  | {
    readonly type: "note";
    readonly key: ThreadKey;
    readonly text: string;
    readonly tone: Note["tone"];
    readonly now: number;
  }
  | { readonly type: "clear"; readonly key: ThreadKey }
  /** Allows cleared messages to be loaded again. */
  | { readonly type: "uncover"; readonly key: ThreadKey }
  | { readonly type: "close"; readonly key: ThreadKey }
  /** The user is joining a room. */
  | { readonly type: "entering"; readonly room: string }
  /** Opens a private conversation, without showing it. */
  | { readonly type: "begin"; readonly key: ThreadKey; readonly name: string }
  /** An action of the tab that has the connection. */
  | { readonly type: "shared"; readonly action: Action }
  /** Another tab of the user closed or read a conversation. */
  | { readonly type: "closed-elsewhere"; readonly key: ThreadKey }
  | { readonly type: "read-elsewhere"; readonly key: ThreadKey }
  | { readonly type: "adopt"; readonly snapshot: Snapshot }
  | { readonly type: "comings"; readonly comings: boolean }
  | { readonly type: "mention"; readonly mention: MentionRule }
  | { readonly type: "tick"; readonly now: number };
