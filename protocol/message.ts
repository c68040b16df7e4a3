/** What frames of clients and of the hub have in common. */

/** Identifies a request of a client; the hub's answer has the same value. */
export type Ref = string | number;

/** The content of a message: text, any JSON, or both. */
export type Content =
  | { readonly message: string; readonly data?: unknown }
  | { readonly message?: never; readonly data: unknown };

/** The name of a field, kind or feature that a program defines for itself: `x-OWNER-NAME`. */
export type ExtensionName = `x-${string}`;

/** `action`: sent with `/me`. Programs may define their own kinds. */
export type MessageKind = "action" | ExtensionName;

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
  /** Fields of a program, for programs that know them. */
  readonly [extension: ExtensionName]: unknown;
}

/** All annotations of a message. */
export interface Annotations extends SenderAnnotations {
  /** The name that a token proved. Set only by the hub; absent: the sender is unproven. */
  readonly account?: string;
}

/** What a client gets about the members of a room. */
export type PresenceMode = "names" | "count" | "none";

/** A room to join, with the position to resume from or the number of messages to start with. */
export interface RoomPosition {
  readonly room: string;
  /** The epoch that `after` belongs to; needed unless `after` is 0, the start of the log. */
  readonly epoch?: string;
  /** The last `id` received; the hub sends everything after it. */
  readonly after?: number;
  /** The number of older messages to send if there is no position. */
  readonly recent?: number;
  /** The most missed messages to send: the newest. Default: all. */
  readonly max?: number;
  /** Default: `names`. */
  readonly presence?: PresenceMode;
}

/** A program and its version. */
export interface Program {
  readonly name: string;
  readonly version: string;
}
