import { nameKey } from "../protocol.ts";
import type { Place } from "../chat/commands.ts";
import { type Partner, UNKNOWN_PARTNER } from "../chat/partner.ts";
import type { PresenceSummary } from "../chat/presence.ts";
import { isSameDay } from "../chat/time.ts";
import { timeOf, type WindowItem } from "./window_items.ts";

/** Items that a window keeps: more than people scroll, and little memory for 32 busy rooms. */
export const MAX_ITEMS = 1000;
/** People of a window whose last message is remembered. */
const MAX_SPEAKERS = 200;

/** Items that a window shows when the user returns to it. */
export interface MissedItems {
  /** Messages that count as unread. */
  readonly unread: number;
  /** The index of the first item that was never shown; the number of items if all were. */
  readonly from: number;
  /** Messages that were never shown and that the window no longer holds. */
  readonly skipped: number;
  /** Messages before the oldest one held that `/older` must show to include the skipped ones. */
  readonly older: number | undefined;
}

/** A room or a private conversation on the screen. */
export class ChatWindow {
  /** Unsent text, while another window is shown. */
  draft = "";
  /** Whether the hub has let the user in. Private conversations need no permission. */
  entered: boolean;
  /** Why nothing can be sent here any more. The window stays, with its text and draft. */
  closedReason: string | undefined;
  unread = 0;
  /** Unread mentions and private messages. */
  mentions = 0;
  /** Joins and leaves that are not among the items yet. */
  presence: PresenceSummary | undefined;
  /** The newest id when the room was entered: no news up to there. */
  newestAtJoin = 0;
  /** The last message received, from which a later join resumes. */
  position: { readonly epoch: string; readonly after: number } | undefined;
  /** The messages that `/older` shows next. */
  olderFrom: { readonly before: number; readonly query?: string | undefined } | undefined;
  /** The latest notice of the hub about the room: the reason, if the room is closed right after. */
  notice: string | undefined;
  /** The other person of a private conversation. */
  partner: Partner = UNKNOWN_PARTNER;
  #place: Place;
  #items: WindowItem[] = [];
  /** Items that were dropped because there were too many. */
  #dropped = 0;
  // Positions of items, counted from the very first one.
  #mark: number | undefined;
  /** The first item that was never shown; `undefined` while the window is shown. */
  #unshown: number | undefined = 0;
  #skipped = 0;
  #firstSkipped: number | undefined;
  /** The first item after the last `/clear`. */
  #cleared = 0;
  /** A moment of the day to which the items have got, in milliseconds since 1970. */
  #day: number;
  readonly #lastSpoke = new Map<string, number>();
  /** Speakers whose leave was announced. */
  readonly #gone = new Set<string>();

  constructor(place: Place, now: number) {
    this.#place = place;
    this.entered = place.kind !== "room";
    this.#day = now;
  }

  get place(): Place {
    return this.#place;
  }

  /** The room; `undefined` for a private conversation. */
  get room(): string | undefined {
    return this.#place.kind === "room" ? this.#place.room : undefined;
  }

  /** `lobby`, `@Bob`; empty at home. */
  get title(): string {
    const place = this.#place;
    if (place.kind === "room") return place.room;
    return place.kind === "private" ? `@${place.name}` : "";
  }

  get items(): readonly WindowItem[] {
    return this.#items;
  }

  /** The index of the first unread item. */
  get mark(): number | undefined {
    return this.#mark === undefined ? undefined : Math.max(0, this.#mark - this.#dropped);
  }

  /** The index of the first item that was not cleared. */
  get top(): number {
    return Math.max(0, this.#cleared - this.#dropped);
  }

  /** The id of the oldest message that the window holds. */
  get oldestId(): number | undefined {
    for (const item of this.#items) if (item.kind === "message") return item.message.id;
    return undefined;
  }

  /** Adds an item. Returns all added items: joins and leaves, and a new day, come before it. */
  add(item: WindowItem): readonly WindowItem[] {
    const added: WindowItem[] = [];
    if (this.presence !== undefined) added.push({ kind: "presence", summary: this.presence });
    this.presence = undefined;
    const time = item.kind === "day" ? item.time : timeOf(item);
    if (time !== undefined && this.isOtherDay(time)) {
      this.#day = time;
      if (item.kind !== "day") added.push({ kind: "day", time });
    }
    added.push(item);
    this.#items.push(...added);
    this.#trim();
    return added;
  }

  /** Whether the last item is of another day. */
  isOtherDay(time: number): boolean {
    return !isSameDay(time, this.#day);
  }

  /** Counts the item that is about to be added as unread. */
  addUnread(mention: boolean): void {
    this.#mark ??= this.#dropped + this.#items.length;
    this.unread++;
    if (mention) this.mentions++;
  }

  /** The window is shown: nothing is unread, but the mark stays until the window is hidden. */
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
    // `/older` shows the skipped messages next.
    if (missed.older !== undefined && oldestId !== undefined) this.olderFrom = { before: oldestId };
    this.unread = 0;
    this.mentions = 0;
    this.#unshown = undefined;
    this.#skipped = 0;
    this.#firstSkipped = undefined;
    return missed;
  }

  /** The user answered from another window, which showed a preview of each message. */
  markAnswered(): void {
    this.unread = 0;
    this.mentions = 0;
    this.#mark = undefined;
  }

  /** Another window is shown. */
  markHidden(): void {
    this.#mark = undefined;
    this.#unshown = this.#dropped + this.#items.length;
  }

  /** Hides all items so far. */
  clear(): void {
    this.#cleared = this.#dropped + this.#items.length;
    this.#mark = undefined;
  }

  /** Takes over the items of the home window. */
  insertFirst(items: readonly WindowItem[]): void {
    this.#items.unshift(...items);
  }

  /** The other person has a new name. */
  rename(name: string): void {
    if (this.#place.kind === "private") this.#place = { kind: "private", name };
  }

  /** Drops the oldest items if there are too many, and counts those that were never shown. */
  #trim(): void {
    const over = this.#items.length - MAX_ITEMS;
    // In large steps, because each one copies the array.
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
    this.#lastSpoke.delete(key);
    this.#lastSpoke.set(key, now);
    if (this.#lastSpoke.size <= MAX_SPEAKERS) return;
    const [first] = this.#lastSpoke.keys();
    if (first === undefined) return;
    this.#lastSpoke.delete(first);
    this.#gone.delete(first);
  }

  /** A person's leave was announced. */
  recordLeft(name: string): void {
    const key = nameKey(name);
    if (this.#lastSpoke.has(key)) this.#gone.add(key);
  }

  /**
   * Whether to announce a join, which happens once: not of a speaker whose leave was not announced,
   * as when all people return to a hub that restarted.
   */
  announcesJoin(name: string): boolean {
    const key = nameKey(name);
    return !this.#lastSpoke.has(key) || this.#gone.delete(key);
  }

  /** Whether a person sent a message since `time`. */
  hasSpoken(name: string, time: number): boolean {
    return (this.#lastSpoke.get(nameKey(name)) ?? -Infinity) >= time;
  }
}

/**
 * The windows in the order in which they were opened, numbered from 1.
 *
 * No event of the hub changes the current window, because the user may be typing for the people in
 * it. Only `show()`, `close()` and `replaceHome()` do, at the user's request.
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

  /** The shown window; home if the user has no other. */
  get current(): ChatWindow {
    return this.#current;
  }

  find(place: Place): ChatWindow | undefined {
    return this.#list.find((window) => isSame(window.place, place));
  }

  /** The window of a place. A new one is not shown. */
  open(place: Place): ChatWindow {
    const found = this.find(place);
    if (found !== undefined) return found;
    const window = new ChatWindow(place, this.now());
    this.#list.push(window);
    return window;
  }

  /** Shows the first room in the place of home. */
  replaceHome(window: ChatWindow): void {
    if (this.#current !== this.#home) return;
    window.insertFirst(this.#home.items);
    window.markShown();
    this.#current = window;
  }

  /** Shows a window. */
  show(window: ChatWindow): MissedItems {
    if (window !== this.#current) this.#current.markHidden();
    this.#current = window;
    return window.markShown();
  }

  /** Closes a window. If it was shown, shows the one before it, and returns what that missed. */
  close(window: ChatWindow): MissedItems | undefined {
    const at = this.#list.indexOf(window);
    if (at === -1) return undefined;
    this.#list = this.#list.filter((each) => each !== window);
    if (window !== this.#current) return undefined;
    return this.show(this.#list[Math.max(0, at - 1)] ?? this.#home);
  }

  /** The next or previous window, in a circle. */
  neighbour(step: 1 | -1): ChatWindow | undefined {
    const { length } = this.#list;
    const at = this.#list.indexOf(this.#current);
    // From home, on to the first or back to the last.
    return this.#list[at === -1 ? (step === 1 ? 0 : length - 1) : (at + step + length) % length];
  }

  /** The window with a number, room or `@name`: `3`, `ops`, `@Bob`. */
  named(name: string): ChatWindow | undefined {
    const numbered = /^\d+$/.test(name) ? this.#list[Number(name) - 1] : undefined;
    if (numbered !== undefined) return numbered;
    return this.find(
      name.startsWith("@")
        ? { kind: "private", name: name.slice(1) }
        : { kind: "room", room: name.replace(/^#/, "").toLowerCase() },
    );
  }

  /** The next window with unread items, in a circle: those with mentions first. */
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
