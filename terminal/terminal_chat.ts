import { CommandError, isBareQuit, messageText } from "../chat/commands.ts";
import { TypingNotifier } from "../chat/typing.ts";
import {
  type ClientConnection,
  type ClientEvent,
  ConnectError,
  RequestError,
} from "../client/types.ts";
import type { Screen, ScreenEvents } from "../editor/screen.ts";
import { type Cancel, type Clock, wallClock } from "../lib/clock.ts";
import { nameKey } from "../protocol.ts";
import type { Background } from "../render/palette.ts";
import { plural } from "../lib/words.ts";
import { TerminalActionHandler } from "./chat_actions.ts";
import { type ChatContext, Ignored } from "./chat_context.ts";
import { COMMANDS } from "./commands.ts";
import { completeLine, needsRoomDirectory } from "./completion.ts";
import { EventHandler } from "./event_handler.ts";
import { logEvent } from "./event_log.ts";
import { NotSentError, withoutFullStop } from "./hub_requests.ts";
import { noteUnknown } from "./partner_notes.ts";
import { returnMessage } from "./returned_message.ts";
import { type LoadRooms, RoomDirectory } from "./room_directory.ts";
import { Roster } from "./roster.ts";
import { DEFAULT_SETTINGS, type TerminalSettings } from "./settings.ts";
import { type Chord, SHORTCUTS } from "./shortcuts.ts";
import { StatusDisplay } from "./status_display.ts";
import { TypingTracker } from "./typing_tracker.ts";
import { UnsentMessages } from "./unsent_messages.ts";
import { WindowManager } from "./window_manager.ts";

/** Milliseconds that leaving waits for the hub to acknowledge the last messages. */
const LEAVE_TIMEOUT_MS = 2000;
/** Longer drafts are most likely a paste: the user is asked whether they are one message. */
const MAX_UNASKED_LINES = 5;
/** Milliseconds between checks of the date. A laptop may sleep at midnight. */
const DAY_CHECK_MS = 60_000;

/** Options of a chat. */
export interface ChatOptions {
  readonly color: boolean;
  /** Settings of an earlier run. */
  readonly settings?: TerminalSettings;
  /** Stores changed settings; resolves with whether that worked. */
  readonly onSettings?: (changed: Partial<TerminalSettings>) => Promise<boolean>;
  /** Called with a requested name once the hub has granted it or one like it. */
  readonly onName?: (name: string) => void;
  /** The hub's address, as a person types it. */
  readonly address?: string;
  /** The requested name. */
  readonly wanted?: string;
  /** Loads the hub's list of rooms. */
  readonly hubRooms?: LoadRooms;
  /** The command with which others enter a room. */
  readonly invite?: (room: string) => string;
  /** The mark behind names that a token proved. */
  readonly verifiedMark?: string;
  /** The user's home directory. */
  readonly home?: string;
  /** The terminal's background, if known. */
  readonly background?: Background;
  readonly clock?: Clock;
}

/** A chat on a screen. */
export class TerminalChat implements ScreenEvents {
  readonly #context: ChatContext;
  readonly #options: ChatOptions;
  readonly #actions: TerminalActionHandler;
  readonly #events: EventHandler;
  readonly #typing: TypingNotifier;
  readonly #display: StatusDisplay;
  readonly #cancels = new Map<"day" | "leave", Cancel>();
  #name: string | undefined;
  #leaving: Promise<void> | undefined;
  /** Resolved when the user wants to leave. */
  readonly #left = Promise.withResolvers<void>();

  constructor(connection: ClientConnection, screen: Screen, options: ChatOptions) {
    const { clock = wallClock, settings = DEFAULT_SETTINGS, wanted } = options;
    this.#options = options;
    const refresh = (): void => this.#refresh();
    const address = options.address ?? "the hub";
    this.#context = {
      connection,
      screen,
      clock,
      windows: new WindowManager(screen, () => this.#display.view, () => clock.now()),
      roster: new Roster(),
      unsent: new UnsentMessages(connection, clock, {
        changed: refresh,
        delivered: (direct) => this.#events.delivered(direct),
        acked: (room, content, ack) => {
          // On other screens, the hub sends it back.
          if (screen.plain === true) this.#events.acked(room, content, ack);
        },
        refused: (message, error) => {
          const isRefused = error instanceof RequestError;
          if (isRefused && error.code === "no_such_user" && message.place.kind === "private") {
            noteUnknown(this.#context, message.place.name);
          }
          returnMessage(this.#context, message, error.message, isRefused);
        },
        undelivered: (message) => {
          // A user who leaves is told their number, once the screen is restored.
          if (this.#leaving !== undefined || connection.sender === undefined) return;
          returnMessage(this.#context, message, "the connection has ended", false);
        },
      }),
      ignored: new Ignored(),
      directory: new RoomDirectory(clock, options.hubRooms),
      typing: new TypingTracker(clock, refresh),
      status: {
        link: { kind: "connecting", reason: undefined },
        settings,
        away: undefined,
        lastDirectSender: undefined,
        joining: [],
        leaving: new Set(),
        requestedName: wanted,
        resumed: 0,
        recoveredMessages: 0,
      },
    };
    this.#display = new StatusDisplay(this.#context, { ...options, address });
    this.#actions = new TerminalActionHandler(this.#context, {
      address,
      home: options.home,
      onSettings: options.onSettings,
      refresh,
      quit: () => void this.leave(),
    });
    this.#events = new EventHandler(this.#context, { wanted, invite: options.invite });
    this.#typing = new TypingNotifier(clock, (room, typing) => connection.typing(room, typing));
    this.#refresh();
  }

  /**
   * Runs until the user leaves. Returns the number of messages that the hub never had.
   *
   * If the hub ends the session, the chat stays and sends nothing, because the shell would get what
   * the user is typing.
   *
   * @throws {ConnectError} if the hub cannot be reached or refuses.
   */
  async run(): Promise<number> {
    this.#watchDay();
    try {
      try {
        for await (const event of this.#context.connection) this.#take(event);
      } catch (error) {
        const { sender } = this.#context.connection;
        if (!(error instanceof ConnectError) || sender === undefined) throw error;
        await this.#ended(error);
        throw error;
      }
      await this.#leaving;
      return this.#context.unsent.undeliveredCount;
    } finally {
      for (const cancel of this.#cancels.values()) cancel();
      this.#context.unsent.stop();
      this.#context.typing.clear();
      this.#typing.stop();
      this.#display.stop();
    }
  }

  /** The unsent texts of all windows. */
  get drafts(): readonly string[] {
    const { windows: { list: { all } }, screen } = this.#context;
    return [...all.map(({ draft }) => draft), screen.draft].filter((draft) => draft !== "");
  }

  /** Ends the session once the hub has all messages. A second call does not wait. */
  leave(): Promise<void> {
    this.#left.resolve();
    if (this.#leaving !== undefined) return this.#context.connection.close();
    return this.#leaving = this.#leave();
  }

  line(line: string): void {
    this.#typing.stop();
    this.#display.hint = undefined;
    const isConfirmed = line === this.#display.question;
    this.#display.question = undefined;
    if (isConfirmed && isBareQuit(line)) this.#actions.quit();
    else if (!isConfirmed && (isBareQuit(line) || lineCount(line) > MAX_UNASKED_LINES)) {
      this.#display.question = line;
      this.#context.screen.setDraft(line);
    } else this.#run(line);
    this.#refresh();
  }

  edited(draft: string): void {
    this.#display.question = undefined;
    // Tab cannot wait for the hub, so this comes before it.
    if (needsRoomDirectory(draft)) void this.#context.directory.refresh();
    const { room, entered } = this.#context.windows.current;
    this.#typing.edited(entered ? room : undefined, draft);
    this.#refresh();
  }

  shortcut(key: string): void {
    const chord = SHORTCUTS.get(key);
    if (chord !== undefined) this.chord(chord);
  }

  chord(chord: Chord): void {
    const { windows } = this.#context;
    const { list } = windows;
    const window = chord.kind === "activity"
      ? list.nextActive
      : chord.kind === "beside"
      ? list.neighbour(chord.step)
      : list.all[chord.number - 1];
    this.#typing.stop();
    this.#display.question = undefined;
    this.#display.hint = window === undefined ? noWindowHint(chord) : undefined;
    if (window !== undefined) windows.show(window);
    this.#refresh();
  }

  resized(): void {
    // Printed lines belong to the terminal, which wraps them anew if it can.
    this.#refresh();
  }

  interrupt(): void {
    void this.leave();
  }

  discarded(): void {
    this.edited("");
    this.#display.hint = "The up arrow brings it back. Ctrl-C again leaves";
    this.#refresh();
  }

  end(): void {
    void this.leave();
  }

  complete(line: string): readonly [candidates: readonly string[], part: string] {
    const { people, rooms, windows, ignored } = this.#actions;
    const { connection: { sender }, directory } = this.#context;
    return completeLine(line, {
      people: people.filter((name) => name !== sender && !this.#context.ignored.has(name)),
      rooms,
      anyRoom: [...new Set([...rooms, ...directory.rooms.map(({ room }) => room)])],
      windows,
      ignored,
    });
  }

  #run(line: string): void {
    const { windows, screen } = this.#context;
    try {
      COMMANDS.run(line, this.#actions);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      windows.problem(error.message);
      // Returns a message, and a command of several lines, which is most likely code.
      const isReturned = error instanceof NotSentError || messageText(line) !== undefined ||
        lineCount(line) > 1;
      if (isReturned && screen.draft === "") screen.setDraft(line);
    }
  }

  async #leave(): Promise<void> {
    const { connection, windows } = this.#context;
    if (connection.pending > 0) {
      const what = plural(connection.pending, "message");
      windows.note(`Waiting for the hub to receive ${what}. Ctrl-C leaves at once`);
      const { promise: late, resolve } = Promise.withResolvers<void>();
      this.#set("leave", LEAVE_TIMEOUT_MS, resolve);
      const flushed = connection.flush().catch((error: unknown) => {
        // The messages left behind are counted elsewhere.
        if (!(error instanceof ConnectError)) throw error;
      });
      await Promise.race([flushed, late]);
    }
    await connection.close();
  }

  /** Stays until the user leaves. */
  async #ended({ message }: ConnectError): Promise<void> {
    if (this.#leaving !== undefined) return;
    const { windows, status, typing } = this.#context;
    status.link = { kind: "ended", reason: message };
    typing.clear();
    this.#typing.stop();
    windows.problem(
      `${withoutFullStop(message)}. Nothing is sent any more; /quit or Ctrl-C leaves`,
    );
    this.#refresh();
    await this.#left.promise;
  }

  #take(event: ClientEvent): void {
    logEvent(event);
    this.#events.handle(this.#context.roster.apply(event));
    this.#refresh();
  }

  #refresh(): void {
    this.#noteName();
    this.#display.refresh();
  }

  /** Tells the user about a new name. */
  #noteName(): void {
    const { connection: { sender }, windows, status: { requestedName } } = this.#context;
    if (sender === undefined || sender === this.#name) return;
    const isRenamed = this.#name !== undefined;
    this.#name = sender;
    // A name that the hub made up or changed is not the user's own.
    if (requestedName !== undefined && (!isRenamed || nameKey(requestedName) === nameKey(sender))) {
      this.#options.onName?.(requestedName);
    }
    if (isRenamed) windows.note(`You are now ${sender}`);
  }

  #watchDay(): void {
    this.#set("day", DAY_CHECK_MS, () => {
      const { windows, clock } = this.#context;
      const time = clock.now();
      const { current } = windows;
      if (current.items.length > 0 && current.isOtherDay(time)) windows.add({ kind: "day", time });
      this.#watchDay();
    });
  }

  #set(name: "day" | "leave", delay: number, task: () => void): void {
    this.#cancels.get(name)?.();
    this.#cancels.set(name, this.#context.clock.after(delay, task));
  }
}

function noWindowHint(chord: Chord): string {
  if (chord.kind === "activity") return "Nothing new in any other room";
  if (chord.kind === "beside") return "There is no other window: /join ROOM enters one";
  return `There is no room ${chord.number}: /rooms lists yours, /join ROOM enters one`;
}

function lineCount(text: string): number {
  return text.trimEnd().split("\n").length;
}
