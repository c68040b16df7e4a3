import { plural } from "../lib/words.ts";
import { renderItem, type WindowItem } from "./window_items.ts";
import { problem, rule, type View } from "./view.ts";
import type { Screen } from "../editor/screen.ts";
import { type ChatWindow, type MissedItems, WindowList, type WindowPlace } from "./windows.ts";

/** Rows that a screenful leaves to status and draft. */
const BELOW = 4;
/** Rows of what was read before that stay visible above the first unread line. */
const CONTEXT = 2;

/**
 * The windows on the screen.
 *
 * One window is shown at a time, as in WeeChat, but its lines are printed for good and belong to the
 * terminal, whose own scrolling, selecting and searching go on working. Switching scrolls the screen
 * away and prints the last screenful of the other window: what is in sight is one conversation,
 * never two that look like one. Nothing is erased: what was on the screen is in the scrollback, and
 * a line tells where another window begins, and that what follows was shown before. Whatever was
 * never shown is printed in full, however long, so that scrolling up shows all of it.
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

  /** Adds an item to a window, and shows it where the window is shown. */
  add(item: WindowItem, window: ChatWindow = this.current): void {
    const added = window.add(item);
    if (window === this.current) this.#print(added);
  }

  /** Adds what the user typed, which stands where it was typed: for when the window is shown again. */
  keep(item: WindowItem, window: ChatWindow): void {
    const added = window.add(item);
    if (window === this.current) this.#print(added.slice(0, -1));
  }

  /** A line of the program's own in the window that is shown. */
  note(text: string): void {
    this.add({ kind: "note", text });
  }

  /** A line about something that went wrong, in the window that is shown. */
  problem(text: string): void {
    this.add({ kind: "problem", text });
  }

  /** The window of a place; opened, but not shown, when there is none. */
  open(place: WindowPlace): ChatWindow {
    return this.list.open(place);
  }

  /** Shows a window at the user's wish; the draft stays with the window it was typed in. */
  show(window: ChatWindow): void {
    const { current, screen } = this;
    if (window === current) return;
    // A draft that was typed nowhere goes along: nobody could come back to it.
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

  /** Empties the screen; what was on it can be scrolled back to. */
  clear(): void {
    this.current.clear();
    this.screen.clear();
  }

  /** Prints the last screenful of the window that is shown, for a view that changed. */
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

  /** All that was never shown, and above it as much of what was as fits. */
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
