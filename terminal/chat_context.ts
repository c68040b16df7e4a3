import type { ClientConnection } from "../client/types.ts";
import type { Screen } from "../editor/screen.ts";
import type { Clock } from "../lib/clock.ts";
import { nameKey } from "../protocol.ts";
import type { Away } from "./away.ts";
import type { RoomDirectory } from "./room_directory.ts";
import type { Roster } from "./roster.ts";
import type { TerminalSettings } from "./settings.ts";
import type { TypingTracker } from "./typing_tracker.ts";
import type { UnsentMessages } from "./unsent_messages.ts";
import type { WindowManager } from "./window_manager.ts";

/** The state of the connection. Times are in milliseconds since 1970. */
export type LinkStatus =
  | { readonly kind: "online"; readonly since: number }
  /** Connecting for the first time, or again because of `reason`. */
  | { readonly kind: "connecting"; readonly reason: string | undefined; readonly lostAt?: number }
  /** Waiting until the next attempt. */
  | {
    readonly kind: "offline";
    readonly reason: string;
    readonly until: number;
    readonly lostAt: number;
  }
  /** The hub has ended the session. */
  | { readonly kind: "ended"; readonly reason: string };

/** State that belongs to no window. */
export interface ChatStatus {
  link: LinkStatus;
  settings: TerminalSettings;
  away: Away | undefined;
  lastDirectSender: string | undefined;
  /** Rooms that the hub was asked to let the user enter, in that order. */
  joining: readonly string[];
  /** Rooms that the user left and the hub has not confirmed yet. */
  readonly leaving: Set<string>;
  /** The name that the user asked for last, granted or not. */
  requestedName: string | undefined;
  /** Reconnects of this session. */
  resumed: number;
  /** Messages that were missed while offline and received later. */
  recoveredMessages: number;
}

/** The parts of a chat that depend on each other. */
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

/** People whose messages are hidden. */
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

  /** A new name does not evade it. */
  rename(from: string, to: string): void {
    if (this.#people.delete(nameKey(from))) this.add(to);
  }
}
