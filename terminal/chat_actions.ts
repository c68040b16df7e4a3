import type { LoadPage } from "../client/history.ts";
import { ConnectError, RequestError } from "../client/types.ts";
import type { Exported } from "../chat/export.ts";
import { quotedName } from "../chat/names.ts";
import { localTime } from "../chat/time.ts";
import { plural } from "../lib/words.ts";
import { MAX_HISTORY_PAGE, nameKey, visible } from "../protocol.ts";
import { type PastRequest, readBack, showPast } from "./older_messages.ts";
import { Away } from "./away.ts";
import { type CommandActions, CommandError } from "./commands.ts";
import { ExportError, exportTo } from "./export_file.ts";
import { type OutgoingMessage, sizeNearLimit } from "./unsent_messages.ts";
import type { ChatContext } from "./chat_context.ts";
import { durationText, latencyText, whoText } from "./presence_text.ts";
import type { TerminalSettings } from "./settings.ts";
import type { WindowPlace } from "./windows.ts";

/** Hits of a search that are shown. */
const HITS = 50;

/** Nothing was sent; what was typed is still wanted. */
export class NotSentError extends CommandError {}

/** What actions are told beside the parts. */
export interface ActionsOptions {
  /** The hub, as a person says it. */
  readonly address: string;
  /** The user's home directory. */
  readonly home: string | undefined;
  /** Called with what was set, to be remembered; resolves with whether that worked. */
  readonly onSettings?: (changed: Partial<TerminalSettings>) => Promise<boolean>;
  /** Shows how things are now. */
  readonly refresh: () => void;
  readonly quit: () => void;
}

/** What a chat can do at the wish of the one who types. */
export class ChatActions implements CommandActions {
  constructor(private readonly context: ChatContext, private readonly options: ActionsOptions) {}

  get place(): WindowPlace {
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

  say(text: string, how?: "action"): void {
    const { place } = this;
    const { closedReason } = this.context.windows.current;
    if (place.kind === "room" && closedReason !== undefined) {
      throw new NotSentError(
        `Not sent: you are not in ${place.room}: ${closedReason.replace(/\.$/, "")}. ` +
          `/join ${place.room} tries to enter it`,
      );
    }
    if (place.kind === "room") {
      this.#send({ kind: "room", room: place.room, text, ...how === undefined ? {} : { how } });
    } else if (how !== undefined) throw new CommandError("/me is for rooms, this is private");
    else if (place.kind === "private") this.whisper(place.name, text);
  }

  whisper(to: string, text: string): void {
    const window = this.context.windows.list.find({ kind: "private", name: to });
    if (window?.partner.ask() === true) {
      throw new NotSentError(
        `Not sent: ${to} was gone and may be another person now. Enter sends it all the same`,
      );
    }
    this.#send({ kind: "private", to, text });
  }

  reply(text: string): void {
    const { lastDirectSender } = this.context.status;
    if (lastDirectSender === undefined) {
      throw new CommandError("Nobody wrote to you alone yet: /msg NAME TEXT");
    }
    this.whisper(lastDirectSender, text);
  }

  openPrivate(name: string): void {
    const { windows } = this.context;
    const isNew = windows.list.find({ kind: "private", name }) === undefined;
    windows.show(windows.open({ kind: "private", name }));
    if (isNew) windows.note(`Only ${name} sees what you say here; /leave ends it`);
  }

  join(room: string): void {
    const { windows, connection, status } = this.context;
    this.#assertConnected();
    const window = windows.open({ kind: "room", room });
    if (!window.entered) {
      status.joining = [...status.joining.filter((each) => each !== room), room];
      status.leaving.delete(room);
      window.closedReason = undefined;
      connection.join({ room, ...window.position });
    }
    windows.show(window);
  }

  leave(place: WindowPlace): void {
    const { windows, connection, status } = this.context;
    const window = windows.list.find(place);
    if (window === undefined) {
      throw new CommandError("There is no such conversation: /rooms lists yours");
    }
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
      const facts = [
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
      return `${at + 1} ${title}${facts.length === 0 ? "" : ` (${facts.join(", ")})`}`;
    });
    this.page(rows);
  }

  rename(name: string): void {
    this.#assertConnected();
    this.context.status.requestedName = name;
    this.context.connection.nick(name);
  }

  who(room: string): void {
    this.#assertConnected();
    this.#ask(this.context.connection.who(room), (who) => this.note(whoText(who)));
  }

  history(room: string, limit: number): void {
    const what = (count: number): string => `The last ${plural(count, "message")} in ${room}`;
    this.#showPast({ room, limit, what, none: `Nothing was said in ${room} yet` });
  }

  search(room: string, query: string): void {
    const which = (more: boolean): string => more ? "The newest " : "";
    const what = (count: number, more: boolean): string =>
      `${which(more)}${plural(count, "message")} with "${query}" in ${room}`;
    this.#showPast({
      room,
      query,
      limit: HITS,
      what,
      none: `No message with "${query}" in ${room}`,
    });
  }

  older(room: string, limit: number): void {
    const { current } = this.context.windows;
    const { query, before = current.oldestId } = current.olderFrom ?? {};
    const words = query === undefined ? "" : ` with "${query}"`;
    this.#showPast({
      room,
      limit,
      ...before === undefined ? {} : { before },
      ...query === undefined ? {} : { query },
      what: (count) => `${plural(count, "message")}${words} before that in ${room}`,
      none: `There is no older message${words} in ${room}`,
    });
  }

  ignore(name: string): void {
    const { connection, ignored, typing } = this.context;
    const { sender } = connection;
    if (sender !== undefined && nameKey(sender) === nameKey(name)) {
      throw new CommandError("That is you");
    }
    ignored.add(name);
    for (const room of this.rooms) typing.remove(room, name);
    this.note(`You see nothing of ${name} until /unignore ${name}, or until you leave`);
  }

  unignore(name: string): void {
    this.context.ignored.remove(name);
    this.note(`You see what ${name} says again`);
  }

  away(text: string): void {
    const { status, clock } = this.context;
    status.away = new Away(text, clock.now());
    this.note(`You are away: "${text}". /back or saying something ends it`);
  }

  back(): void {
    const { status, clock } = this.context;
    const { away } = status;
    if (away === undefined) throw new CommandError("You are not away");
    status.away = undefined;
    const after = durationText(clock.now() - away.since);
    if (away.count === 0) return this.note(`Back after ${after}; nothing was for you`);
    const part = away.count > away.missed.length ? `, the last ${away.missed.length}` : "";
    const head = `Back after ${after}; ${plural(away.count, "message")} for you${part}:`;
    this.page([head, ...away.missed]);
  }

  exportTo(path: string, replace: boolean): void {
    const { windows } = this.context;
    const { title, room, items } = windows.current;
    if (room !== undefined) this.#assertConnected();
    const pages = room === undefined
      ? privatePages(items.flatMap((item) => item.kind === "direct" ? item.direct : []))
      : this.#pages(room);
    const { home } = this.options;
    const heading = room === undefined ? title : `#${room}`;
    this.#ask(exportTo({ path, replace, title: heading, home }, pages), (count) => {
      this.note(`Wrote ${plural(count, "message")} of ${title} into "${path}"`);
    }, "Not written");
  }

  clear(): void {
    this.context.windows.clear();
  }

  set(settings: Partial<TerminalSettings>): void {
    const { status, windows } = this.context;
    status.settings = { ...status.settings, ...settings };
    void this.options.onSettings?.(settings).then((isKept) => {
      if (!isKept) windows.problem("Only for this run: the data directory cannot be written");
    });
    // What is in sight is shown the new way; a bell changes nothing of it.
    if (settings.bell === undefined) windows.redraw();
  }

  status(): void {
    const { connection, clock, status, unsent } = this.context;
    const { link, resumed, recoveredMessages } = status;
    const tell = (how: string, more: readonly string[]): void => {
      const rooms = plural(this.rooms.length, "room");
      const talks = plural(this.privates.length, "private talk");
      this.page([
        `${how} as ${connection.sender ?? "nobody yet"}`,
        ...more,
        `Resumed ${plural(resumed, "time")}, ${
          plural(recoveredMessages, "missed message")
        } made up for`,
        `${rooms}, ${talks}, ${plural(unsent.count, "message")} on the way`,
      ]);
    };
    const { address } = this.options;
    if (link.kind !== "online") return tell(`Not connected to ${address}`, []);
    const { since } = link;
    const asked = clock.now();
    this.#ask(connection.ping(), () => {
      const latency = latencyText(clock.now() - asked);
      const time = `since ${localTime(new Date(since))}, for ${durationText(clock.now() - since)}`;
      tell(`Connected to ${address}`, [`Online ${time}; latency ${latency}`]);
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

  /** @throws {NotSentError} when the hub has ended the conversation. */
  #assertConnected(): void {
    const { link } = this.context.status;
    if (link.kind !== "ended") return;
    const reason = link.reason.replace(/\.$/, "");
    throw new NotSentError(`Not connected: ${reason}. /quit leaves; start bcast again to go on`);
  }

  #send(saying: OutgoingMessage): void {
    this.#assertConnected();
    const { connection, status, unsent } = this.context;
    const size = sizeNearLimit(saying, connection.limits);
    if (size?.over === true) {
      const bytes = plural(size.bytes - size.limit, "byte");
      const limit = size.limit.toLocaleString("en-US");
      return this.refused(saying, `it is ${bytes} too long, ${limit} are allowed`);
    }
    if (status.away !== undefined) this.back();
    unsent.send(saying);
  }

  /** Tells that something was not sent, and gives it back to whoever typed it. */
  refused(saying: OutgoingMessage, why: string, surely = true): void {
    const { windows, screen } = this.context;
    const place: WindowPlace = saying.kind === "room"
      ? { kind: "room", room: saying.room }
      : { kind: "private", name: saying.to };
    const window = windows.list.find(place);
    const here = window === windows.current;
    const reason = why.replace(/\.$/, "");
    const not = surely ? "Not sent" : "Perhaps not sent";
    if (here || saying.kind === "private") {
      if (screen.draft === "") {
        windows.problem(`${not}: ${reason}. You have it back below`);
        return screen.setDraft(typedAs(saying, here));
      }
    } else if (window !== undefined && window.draft === "") {
      window.draft = typedAs(saying, true);
      return windows.problem(`${not} to ${window.title}: ${reason}. You find it there again`);
    }
    // There, nothing brings it back but to type it again.
    if (screen.plain === true) {
      return windows.problem(`${not}: ${reason}. You wrote: ${typedAs(saying, here)}`);
    }
    const text = saying.text.length > 60 ? `${saying.text.slice(0, 60)}…` : saying.text;
    windows.problem(`${not}: ${reason}. The up arrow brings it back: "${text}"`);
  }

  /** Shows messages of the past in the window that is shown now. */
  #showPast(past: PastRequest): void {
    this.#assertConnected();
    const window = this.context.windows.current;
    const { connection } = this.context;
    const page: LoadPage = (query) => connection.history(past.room, query);
    this.#ask(readBack(page, past), (found) => showPast(this.context, window, past, found));
  }

  async *#pages(room: string): AsyncGenerator<readonly Exported[]> {
    for (let after = 0;;) {
      const query = { after, limit: MAX_HISTORY_PAGE };
      const { messages, more } = await this.context.connection.history(room, query);
      yield messages;
      const last = messages.at(-1)?.id;
      // Said to be more, but nothing further on: no reason to ask for ever.
      if (!more || last === undefined || last <= after) return;
      after = last;
    }
  }

  /** Shows the answer to a request, or why there is none. */
  #ask<T>(answer: Promise<T>, show: (answer: T) => void, what = "Refused"): void {
    const { windows, connection } = this.context;
    void answer.then(show, (error: unknown) => {
      // The end of the conversation is told where it is noticed, not once for every request.
      if (error instanceof ConnectError && connection.state === "closed") return;
      if (
        error instanceof RequestError || error instanceof ConnectError ||
        error instanceof ExportError
      ) return windows.problem(`${what}: ${error.message}`);
      throw error;
    }).finally(() => this.options.refresh());
  }
}

/** What somebody typed to say it; `here`: in the window that it is for. */
function typedAs(saying: OutgoingMessage, here: boolean): string {
  if (saying.kind === "private" && !here) {
    return `/msg ${quotedName(saying.to)} ${saying.text}`;
  }
  if (saying.kind === "room" && saying.how === "action") return `/me ${saying.text}`;
  return saying.text.startsWith("/") ? `/${saying.text}` : saying.text;
}

async function* privatePages(directs: readonly Exported[]): AsyncGenerator<readonly Exported[]> {
  yield await Promise.resolve(directs);
}
