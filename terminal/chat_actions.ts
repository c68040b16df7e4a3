import { CommandError, type Place } from "../chat/commands.ts";
import { partnerConfirmed, partnerDoubtReason } from "../chat/partner.ts";
import { whoText } from "../chat/presence.ts";
import { sizeNearLimit } from "../chat/size.ts";
import { formatDuration, formatLatency, localTime } from "../chat/time.ts";
import { nameKey, visible } from "../protocol.ts";
import { plural } from "../lib/words.ts";
import { Away } from "./away.ts";
import type { ChatContext } from "./chat_context.ts";
import type { TerminalActions } from "./commands.ts";
import { exportTo } from "./export_file.ts";
import { HubRequests, NotSentError, withoutFullStop } from "./hub_requests.ts";
import * as older from "./older_messages.ts";
import { returnMessage } from "./returned_message.ts";
import type { TerminalSettings } from "./settings.ts";
import type { TypedMessage } from "./unsent_messages.ts";

/** Options of {@linkcode TerminalActions}. */
export interface ActionsOptions {
  /** The hub's address, as a person types it. */
  readonly address: string;
  /** The user's home directory. */
  readonly home: string | undefined;
  /** Stores changed settings; resolves with whether that worked. */
  readonly onSettings: ((changed: Partial<TerminalSettings>) => Promise<boolean>) | undefined;
  /** Updates prompt and status. */
  readonly refresh: () => void;
  readonly quit: () => void;
}

/** The commands of the user. */
export class TerminalActionHandler implements TerminalActions {
  readonly #requests: HubRequests;

  constructor(private readonly context: ChatContext, private readonly options: ActionsOptions) {
    this.#requests = new HubRequests(context, options.refresh);
  }

  get place(): Place {
    return this.context.windows.current.place;
  }

  get rooms(): readonly string[] {
    return this.context.windows.list.all.flatMap(({ room }) => room ?? []);
  }

  get windows(): readonly string[] {
    return this.context.windows.list.all.map(({ title }) => title);
  }

  get privates(): readonly string[] {
    return this.context.windows.list.all.flatMap(({ place }) =>
      place.kind === "private" ? place.name : []
    );
  }

  get people(): readonly string[] {
    return this.context.roster.people;
  }

  get ignored(): readonly string[] {
    return this.context.ignored.names;
  }

  get columns(): number {
    return this.context.screen.columns;
  }

  get plain(): boolean {
    return this.context.screen.plain === true;
  }

  get settings(): TerminalSettings {
    return this.context.status.settings;
  }

  say(text: string, kind?: "action"): void {
    const { place } = this;
    const { closedReason } = this.context.windows.current;
    if (place.kind === "private") return this.sendPrivate(place.name, text);
    if (place.kind === "home") return;
    if (closedReason !== undefined) {
      throw new NotSentError(
        `Not sent: you are not in ${place.room}: ${withoutFullStop(closedReason)}. ` +
          `/join ${place.room} tries to enter it`,
      );
    }
    this.#send({ place, text, kind });
  }

  sendPrivate(to: string, text: string): void {
    const place = { kind: "private", name: to } as const;
    const window = this.context.windows.list.find(place);
    if (window?.partner.doubtful === true) {
      window.partner = partnerConfirmed(window.partner);
      throw new NotSentError(`Not sent: ${partnerDoubtReason(to)}. Press Enter to send it anyway`);
    }
    this.#send({ place, text });
  }

  reply(text: string): void {
    const { lastDirectSender } = this.context.status;
    if (lastDirectSender === undefined) {
      throw new CommandError("You have no private message to answer: /msg NAME TEXT");
    }
    this.sendPrivate(lastDirectSender, text);
  }

  openPrivate(name: string): void {
    const { windows } = this.context;
    const isNew = windows.list.find({ kind: "private", name }) === undefined;
    windows.show(windows.open({ kind: "private", name }));
    if (isNew) windows.note(`Only ${name} sees what you write here. /leave closes it`);
  }

  join(room: string): void {
    const { windows, connection, status } = this.context;
    this.#requests.assertConnected();
    const window = windows.open({ kind: "room", room });
    if (!window.entered) {
      status.joining = [...status.joining.filter((each) => each !== room), room];
      status.leaving.delete(room);
      window.closedReason = undefined;
      connection.join({ room, ...window.position });
    }
    windows.show(window);
  }

  leave(place: Place): void {
    const { windows, connection, status } = this.context;
    const window = windows.list.find(place);
    if (window === undefined) return;
    const { room, closedReason } = window;
    const isIn = room !== undefined && closedReason === undefined && status.link.kind !== "ended";
    if (isIn) {
      status.joining = status.joining.filter((each) => each !== room);
      status.leaving.add(room);
      connection.leave(room);
    }
    // At once: by the time the hub answers, the user may be typing something for this window.
    windows.close(window);
    if (isIn) windows.note(`You left ${room}`);
    if (windows.current.place.kind === "home") windows.note("You are in no room: /join ROOM");
  }

  show(name: string): void {
    const { windows } = this.context;
    const window = windows.list.named(name);
    if (window === undefined) {
      throw new CommandError(`There is no window ${visible(name)}: /rooms lists yours`);
    }
    windows.show(window);
  }

  listRooms(): void {
    const { windows, connection, directory, roster } = this.context;
    const { all, current } = windows.list;
    void directory.refresh().then(() => {
      const text = directory.textWithout(this.rooms);
      if (text === undefined || connection.state === "closed") return;
      windows.add({ kind: "note", text }, current);
    });
    if (all.length === 0) throw new CommandError("You are in no room: /join ROOM");
    const rows = all.map((window, at) => {
      const { room, title, unread, mentions } = window;
      const online = room === undefined ? undefined : roster.rooms.get(room)?.online;
      const details = [
        ...online === undefined ? [] : [`${online} online`],
        ...window.closedReason !== undefined
          ? ["closed"]
          : !window.entered
          ? ["not entered yet"]
          : [],
        ...unread === 0 ? [] : [`${unread} unread`],
        ...mentions === 0 || room === undefined ? [] : [plural(mentions, "mention")],
        ...window === current ? ["you are here"] : [],
      ];
      return `${at + 1} ${title}${details.length === 0 ? "" : ` (${details.join(", ")})`}`;
    });
    this.page(rows);
  }

  rename(name: string): void {
    this.#requests.assertConnected();
    this.context.status.requestedName = name;
    this.context.connection.nick(name);
  }

  who(room: string): void {
    this.#requests.assertConnected();
    this.#requests.show(this.context.connection.members(room), (who) => this.note(whoText(who)));
  }

  history(room: string, limit: number): void {
    older.showHistory(this.context, this.#requests, room, limit);
  }

  search(room: string, query: string): void {
    older.showSearch(this.context, this.#requests, room, query);
  }

  older(room: string, limit: number): void {
    older.showOlder(this.context, this.#requests, room, limit);
  }

  ignore(name: string): void {
    const { connection, ignored, typing } = this.context;
    const { sender } = connection;
    if (sender !== undefined && nameKey(sender) === nameKey(name)) {
      throw new CommandError("That is you");
    }
    ignored.add(name);
    for (const room of this.rooms) typing.remove(room, name);
    this.note(`${name} is hidden until /unignore ${name}, or until you leave`);
  }

  unignore(name: string): void {
    this.context.ignored.remove(name);
    this.note(`${name} is no longer hidden`);
  }

  away(text: string): void {
    const { status, clock } = this.context;
    status.away = new Away(text, clock.now());
    this.note(`You are away: "${text}". /back or any message of yours ends it`);
  }

  back(): void {
    const { status, clock } = this.context;
    const { away } = status;
    if (away === undefined) throw new CommandError("You are not away");
    status.away = undefined;
    const after = formatDuration(clock.now() - away.since);
    if (away.count === 0) return this.note(`Back after ${after}; nothing was for you`);
    const part = away.count > away.missed.length ? `, the last ${away.missed.length}` : "";
    const head = `Back after ${after}; ${plural(away.count, "message")} for you${part}:`;
    this.page([head, ...away.missed]);
  }

  exportTo(path: string, replace: boolean): void {
    const { current } = this.context.windows;
    const { title, room } = current;
    if (room !== undefined) this.#requests.assertConnected();
    const { home } = this.options;
    const heading = room === undefined ? title : `#${room}`;
    const pages = older.wholeConversation(this.context, current);
    this.#requests.show(exportTo({ path, replace, title: heading, home }, pages), (count) => {
      this.note(`Wrote ${plural(count, "message")} of ${title} to "${path}"`);
    }, "Not written");
  }

  clear(): void {
    this.context.windows.clear();
  }

  set(settings: Partial<TerminalSettings>): void {
    const { status, windows } = this.context;
    status.settings = { ...status.settings, ...settings };
    void this.options.onSettings?.(settings).then((isStored) => {
      if (!isStored) windows.problem("Not remembered: the data directory cannot be written");
    });
    // The bell changes nothing on the screen.
    if (settings.bell === undefined) windows.redraw();
  }

  status(): void {
    const { connection, clock, unsent, status: { link, resumed, recoveredMessages } } =
      this.context;
    const print = (state: string, more: readonly string[]): void => {
      const rooms = plural(this.rooms.length, "room");
      const privates = plural(this.privates.length, "private conversation");
      this.page([
        connection.sender === undefined ? state : `${state} as ${connection.sender}`,
        ...more,
        `Reconnected ${plural(resumed, "time")}, ${
          plural(recoveredMessages, "missed message")
        } recovered`,
        `${rooms}, ${privates}, ${plural(unsent.count, "message")} on the way`,
      ]);
    };
    const { address } = this.options;
    if (link.kind !== "online") return print(`Not connected to ${address}`, []);
    const { since } = link;
    const asked = clock.now();
    this.#requests.show(connection.ping(), () => {
      const latency = formatLatency(clock.now() - asked);
      const time = `since ${localTime(new Date(since))}, for ${
        formatDuration(clock.now() - since)
      }`;
      print(`Connected to ${address}`, [`Online ${time}; latency ${latency}`]);
    });
  }

  note(text: string): void {
    this.context.windows.note(text);
  }

  page(rows: readonly string[]): void {
    this.context.windows.add({ kind: "page", rows });
  }

  quit(): void {
    this.options.quit();
  }

  #send(message: TypedMessage): void {
    this.#requests.assertConnected();
    const { connection: { limits }, status, unsent } = this.context;
    const { text, place, kind } = message;
    const size = limits === undefined ? undefined : sizeNearLimit(text, place, limits, kind);
    if (size !== undefined && size.bytes > size.limit) {
      const bytes = plural(size.bytes - size.limit, "byte");
      const limit = size.limit.toLocaleString("en-US");
      return returnMessage(this.context, message, `it is ${bytes} too long, ${limit} are allowed`);
    }
    if (status.away !== undefined) this.back();
    unsent.send(message);
  }
}
