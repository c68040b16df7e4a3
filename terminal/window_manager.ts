import { plural } from "../lib/words.ts";
import { renderItem, type WindowItem } from "./window_items.ts";
import { problem, rule, type View } from "./view.ts";
import type { Screen } from "../editor/screen.ts";
import { type ChatWindow, type MissedItems, WindowList } from "./windows.ts";
import type { Place } from "../chat/commands.ts";

/** Rows that a screenful leaves for status and draft. */
const BELOW = 4;
/** Read rows that stay visible above the first unread one. */
const CONTEXT = 2;

/**
 * The windows on the screen.
 *
 * One window is shown at a time, as in WeeChat, but its lines are printed for good and belong to the
 * terminal, so its scrolling, selecting and searching work as usual. Switching scrolls the screen
 * away and prints the last screenful of the other window, so the screen shows one conversation only.
 * Nothing is erased: the old screen is in the scrollback, and a line tells where another window
 * begins, and that the next lines were shown before. Items that were never shown are printed in
 * full, however many.
 */
export class WindowManager {
  readonly list: WindowList;

  constructor(
    private readonly screen: Screen,
    private readonly view: () => View,
    now: () => number,
  ) {
    this.list = new WindowList(now);
  }

  get current(): ChatWindow {
    return this.list.current;
  }

  /** Adds an item to a window, and prints it if the window is shown. */
  add(item: WindowItem, window: ChatWindow = this.current): void {
    const added = window.add(item);
    if (window === this.current) this.#print(added);
  }

  /** Adds an item that is on the screen already, for when the window is shown again. */
  keep(item: WindowItem, window: ChatWindow): void {
    const added = window.add(item);
    if (window === this.current) this.#print(added.slice(0, -1));
  }

  /** Prints a note in the current window. */
  note(text: string): void {
    this.add({ kind: "note", text });
  }

  /** Prints a problem in the current window. */
  problem(text: string): void {
    this.add({ kind: "problem", text });
  }

  /** The window of a place. A new one is not shown. */
  open(place: Place): ChatWindow {
    return this.list.open(place);
  }

  /** Shows a window at the user's request. The draft stays with the window it was typed in. */
  show(window: ChatWindow): void {
    const { current, screen } = this;
    if (window === current) return;
    // A draft typed at home moves along, as the user cannot return there.
    const takesAlong = current.place.kind === "home" && window.draft === "";
    if (!takesAlong) current.draft = screen.draft;
    const missed = this.list.show(window);
    if (!takesAlong && screen.draft !== window.draft) screen.setDraft(window.draft);
    window.draft = "";
    this.redraw(missed);
  }

  /** Closes a window at the user's wish; a draft in it is told, not lost. */
  close(window: ChatWindow): void {
    const { screen } = this;
    const { title, draft } = window;
    const missed = this.list.close(window);
    if (missed !== undefined) {
      const { current } = this;
      if (screen.draft === "" && current.draft !== "") screen.setDraft(current.draft);
      current.draft = "";
      this.redraw(missed);
    }
    if (draft !== "") this.note(`Your draft in ${title} was: ${draft}`);
  }

  /** Scrolls the screen away. */
  clear(): void {
    this.current.clear();
    this.screen.clear();
  }

  /** Prints the last screenful of the current window anew. */
  redraw(missed?: MissedItems): void {
    const { items } = this.current;
    this.screen.clear();
    const { unread = 0, skipped = 0, from = items.length, older } = missed ?? {};
    for (const text of this.#screenful({ unread, skipped, from, older })) this.screen.print(text);
  }

  #print(items: readonly WindowItem[]): void {
    const view = this.view();
    for (const item of items) this.screen.print(renderItem(item, view));
  }

  /** All items that were never shown, below as many of the others as fit. */
  #screenful({ unread, skipped, from, older }: MissedItems): readonly string[] {
    const view = this.view();
    const { items, mark, top, title, room } = this.current;
    const render = (item: WindowItem, at: number): readonly string[] => [
      ...at === mark ? [rule(unread === 0 ? "unread" : plural(unread, "unread line"), view)] : [],
      ...at === from && skipped > 0
        ? [problem(skippedText(skipped, older, room !== undefined), view)]
        : [],
      renderItem(item, view),
    ];
    const height = (texts: readonly string[]): number => texts.join("\n").split("\n").length;
    const news = items.slice(from).flatMap((item, index) => render(item, from + index));
    const rows = Math.max(1, this.screen.rows - BELOW - 1);
    let left = news.length === 0 ? rows : Math.max(CONTEXT, rows - height(news));
    const again: (readonly string[])[] = [];
    for (let at = from - 1; at >= top; at--) {
      const item = items[at];
      if (item === undefined) break;
      const texts = render(item, at);
      left -= height(texts);
      if (left < 0) break;
      again.push(texts);
    }
    const head = again.length === 0 ? title : `${title}, shown before`;
    return [...title === "" ? [] : [rule(head, view)], ...again.reverse().flat(), ...news];
  }
}

function skippedText(count: number, older: number | undefined, isRoom: boolean): string {
  const what = `The first ${plural(count, "line")} of them ${count === 1 ? "is" : "are"} not shown`;
  if (!isRoom) return `${what}: a window keeps the newest, and the hub keeps no private messages`;
  return `${what}: /older ${older ?? ""}`.trimEnd() + ` shows ${count === 1 ? "it" : "them"}`;
}
