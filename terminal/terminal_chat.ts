import { VERIFIED_MARK } from "../chat/sender.ts";
import { plural } from "../lib/words.ts";
import { displayWidth, fit } from "../render/width.ts";
import { type Cancel, type Clock, wallClock } from "../lib/clock.ts";
import {
  type ClientConnection,
  type ClientEvent,
  ConnectError,
  RequestError,
} from "../client/types.ts";
import { nameKey, visible } from "../protocol.ts";
import { ChatActions, NotSentError } from "./chat_actions.ts";
import { WindowManager } from "./window_manager.ts";
import { CommandError } from "./commands.ts";
import { logEvent } from "./event_log.ts";
import { summaryText } from "./presence_summary.ts";
import type { View } from "./view.ts";
import { completeLine, isBareQuit, messageText, namesAnyRoom, runLine } from "./line.ts";
import { type OutgoingMessage, sizeNearLimit, UnsentMessages } from "./unsent_messages.ts";
import { paintWith } from "../render/paint.ts";
import { type Background, paletteOf } from "../render/palette.ts";
import { type ChatContext, Ignored } from "./chat_context.ts";
import { partnerUnknown } from "./partner_notes.ts";
import { EventHandler } from "./event_handler.ts";
import { type LoadRooms, RoomDirectory } from "./room_directory.ts";
import type { Screen, ScreenEvents } from "../editor/screen.ts";
import { type Chord, SHORTCUTS } from "./shortcuts.ts";
import { DEFAULT_SETTINGS, type TerminalSettings } from "./settings.ts";
import { Roster } from "./roster.ts";
import { plainRows, type StatusRows, statusRows, troubleText } from "./status.ts";
import { TypingNotifier, TypingTracker } from "./typing.ts";

/** Milliseconds that leaving waits for the hub to have what was sent last. */
const LEAVE_TIMEOUT = 2000;
/** Lines of a draft above which it is asked whether they are meant as one message: most are a paste. */
const MANY_LINES = 5;
/** Milliseconds between looks whether the day has changed: midnight may fall into a laptop's sleep. */
const DAY_LOOK = 60_000;

/** What a chat is told beside its connection and screen. */
export interface ChatOptions {
  readonly color: boolean;
  /** What was set in an earlier run. */
  readonly settings?: TerminalSettings;
  /** Called with what was set, to be remembered; resolves with whether that worked. */
  readonly onSettings?: (changed: Partial<TerminalSettings>) => Promise<boolean>;
  /** Called with a name that was asked for, once the hub has given it or the nearest free one. */
  readonly onName?: (name: string) => void;
  /** The hub, as a person says it. */
  readonly address?: string;
  /** The name that was asked for. */
  readonly wanted?: string;
  /** Asks the hub for its rooms. */
  readonly hubRooms?: LoadRooms;
  /** What others type to come to a room. */
  readonly invite?: (room: string) => string;
  /** What stands behind names that a token proved; default {@linkcode VERIFIED_MARK}. */
  readonly verifiedMark?: string;
  /** The user's home directory. */
  readonly home?: string;
  /** The terminal's, where it tells. */
  readonly background?: Background;
  readonly clock?: Clock;
}

/** A connection on a screen. */
export class TerminalChat implements ScreenEvents {
  readonly #context: ChatContext;
  readonly #options: ChatOptions;
  readonly #actions: ChatActions;
  readonly #events: EventHandler;
  readonly #typing: TypingNotifier;
  readonly #cancels = new Map<"tick" | "day" | "leave", Cancel>();
  /** A line that was asked about, as it may not be meant as it stands. */
  #asked: string | undefined;
  #hint: string | undefined;
  #name: string | undefined;
  #rows = "";
  #leaving: Promise<void> | undefined;
  /** Resolved when the user wants to leave. */
  readonly #left = Promise.withResolvers<void>();
  #over = false;

  constructor(connection: ClientConnection, screen: Screen, options: ChatOptions) {
    const { clock = wallClock, settings = DEFAULT_SETTINGS, wanted, invite } = options;
    this.#options = options;
    const refresh = (): void => this.#refresh();
    this.#context = {
      connection,
      screen,
      clock,
      windows: new WindowManager(screen, () => this.#view, () => clock.now()),
      roster: new Roster(),
      unsent: new UnsentMessages(connection, clock, {
        changed: refresh,
        delivered: (direct) => this.#events.delivered(direct),
        acked: (saying, ack) => {
          // Elsewhere the hub sends it back.
          if (screen.plain === true) this.#events.acked(saying, ack);
        },
        refused: (saying, error) => {
          const isRefused = error instanceof RequestError;
          if (isRefused && error.code === "no_such_user" && saying.kind === "private") {
            partnerUnknown(this.#context, saying.to);
          }
          this.#actions.refused(saying, error.message, isRefused);
        },
        undelivered: (saying) => {
          // Who leaves is told how many there were, once the screen is given back.
          const staysOpen = this.#leaving === undefined && connection.sender !== undefined;
          if (staysOpen) this.#actions.refused(saying, "the connection has ended", false);
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
    this.#actions = new ChatActions(this.#context, {
      address: options.address ?? "the hub",
      home: options.home,
      ...options.onSettings === undefined ? {} : { onSettings: options.onSettings },
      refresh,
      quit: () => void this.leave(),
    });
    this.#events = new EventHandler(this.#context, {
      ...wanted === undefined ? {} : { wanted },
      ...invite === undefined ? {} : { invite },
    });
    this.#typing = new TypingNotifier(
      clock,
      (room, typing) => connection.typing(room, typing),
    );
    this.#hint = screen.columns < 70
      ? "Enter sends, /help helps, Ctrl-C leaves"
      : "Type and press Enter to talk. /help tells what else there is, Ctrl-C leaves.";
    this.#refresh();
  }

  /**
   * Shows what happens until the connection ends. Returns how many messages the hub never had.
   *
   * A hub that ends a connection does not end the chat: what the user is typing would go to the
   * shell. It stays, without sending anything, until the user leaves.
   *
   * @throws {ConnectError} when the hub cannot be reached or says no.
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
      this.#over = true;
      for (const cancel of this.#cancels.values()) cancel();
      this.#context.unsent.stop();
      this.#context.typing.clear();
      this.#typing.stop();
      this.#context.screen.setStatus([]);
    }
  }

  /** What was typed in the windows and not sent. */
  get drafts(): readonly string[] {
    const { windows: { list: { all } }, screen } = this.#context;
    return [...all.map(({ draft }) => draft), screen.draft].filter((draft) => draft !== "");
  }

  /** Ends the connection, as soon as the hub has what was said before. A second call does not wait. */
  leave(): Promise<void> {
    this.#left.resolve();
    if (this.#leaving !== undefined) return this.#context.connection.close();
    return this.#leaving = this.#leave();
  }

  line(line: string): void {
    this.#typing.stop();
    this.#hint = undefined;
    if ((lineCount(line) > MANY_LINES || isBareQuit(line)) && line !== this.#asked) {
      this.#asked = line;
      this.#context.screen.setDraft(line);
    } else {
      this.#asked = undefined;
      this.#run(line);
    }
    this.#refresh();
  }

  edited(draft: string): void {
    this.#asked = undefined;
    // Before Tab is pressed, which cannot wait for the hub.
    if (namesAnyRoom(draft)) void this.#context.directory.refresh();
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
    this.#asked = undefined;
    this.#hint = undefined;
    if (window !== undefined) windows.show(window);
    else if (chord.kind === "activity") this.#hint = "Nothing new in any other room";
    else if (chord.kind === "beside") {
      this.#hint = "There is no other window: /join ROOM enters one";
    } else {this.#hint =
        `There is no room ${chord.number}: /rooms lists yours, /join ROOM enters one`;}
    this.#refresh();
  }

  resized(): void {
    // What was printed belongs to the terminal, which breaks its lines anew where it can.
    this.#refresh();
  }

  interrupt(): void {
    void this.leave();
  }

  discarded(): void {
    this.edited("");
    this.#hint = "The up arrow brings it back. Ctrl-C again leaves";
    this.#refresh();
  }

  end(): void {
    void this.leave();
  }

  complete(line: string): readonly [candidates: readonly string[], part: string] {
    const { people, rooms, windows, ignored } = this.#actions;
    const { sender } = this.#context.connection;
    return completeLine(line, {
      // Nobody talks to himself.
      people: people.filter((name) => name !== sender && !this.#context.ignored.has(name)),
      rooms,
      windows,
      hubRooms: this.#context.directory.rooms.map(({ room }) => room),
      ignored,
    });
  }

  #run(line: string): void {
    const { windows, screen } = this.#context;
    try {
      runLine(line, this.#actions);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      windows.problem(error.message);
      // A message is given back. So is a command of several lines, which is likely to be code.
      const isKept = error instanceof NotSentError || messageText(line) !== undefined ||
        lineCount(line) > 1;
      if (isKept && screen.draft === "") screen.setDraft(line);
    }
  }

  async #leave(): Promise<void> {
    const { connection, windows } = this.#context;
    if (connection.pending > 0) {
      const what = plural(connection.pending, "message");
      windows.note(`Waiting for the hub to have ${what}. Ctrl-C leaves at once`);
      const { promise: late, resolve } = Promise.withResolvers<void>();
      this.#set("leave", LEAVE_TIMEOUT, resolve);
      const had = connection.flush().catch((error: unknown) => {
        // Whatever ended the connection, what it left behind is counted where it is given up.
        if (!(error instanceof ConnectError)) throw error;
      });
      await Promise.race([had, late]);
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
      `${message.replace(/\.$/, "")}. Nothing is sent any more; /quit or Ctrl-C leaves`,
    );
    this.#refresh();
    await this.#left.promise;
  }

  #take(event: ClientEvent): void {
    logEvent(event);
    this.#context.roster.apply(event);
    this.#events.handle(event);
    this.#refresh();
  }

  get #view(): View {
    const { connection, screen, status, clock } = this.#context;
    const { color, background } = this.#options;
    const { theme, timestamp, mention } = status.settings;
    return {
      self: connection.sender,
      paint: paintWith(color ? paletteOf(theme, background) : undefined),
      columns: screen.columns,
      now: new Date(clock.now()),
      stamps: timestamp,
      mention,
      verifiedMark: this.#options.verifiedMark ?? VERIFIED_MARK,
    };
  }

  /** Brings prompt and status up to date. */
  #refresh(): void {
    if (this.#over) return;
    this.#told();
    const { screen } = this.#context;
    screen.setPrompt(this.#prompt());
    const { paint } = this.#view;
    const rows = screen.plain === true
      ? plainRows(this.#status())
      : statusRows(this.#status(), { columns: screen.columns, rows: screen.rows, paint });
    const all = rows.join("\n");
    if (all !== this.#rows) screen.setStatus(rows);
    this.#rows = all;
  }

  /** Tells of a new name, whoever gave it. */
  #told(): void {
    const { connection, windows } = this.#context;
    const { sender } = connection;
    if (sender === undefined || sender === this.#name) return;
    const renamed = this.#name !== undefined;
    this.#name = sender;
    const { requestedName } = this.#context.status;
    // A name that the hub made up or changed is not the user's own.
    if (requestedName !== undefined && (!renamed || nameKey(requestedName) === nameKey(sender))) {
      this.#options.onName?.(requestedName);
    }
    if (renamed) windows.note(`You are ${sender} now`);
  }

  /** `[lobby] Alice> `: short, because the line being typed needs the room more. */
  #prompt(): string {
    const { connection, screen, windows, status } = this.#context;
    const { title } = windows.current;
    const half = Math.max(12, Math.floor(screen.columns / 2));
    const doubt = windows.current.closedReason !== undefined
      ? "(closed)"
      : status.link.kind === "online"
      ? ""
      : connection.sender === undefined
      ? "(connecting)"
      : "(offline)";
    const room = title === "" ? "" : `[${fit(visible(title), Math.floor(half / 2))}]`;
    const left = half - displayWidth(room) - doubt.length - 3;
    const name = left < 3 ? "" : fit(visible(connection.sender ?? ""), left);
    return [room, name, doubt].filter((part) => part !== "").join(" ") + "> ";
  }

  #status(): StatusRows {
    const { windows, status, unsent, screen, typing, connection } = this.#context;
    const { current, all } = windows.list;
    const saying = this.#draftSaying(screen.draft);
    const size = saying === undefined ? undefined : sizeNearLimit(saying, connection.limits);
    const number = (count: number): string => count.toLocaleString("en-US");
    return {
      presence: current.presence === undefined ? undefined : summaryText(current.presence),
      pending: unsent.describe(current.title),
      activity: all.flatMap(({ title, unread, mentions, place }, at) =>
        unread === 0
          ? []
          : { number: at + 1, title, unread, mentions, isPrivate: place.kind === "private" }
      ),
      typing: typing.names(current.room),
      away: status.away === undefined
        ? undefined
        : `Away: "${status.away.text}", ${
          plural(status.away.count, "message")
        } for you. /back ends it`,
      trouble: this.#trouble(),
      size: size === undefined ? undefined : {
        text: size.over
          ? `${plural(size.bytes - size.limit, "byte")} too long`
          : `${number(size.bytes)} of ${number(size.limit)} bytes`,
        over: size.over,
      },
      hint: this.#asked === undefined ? this.#hint : question(this.#asked, screen.columns),
    };
  }

  /** What the draft would say, where it is for others. */
  #draftSaying(draft: string): OutgoingMessage | undefined {
    const { place } = this.#context.windows.current;
    const text = messageText(draft);
    if (text === undefined || place.kind === "home") return undefined;
    return place.kind === "room"
      ? { kind: "room", room: place.room, text }
      : { kind: "private", to: place.name, text };
  }

  #trouble(): string | undefined {
    const { status: { link }, clock, screen } = this.#context;
    if (link.kind === "online") return undefined;
    if (link.kind === "ended") return `Not connected: ${link.reason}`;
    if (link.kind === "offline") {
      const left = link.until - clock.now();
      // Where it cannot count down, a row is for the whole wait.
      if (screen.plain === true) return troubleText(link.reason, undefined);
      // On the next whole second, so that no number is left out.
      if (left > 0) this.#set("tick", left % 1000 || 1000, () => this.#refresh());
      return troubleText(link.reason, left > 0 ? left : undefined);
    }
    return link.reason === undefined
      ? `Connecting to ${this.#options.address ?? "the hub"}`
      : troubleText(link.reason, undefined);
  }

  #watchDay(): void {
    this.#set("day", DAY_LOOK, () => {
      const { windows, clock } = this.#context;
      const time = clock.now();
      const { current } = windows;
      if (current.items.length > 0 && current.isOtherDay(time)) windows.add({ kind: "day", time });
      this.#watchDay();
    });
  }

  /** Starts a timer in the place of the one of that name. */
  #set(name: "tick" | "day" | "leave", delay: number, task: () => void): void {
    this.#cancels.get(name)?.();
    this.#cancels.set(name, this.#context.clock.after(delay, task));
  }
}

/** Asks whether a line is meant as it stands. */
function question(line: string, columns: number): string {
  const isNarrow = columns < 70;
  if (isBareQuit(line)) {
    return isNarrow
      ? "Leave? Enter leaves"
      : "Leave? Enter leaves; with a space before it, it is a message";
  }
  return isNarrow
    ? `Send ${lineCount(line)} lines at once? Enter sends`
    : `Send ${lineCount(line)} lines as one message? Enter sends, any other key goes on editing`;
}

function lineCount(text: string): number {
  return text.trimEnd().split("\n").length;
}
