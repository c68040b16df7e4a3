import { nameKey } from "../protocol.ts";
import { type Fold } from "./fold.ts";
import { type Item, timeOf } from "./items.ts";

/** Items that a window keeps: far more than anybody scrolls, little enough for 32 busy rooms. */
export const MAX_ITEMS = 1000;
/** People of a window of whom it is known when they spoke. */
const MAX_SPEAKERS = 200;

/** Where one is: in a room, with one person, or nowhere yet. */
export type Place =
  | { readonly kind: "home" }
  | { readonly kind: "room"; readonly room: string }
  | { readonly kind: "private"; readonly name: string };

/** A room or a private conversation as one looks at it. */
export class ChatWindow {
  /** What was typed and not sent, while another window is shown. */
  draft = "";
  /** Whether the hub has let one in; a private conversation needs nobody's leave. */
  entered: boolean;
  unread = 0;
  /** Those of the unread that are for oneself. */
  mentions = 0;
  /** Comings and goings that are not among the items yet. */
  fold: Fold | undefined;
  /** The highest id that was there already when the room was entered: no news. */
  oldest = 0;
  #place: Place;
  #items: Item[] = [];
  /** Items that were dropped for being too many. */
  #dropped = 0;
  #mark: number | undefined;
  #day: string;
  readonly #spoke = new Map<string, number>();
  /** Those of them of whom it was told that they left. */
  readonly #gone = new Set<string>();

  constructor(place: Place, now: number) {
    this.#place = place;
    this.entered = place.kind !== "room";
    this.#day = dayOf(now);
  }

  get place(): Place {
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

  get items(): readonly Item[] {
    return this.#items;
  }

  /** Where in the items unread begins. */
  get mark(): number | undefined {
    return this.#mark === undefined ? undefined : Math.max(0, this.#mark - this.#dropped);
  }

  /** Adds an item; returns it after whatever has to stand before it: comings and goings, a new day. */
  add(item: Item): readonly Item[] {
    const added: Item[] = [];
    if (this.fold !== undefined) added.push({ kind: "presence", fold: this.fold });
    this.fold = undefined;
    const time = item.kind === "day" ? item.time : timeOf(item);
    if (time !== undefined && dayOf(time) !== this.#day) {
      this.#day = dayOf(time);
      if (item.kind !== "day") added.push({ kind: "day", time });
    }
    added.push(item);
    this.#items.push(...added);
    const over = this.#items.length - MAX_ITEMS;
    // In larger steps than one: cutting an array costs its length.
    if (over >= MAX_ITEMS / 4) {
      this.#items = this.#items.slice(over);
      this.#dropped += over;
    }
    return added;
  }

  /** Whether a line that says which day it is would be news. */
  isOtherDay(time: number): boolean {
    return dayOf(time) !== this.#day;
  }

  /** Counts what is about to be added as unread. */
  count(mention: boolean): void {
    this.#mark ??= this.#dropped + this.#items.length;
    this.unread++;
    if (mention) this.mentions++;
  }

  /** It is looked at: nothing is unread any more, but the mark stays until it is left. */
  look(): void {
    this.unread = 0;
    this.mentions = 0;
  }

  /** It was read: the mark goes. */
  read(): void {
    this.#mark = undefined;
  }

  clear(): void {
    this.#items = [];
    this.#dropped = 0;
    this.#mark = undefined;
    this.fold = undefined;
  }

  /** Takes over what was told before there was a room to tell it in. */
  adopt(items: readonly Item[]): void {
    this.#items.unshift(...items);
  }

  /** The person has another name now. */
  rename(name: string): void {
    if (this.#place.kind === "private") this.#place = { kind: "private", name };
  }

  spoke(name: string, now: number): void {
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
  left(name: string): void {
    const key = nameKey(name);
    if (this.#spoke.has(key)) this.#gone.add(key);
  }

  /**
   * Whether it is news that somebody came, and no more news after that: not of one who spoke and of
   * whom nobody heard that they were gone, as when a hub that restarted lets everybody in again.
   */
  isNewsThatCame(name: string): boolean {
    const key = nameKey(name);
    return !this.#spoke.has(key) || this.#gone.delete(key);
  }

  /** Whether somebody said something since `time`. */
  hasSpoken(name: string, time: number): boolean {
    return (this.#spoke.get(nameKey(name)) ?? -Infinity) >= time;
  }
}

/** The windows in the order in which they were opened, which is that of their numbers from 1. */
export class Windows {
  #list: ChatWindow[] = [];
  #current: ChatWindow;

  constructor(private readonly now: () => number) {
    this.#current = new ChatWindow({ kind: "home" }, now());
  }

  get list(): readonly ChatWindow[] {
    return this.#list;
  }

  /** The one that is shown; home only when there is no other. */
  get current(): ChatWindow {
    return this.#current;
  }

  get number(): number {
    return this.#list.indexOf(this.#current) + 1;
  }

  find(place: Place): ChatWindow | undefined {
    return this.#list.find((window) => isSame(window.place, place));
  }

  /** The window of a place; opened when there is none. */
  open(place: Place): ChatWindow {
    const found = this.find(place);
    if (found !== undefined) return found;
    const window = new ChatWindow(place, this.now());
    this.#list.push(window);
    if (this.#current.place.kind === "home") {
      window.adopt(this.#current.items);
      this.#current = window;
    }
    return window;
  }

  /** Shows a window; what was shown before has been read. */
  show(window: ChatWindow): void {
    if (window !== this.#current) this.#current.read();
    this.#current = window;
    window.look();
  }

  /** Closes a window. Returns whether another is shown now: the one before it in the list. */
  close(window: ChatWindow): boolean {
    const at = this.#list.indexOf(window);
    if (at === -1) return false;
    this.#list = this.#list.filter((each) => each !== window);
    if (window !== this.#current) return false;
    const next = this.#list[Math.max(0, at - 1)] ?? new ChatWindow({ kind: "home" }, this.now());
    this.show(next);
    return true;
  }

  /** The next one, in a circle, in which something happened: first what is for oneself. */
  get nextActive(): ChatWindow | undefined {
    const at = this.#list.indexOf(this.#current);
    const circle = [...this.#list.slice(at + 1), ...this.#list.slice(0, Math.max(0, at))];
    return circle.find(({ mentions }) => mentions > 0) ?? circle.find(({ unread }) => unread > 0);
  }
}

function isSame(a: Place, b: Place): boolean {
  if (a.kind === "room" && b.kind === "room") return a.room === b.room;
  if (a.kind === "private" && b.kind === "private") return nameKey(a.name) === nameKey(b.name);
  return a.kind === b.kind && a.kind === "home";
}

function dayOf(time: number): string {
  return new Date(time).toDateString();
}
