import type { Clock } from "../lib/clock.ts";
import type { ClientConnection } from "../client/types.ts";
import { nameKey } from "../protocol.ts";
import type { Away } from "./away.ts";
import type { WindowManager } from "./window_manager.ts";
import type { UnsentMessages } from "./unsent_messages.ts";
import type { RoomDirectory } from "./room_directory.ts";
import type { Screen } from "../editor/screen.ts";
import type { TerminalSettings } from "./settings.ts";
import type { Roster } from "./roster.ts";
import type { TypingTracker } from "./typing.ts";

/** How the connection is. */
export type LinkStatus =
  | { readonly kind: "online"; readonly since: number }
  /** For the first time, or again because of `reason`. */
  | { readonly kind: "connecting"; readonly reason: string | undefined; readonly lostAt?: number }
  | {
    readonly kind: "offline";
    readonly reason: string;
    /** When the next try comes, in milliseconds since 1970. */
    readonly until: number;
    readonly lostAt: number;
  }
  /** For good: the hub refuses to go on. */
  | { readonly kind: "ended"; readonly reason: string };

/** What a chat knows that no window holds. */
export interface ChatStatus {
  link: LinkStatus;
  settings: TerminalSettings;
  away: Away | undefined;
  /** Who wrote in private last. */
  lastDirectSender: string | undefined;
  /** The rooms that the hub was asked to let the client into, in that order. */
  joining: readonly string[];
  /** Rooms that the user left and that the hub has not confirmed yet. */
  readonly leaving: Set<string>;
  /** The name that the user asked for last, granted or not. */
  requestedName: string | undefined;
  /** How often the connection came back. */
  resumed: number;
  /** Messages that were missed and came after all. */
  recoveredMessages: number;
}

/** What the parts of a chat share. */
export interface ChatContext {
  readonly connection: ClientConnection;
  readonly screen: Screen;
  readonly clock: Clock;
  readonly windows: WindowManager;
  readonly roster: Roster;
  readonly unsent: UnsentMessages;
  readonly ignored: Ignored;
  readonly typing: TypingTracker;
  readonly directory: RoomDirectory;
  readonly status: ChatStatus;
}

/** Those of whom nothing is shown. */
export class Ignored {
  readonly #people = new Map<string, string>();

  get names(): readonly string[] {
    return [...this.#people.values()];
  }

  has(name: string): boolean {
    return this.#people.size > 0 && this.#people.has(nameKey(name));
  }

  add(name: string): void {
    this.#people.set(nameKey(name), name);
  }

  remove(name: string): void {
    this.#people.delete(nameKey(name));
  }

  /** Another name does not help. */
  rename(from: string, to: string): void {
    if (this.#people.delete(nameKey(from))) this.add(to);
  }
}
