import { nameKey } from "../protocol.ts";
import { type PresenceSummary } from "./presence_summary.ts";
import { timeOf, type WindowItem } from "./window_items.ts";
import { Partner } from "./partner.ts";

/** Items that a window keeps: far more than anybody scrolls, little enough for 32 busy rooms. */
export const MAX_ITEMS = 1000;
/** People of a window of whom it is known when they spoke. */
const MAX_SPEAKERS = 200;

/** Where one is: in a room, with one person, or nowhere yet. */
export type WindowPlace =
  | { readonly kind: "home" }
  | { readonly kind: "room"; readonly room: string }
  | { readonly kind: "private"; readonly name: string };

/** What a window shows when the user comes back to it. */
export interface MissedItems {
  /** Messages that count as unread. */
  readonly unread: number;
  /** The index of the first item that was never shown; the number of items where all were. */
  readonly from: number;
  /** Messages that were never shown and that the window no longer holds. */
  readonly skipped: number;
  /** How many messages of the room's log, before the oldest one held, have all that was skipped. */
  readonly older: number | undefined;
}

/** A room or a private conversation as one looks at it. */
export class ChatWindow {
  /** What was typed and not sent, while another window is shown. */
  draft = "";
  /** Whether the hub has let one in; a private conversation needs nobody's leave. */
  entered: boolean;
  /** Why nothing can be sent here any more; the window stays, for its text and its draft. */
  closedReason: string | undefined;
  unread = 0;
  /** Those of the unread that are for oneself. */
  mentions = 0;
  /** Comings and goings that are not among the items yet. */
  presence: PresenceSummary | undefined;
  /** The highest id that was there already when the room was entered: no news. */
  newestAtJoin = 0;
  /** Where reading stopped: what a later join goes on from. */
  position: { readonly epoch: string; readonly after: number } | undefined;
  /** What `/older` shows next. */
  olderFrom: { readonly before: number; readonly query?: string } | undefined;
  /** The latest notice of the hub about the room: the reason, when the room is left right after it. */
  notice: string | undefined;
  /** What is known of the other person, where the conversation is private. */
  readonly partner = new Partner();
  #place: WindowPlace;
  #items: WindowItem[] = [];
  /** Items that were dropped for being too many. */
  #dropped = 0;
  #mark: number | undefined;
  /** Where the items begin that were never shown; `undefined` while the window is shown. */
  #unshown: number | undefined = 0;
  #skipped = 0;
  #firstSkipped: number | undefined;
  /** What comes before it was cleared away. */
  #cleared = 0;
  #day: string;
  readonly #spoke = new Map<string, number>();
  /** Those of them of whom it was told that they left. */
  readonly #gone = new Set<string>();

  constructor(place: WindowPlace, now: number) {
    this.#place = place;
    this.entered = place.kind !== "room";
    this.#day = dayOf(now);
  }

  get place(): WindowPlace {
    return this.#place;
  }

  /** The room, where it is one. */
  get room(): string | undefined {
    return this.#place.kind === "room" ? this.#place.room : undefined;
  }

  /** `lobby`, `@Bob`; empty for nowhere. */
  get title(): string {
    const place = this.#place;
    if (place.kind === "room") return place.room;
    return place.kind === "private" ? `@${place.name}` : "";
  }

  get items(): readonly WindowItem[] {
    return this.#items;
  }

  /** Where in the items unread begins. */
  get mark(): number | undefined {
    return this.#mark === undefined ? undefined : Math.max(0, this.#mark - this.#dropped);
  }

  /** The index of the first item that was not cleared away. */
  get top(): number {
    return Math.max(0, this.#cleared - this.#dropped);
  }

  /** The id of the oldest message that the window holds. */
  get oldestId(): number | undefined {
    for (const item of this.#items) if (item.kind === "message") return item.message.id;
    return undefined;
  }

  /** Adds an item; returns it after whatever has to stand before it: comings and goings, a new day. */
  add(item: WindowItem): readonly WindowItem[] {
    const added: WindowItem[] = [];
    if (this.presence !== undefined) added.push({ kind: "presence", fold: this.presence });
    this.presence = undefined;
    const time = item.kind === "day" ? item.time : timeOf(item);
    if (time !== undefined && dayOf(time) !== this.#day) {
      this.#day = dayOf(time);
      if (item.kind !== "day") added.push({ kind: "day", time });
    }
    added.push(item);
    this.#items.push(...added);
    this.#trim();
    return added;
  }

  /** Whether a line that says which day it is would be news. */
  isOtherDay(time: number): boolean {
    return dayOf(time) !== this.#day;
  }

  /** Counts what is about to be added as unread. */
  addUnread(mention: boolean): void {
    this.#mark ??= this.#dropped + this.#items.length;
    this.unread++;
    if (mention) this.mentions++;
  }

  /** The window is shown: nothing is unread any more, but the mark stays until it is left. */
  markShown(): MissedItems {
    const from = Math.max(0, (this.#unshown ?? Infinity) - this.#dropped);
    const { unread, oldestId } = this;
    const first = this.#firstSkipped;
    const missed: MissedItems = {
      unread,
      from: Math.min(from, this.#items.length),
      skipped: this.#skipped,
      older: first === undefined || oldestId === undefined ? undefined : oldestId - first,
    };
    // What was skipped is what `/older` shows next.
    if (missed.older !== undefined && oldestId !== undefined) this.olderFrom = { before: oldestId };
    this.unread = 0;
    this.mentions = 0;
    this.#unshown = undefined;
    this.#skipped = 0;
    this.#firstSkipped = undefined;
    return missed;
  }

  /** The user answered from another window, where a line of each message was shown: it was read. */
  markAnswered(): void {
    this.unread = 0;
    this.mentions = 0;
    this.#mark = undefined;
  }

  /** Another window is shown: what was in this one has been read. */
  markHidden(): void {
    this.#mark = undefined;
    this.#unshown = this.#dropped + this.#items.length;
  }

  /** Shows nothing any more of what was said so far. */
  clear(): void {
    this.#cleared = this.#dropped + this.#items.length;
    this.#mark = undefined;
  }

  /** Takes over what was told before there was a room to tell it in. */
  insertFirst(items: readonly WindowItem[]): void {
    this.#items.unshift(...items);
  }

  /** The person has another name now. */
  rename(name: string): void {
    if (this.#place.kind === "private") this.#place = { kind: "private", name };
  }

  /** Drops the oldest items where there are too many, and counts those that nobody saw. */
  #trim(): void {
    const over = this.#items.length - MAX_ITEMS;
    // In larger steps than one: cutting an array costs its length.
    if (over < MAX_ITEMS / 4) return;
    const unshown = Math.max(0, (this.#unshown ?? Infinity) - this.#dropped);
    for (const item of this.#items.slice(unshown, over)) {
      if (item.kind === "message") this.#firstSkipped ??= item.message.id;
      if (timeOf(item) !== undefined || item.kind === "past") this.#skipped++;
    }
    this.#items = this.#items.slice(over);
    this.#dropped += over;
  }

  recordSpeaker(name: string, now: number): void {
    const key = nameKey(name);
    this.#gone.delete(key);
    this.#spoke.delete(key);
    this.#spoke.set(key, now);
    if (this.#spoke.size <= MAX_SPEAKERS) return;
    const [first] = this.#spoke.keys();
    if (first === undefined) return;
    this.#spoke.delete(first);
    this.#gone.delete(first);
  }

  /** It was told that somebody left. */
  recordLeft(name: string): void {
    const key = nameKey(name);
    if (this.#spoke.has(key)) this.#gone.add(key);
  }

  /**
   * Whether it is news that somebody came, and no more news after that: not of one who spoke and of
   * whom nobody heard that they were gone, as when a hub that restarted lets everybody in again.
   */
  announcesJoin(name: string): boolean {
    const key = nameKey(name);
    return !this.#spoke.has(key) || this.#gone.delete(key);
  }

  /** Whether somebody said something since `time`. */
  hasSpoken(name: string, time: number): boolean {
    return (this.#spoke.get(nameKey(name)) ?? -Infinity) >= time;
  }
}

/**
 * The windows in the order in which they were opened, which is that of their numbers from 1.
 *
 * What happens never decides which of them is shown: what the user types next would be sent to
 * whoever is in another one. Only `show()`, `close()` and `begin()` do, at the user's wish.
 */
export class WindowList {
  #list: ChatWindow[] = [];
  readonly #home: ChatWindow;
  #current: ChatWindow;

  constructor(private readonly now: () => number) {
    this.#current = this.#home = new ChatWindow({ kind: "home" }, now());
    this.#home.markShown();
  }

  get all(): readonly ChatWindow[] {
    return this.#list;
  }

  /** The one that is shown; home where the user has no other. */
  get current(): ChatWindow {
    return this.#current;
  }

  get number(): number {
    return this.#list.indexOf(this.#current) + 1;
  }

  find(place: WindowPlace): ChatWindow | undefined {
    return this.#list.find((window) => isSame(window.place, place));
  }

  /** The window of a place; opened, but not shown, when there is none. */
  open(place: WindowPlace): ChatWindow {
    const found = this.find(place);
    if (found !== undefined) return found;
    const window = new ChatWindow(place, this.now());
    this.#list.push(window);
    return window;
  }

  /** The room that the user started the program for: it takes the place of home. */
  replaceHome(window: ChatWindow): void {
    if (this.#current !== this.#home) return;
    window.insertFirst(this.#home.items);
    window.markShown();
    this.#current = window;
  }

  /** Shows a window; what was shown before has been read. */
  show(window: ChatWindow): MissedItems {
    if (window !== this.#current) this.#current.markHidden();
    this.#current = window;
    return window.markShown();
  }

  /** Closes a window; where it was shown, returns what the one before it in the list shows. */
  close(window: ChatWindow): MissedItems | undefined {
    const at = this.#list.indexOf(window);
    if (at === -1) return undefined;
    this.#list = this.#list.filter((each) => each !== window);
    if (window !== this.#current) return undefined;
    return this.show(this.#list[Math.max(0, at - 1)] ?? this.#home);
  }

  /** The one so many places further on, in a circle. */
  neighbour(step: 1 | -1): ChatWindow | undefined {
    const { length } = this.#list;
    const at = this.#list.indexOf(this.#current);
    // From home, which has no place, on to the first or back to the last.
    return this.#list[at === -1 ? (step === 1 ? 0 : length - 1) : (at + step + length) % length];
  }

  /** The window of a number, or of a room or person as the status shows it: `3`, `ops`, `@Bob`. */
  named(name: string): ChatWindow | undefined {
    const numbered = /^\d+$/.test(name) ? this.#list[Number(name) - 1] : undefined;
    if (numbered !== undefined) return numbered;
    return this.find(
      name.startsWith("@")
        ? { kind: "private", name: name.slice(1) }
        : { kind: "room", room: name.replace(/^#/, "").toLowerCase() },
    );
  }

  /** The next one, in a circle, in which something happened: first what is for oneself. */
  get nextActive(): ChatWindow | undefined {
    const at = this.#list.indexOf(this.#current);
    const circle = [...this.#list.slice(at + 1), ...this.#list.slice(0, Math.max(0, at))];
    return circle.find(({ mentions }) => mentions > 0) ?? circle.find(({ unread }) => unread > 0);
  }
}

function isSame(a: WindowPlace, b: WindowPlace): boolean {
  if (a.kind === "room" && b.kind === "room") return a.room === b.room;
  if (a.kind === "private" && b.kind === "private") return nameKey(a.name) === nameKey(b.name);
  return a.kind === b.kind && a.kind === "home";
}

function dayOf(time: number): string {
  return new Date(time).toDateString();
}
