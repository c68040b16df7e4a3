import { commandOf, type EditorCommand } from "./bindings.ts";
import { commonPrefix } from "./completion.ts";
import { EditBuffer } from "./edit_buffer.ts";
import {
  type HistoryCursor,
  type HistorySearch,
  refineSearch,
  searchOlder,
  startSearch,
  stepHistory,
} from "./history_cursor.ts";
import type { InputHistory } from "./input_history.ts";
import { type Key, MAX_PASTE } from "./keys.ts";
import type { ScreenEvents } from "./screen.ts";
import { TextBuffer } from "./text_buffer.ts";

/** Reports of an {@linkcode EditorInput}: input by the user, and requests to the terminal. */
export interface InputEvents extends Omit<ScreenEvents, "resized" | "discarded"> {
  bell(): void;
  clear(): void;
  suspend(): void;
  /** Shows candidates for completion. */
  list(candidates: readonly string[]): void;
  /** Shows a problem with the input itself. */
  problem(text: string): void;
}

/** The appearance of an {@linkcode EditorInput}. */
export interface InputView {
  /** Replaces the prompt during a search. */
  readonly prompt: string | undefined;
  readonly draft: { readonly text: string; readonly cursor: number };
}

const PASTE_TOO_LARGE = `The pasted text is over ${MAX_PASTE / 1024} KB: nothing was inserted. ` +
  "Paste it in parts, or send it as a file";

/** The draft and the effect of keys on it. Knows nothing of a terminal. */
export class EditorInput {
  readonly #events: InputEvents;
  readonly #history: InputHistory;
  readonly #shortcuts: ReadonlySet<string>;
  #buffer = EditBuffer.EMPTY;
  #historyCursor: HistoryCursor | undefined;
  #search: HistorySearch | undefined;
  /** The last key was Tab, and several candidates are left. */
  #tabbed = false;

  constructor(
    events: InputEvents,
    { history, shortcuts }: { history: InputHistory; shortcuts: ReadonlySet<string> },
  ) {
    this.#events = events;
    this.#history = history;
    this.#shortcuts = shortcuts;
  }

  get draft(): string {
    return this.#buffer.content.text;
  }

  get view(): InputView {
    const search = this.#search;
    if (search === undefined) return { prompt: undefined, draft: this.#buffer.content };
    const text = this.#history.entries[search.index] ?? this.draft;
    const found = text.toLowerCase().indexOf(search.query.toLowerCase());
    return {
      prompt: `(${search.failed ? "not found" : "search"}) ${search.query}: `,
      draft: { text, cursor: found === -1 ? text.length : found + search.query.length },
    };
  }

  /** Replaces the draft. */
  set(text: string): void {
    this.#endNavigation();
    this.#buffer = this.#buffer.replace(TextBuffer.of(text));
  }

  /** Empties the draft; the up arrow or an undo brings it back. */
  discard(): void {
    this.#history.add(this.draft);
    this.set("");
  }

  handle(key: Key): void {
    const { draft } = this;
    const tabbed = this.#tabbed;
    this.#tabbed = false;
    switch (key.kind) {
      case "text":
        if (this.#search !== undefined) this.#refine(this.#search, this.#search.query + key.text);
        else this.#insert(this.#buffer.type(key.text));
        break;
      case "paste":
        this.#acceptSearch();
        if (key.text !== "") this.#insert(this.#buffer.insert(key.text));
        break;
      case "pasteTooLarge":
        this.#events.bell();
        this.#events.problem(PASTE_TOO_LARGE);
        break;
      case "press": {
        const command = commandOf(key.key, this.#shortcuts);
        if (this.#search !== undefined && this.#handleInSearch(this.#search, command)) break;
        if (command === undefined) break;
        if (this.#run(command, tabbed) === "no edit") return;
      }
    }
    if (this.draft !== draft) this.#events.edited(this.draft);
  }

  /** Runs a command. After "no edit", a changed draft is not reported as edited. */
  #run(command: EditorCommand, tabbed: boolean): "no edit" | undefined {
    switch (command.kind) {
      case "edit":
        this.#buffer = this.#buffer.edit(command.edit);
        break;
      case "kill":
        this.#buffer = this.#buffer.kill(command.kill);
        break;
      case "newline":
        this.#insert(this.#buffer.insert("\n"));
        break;
      case "yank":
        this.#buffer = this.#buffer.yank();
        break;
      case "undo":
        this.#buffer = this.#buffer.undo();
        break;
      case "up":
        this.#move(this.#buffer.content.up(), -1);
        break;
      case "down":
        this.#move(this.#buffer.content.down(), 1);
        break;
      case "search":
        this.#search = startSearch(this.#history.entries);
        break;
      case "complete":
        this.#complete(tabbed);
        break;
      case "deleteOrEnd":
        if (this.draft === "") this.#events.end();
        else this.#buffer = this.#buffer.edit("delete");
        break;
      case "enter":
        this.#enter();
        return "no edit";
      case "shortcut":
        this.#events.shortcut(command.key);
        return "no edit";
      case "clear":
      case "suspend":
      case "interrupt":
        this.#events[command.kind]();
        return "no edit";
      case "cancel":
    }
    return undefined;
  }

  #enter(): void {
    const line = this.draft;
    this.#endNavigation();
    this.#buffer = this.#buffer.clear();
    this.#history.add(line);
    this.#events.line(line);
  }

  #endNavigation(): void {
    this.#search = undefined;
    this.#historyCursor = undefined;
  }

  /** Takes a buffer with inserted text; rings if the text did not fit. */
  #insert(buffer: EditBuffer): void {
    if (buffer.content === this.#buffer.content) this.#events.bell();
    this.#buffer = buffer;
  }

  /** Moves to another line of the draft, or at its edge to another entry of the history. */
  #move(content: TextBuffer | undefined, direction: -1 | 1): void {
    if (content !== undefined) {
      this.#buffer = this.#buffer.replace(content);
      return;
    }
    const { entries } = this.#history;
    const found = stepHistory(this.#historyCursor, direction, entries, this.draft);
    if (found === undefined) return;
    this.#historyCursor = found.cursor;
    this.#buffer = this.#buffer.replace(TextBuffer.of(found.text));
  }

  #complete(tabbed: boolean): void {
    const { before } = this.#buffer.content;
    const [candidates, part] = this.#events.complete(before);
    const prefix = commonPrefix(candidates);
    if (candidates.length === 0 || !before.endsWith(part)) {
      this.#events.bell();
    } else if (candidates.length === 1 || prefix.length > part.length) {
      const content = this.#buffer.content.replaceBefore(part.length, prefix);
      this.#buffer = this.#buffer.replace(content);
    } else if (tabbed) {
      this.#events.list(candidates);
    } else {
      this.#events.bell();
    }
    this.#tabbed = candidates.length > 1;
  }

  /** Handles a key in a search; false if the key ends the search and has its usual effect. */
  #handleInSearch(search: HistorySearch, command: EditorCommand | undefined): boolean {
    if (command === undefined) return true;
    if (command.kind === "search") {
      this.#show(searchOlder(search, this.#history.entries));
    } else if (command.kind === "edit" && command.edit === "backspace") {
      this.#refine(search, search.query.replace(/.$/su, ""));
    } else if (command.kind === "cancel" || command.kind === "interrupt") {
      this.#search = undefined;
    } else {
      this.#acceptSearch();
      return false;
    }
    return true;
  }

  #refine(search: HistorySearch, query: string): void {
    this.#show(refineSearch(search, query, this.#history.entries));
  }

  #show(search: HistorySearch): void {
    this.#search = search;
    if (search.failed) this.#events.bell();
  }

  #acceptSearch(): void {
    const text = this.#search && this.#history.entries[this.#search.index];
    this.#search = undefined;
    if (text !== undefined) this.#buffer = this.#buffer.replace(TextBuffer.of(text));
  }
}
