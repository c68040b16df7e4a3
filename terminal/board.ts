import { plural } from "../cli/text.ts";
import { type Item, renderItem } from "./items.ts";
import { rule, type View } from "./view.ts";
import type { Screen } from "./screen.ts";
import { type ChatWindow, type Place, Windows } from "./windows.ts";

/** Rows that a screenful leaves to status and draft. */
const BELOW = 4;
/** Rows of what was read before that stay visible above the first unread line. */
const CONTEXT = 2;

/**
 * The windows on the screen.
 *
 * One window is shown at a time, as in WeeChat, but its lines are printed for good and belong to the
 * terminal, whose own scrolling, selecting and searching go on working. Switching empties the
 * screen and prints the last screenful of the other window: what is in sight is one conversation,
 * never two that look like one. The lines on the screen are erased rather than scrolled away,
 * because they are printed again when their window comes back: the scrollback does not fill up with
 * copies. Whatever is unread is printed in full, however long, so that scrolling up shows all of it.
 */
export class Board {
  readonly windows: Windows;

  constructor(
    private readonly screen: Screen,
    private readonly view: () => View,
    now: () => number,
  ) {
    this.windows = new Windows(now);
  }

  get current(): ChatWindow {
    return this.windows.current;
  }

  /** Adds an item to a window, and shows it where the window is shown. */
  add(item: Item, window: ChatWindow = this.current): void {
    const added = window.add(item);
    if (window === this.current) this.#print(added);
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
  open(place: Place): ChatWindow {
    return this.windows.open(place);
  }

  /** Shows a window; the draft stays with the window it was typed in. */
  show(window: ChatWindow): void {
    const { current, screen } = this;
    if (window === current) return;
    const unread = window.unread;
    current.draft = screen.draft;
    this.windows.show(window);
    if (screen.draft !== window.draft) screen.setDraft(window.draft);
    window.draft = "";
    this.redraw(unread);
  }

  /** Closes a window. What is being typed stays, where it would get lost with it. */
  close(window: ChatWindow): void {
    const { screen } = this;
    if (!this.windows.close(window)) return;
    const { current } = this;
    if (screen.draft === "" && current.draft !== "") screen.setDraft(current.draft);
    current.draft = "";
    this.redraw();
  }

  /** Forgets what the window holds. */
  clear(): void {
    this.current.clear();
    this.screen.clear();
  }

  /** Prints the last screenful of the window that is shown, for a screen or a view that changed. */
  redraw(unread = 0): void {
    this.screen.clear();
    for (const text of this.#screenful(unread)) this.screen.print(text);
  }

  #print(items: readonly Item[]): void {
    const view = this.view();
    for (const item of items) this.screen.print(renderItem(item, view));
  }

  /** From the last item upwards: as much as fits, and at any rate what is unread. */
  #screenful(unread: number): readonly string[] {
    const view = this.view();
    const { items, mark } = this.current;
    const rows = Math.max(1, this.screen.rows - BELOW);
    const texts: string[] = [];
    let taken = 0;
    let context = 0;
    for (let at = items.length - 1; at >= 0; at--) {
      const item = items[at];
      if (item === undefined) break;
      const text = renderItem(item, view);
      const height = text.split("\n").length;
      const isUnread = mark !== undefined && at >= mark;
      if (!isUnread && taken + height > rows) {
        if (mark === undefined || context + height > CONTEXT) break;
      }
      if (!isUnread) context += height;
      taken += height;
      texts.push(text);
      if (at === mark) {
        texts.push(rule(unread === 0 ? "unread" : plural(unread, "unread line"), view));
        taken++;
      }
    }
    return texts.reverse();
  }
}
