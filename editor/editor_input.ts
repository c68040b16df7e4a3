import { commandOf, type EditorCommand } from "./bindings.ts";
import { commonPrefix } from "./completion.ts";
import { TextBuffer } from "./text_buffer.ts";
import type { InputHistory } from "./input_history.ts";
import { type Key, MAX_PASTE } from "./keys.ts";
import {
  type HistoryCursor,
  type HistorySearch,
  searchFor,
  searchOn,
  startSearch,
  stepHistory,
} from "./history_cursor.ts";
import type { ScreenEvents } from "./screen.ts";
import { EditBuffer } from "./edit_buffer.ts";

/** Whom what is typed is for; beside what a chat is told, what a terminal has to do. */
export interface InputEvents extends Omit<ScreenEvents, "resized" | "discarded"> {
  bell(): void;
  clear(): void;
  suspend(): void;
  /** Shows what a word may become. */
  list(candidates: readonly string[]): void;
  /** Tells what went wrong with the input itself. */
  problem(text: string): void;
}

/** How the draft is to be shown. */
export interface InputView {
  /** What stands in the place of the prompt, in a search. */
  readonly prompt: string | undefined;
  readonly draft: { readonly text: string; readonly cursor: number };
}

const TOO_MUCH = `More than ${MAX_PASTE / 1024} KB at once are not taken: ` +
  "nothing was pasted. Send it as a file, or piece by piece";

/** What is being written, key by key. Knows nothing of a terminal. */
export class EditorInput {
  readonly #events: InputEvents;
  readonly #history: InputHistory;
  #writing = EditBuffer.EMPTY;
  #walk: HistoryCursor | undefined;
  #search: HistorySearch | undefined;
  /** The key before was Tab, and several candidates are left. */
  #tabbed = false;

  constructor(events: InputEvents, history: InputHistory) {
    this.#events = events;
    this.#history = history;
  }

  get draft(): string {
    return this.#writing.buffer.text;
  }

  get shown(): InputView {
    const search = this.#search;
    if (search === undefined) return { prompt: undefined, draft: this.#writing.buffer };
    const text = this.#history.entries[search.at] ?? this.draft;
    const found = text.toLowerCase().indexOf(search.query.toLowerCase());
    const what = search.failed ? "not found" : "search";
    return {
      prompt: `(${what}) ${search.query}: `,
      draft: { text, cursor: found === -1 ? text.length : found + search.query.length },
    };
  }

  /** Puts another text in the place of the draft. */
  set(text: string): void {
    this.#search = undefined;
    this.#walk = undefined;
    this.#writing = this.#writing.replace(TextBuffer.of(text));
  }

  /** An empty draft. */
  clear(): void {
    this.#search = undefined;
    this.#walk = undefined;
    this.#writing = this.#writing.clear();
  }

  /** Takes the draft away: the up arrow or an undo brings it back. */
  discard(): void {
    this.#history.add(this.draft);
    this.set("");
  }

  take(key: Key): void {
    const { draft } = this;
    const tabbed = this.#tabbed;
    this.#tabbed = false;
    switch (key.kind) {
      case "text":
        if (this.#search !== undefined) this.#look(this.#search.query + key.text);
        else this.#write(this.#writing.type(key.text));
        break;
      case "paste":
        this.#acceptSearch();
        this.#write(this.#writing.insert(key.text), key.text !== "");
        break;
      case "refused":
        this.#events.bell();
        this.#events.problem(TOO_MUCH);
        break;
      case "press":
        // What this tells of the draft, it tells itself.
        if (this.#press(key.key, tabbed) === "told") return;
    }
    if (this.draft !== draft) this.#events.edited(this.draft);
  }

  #press(key: string, tabbed: boolean): "told" | undefined {
    const command = commandOf(key);
    if (this.#search !== undefined && this.#inSearch(this.#search, command)) return undefined;
    if (command === undefined) return undefined;
    switch (command.kind) {
      case "edit":
        this.#writing = this.#writing.edit(command.edit);
        return undefined;
      case "kill":
        this.#writing = this.#writing.kill(command.kill);
        return undefined;
      case "newline":
        this.#write(this.#writing.insert("\n"));
        return undefined;
      case "yank":
        this.#write(this.#writing.yank(), false);
        return undefined;
      case "undo":
        this.#writing = this.#writing.undo();
        return undefined;
      case "up":
        this.#move(this.#writing.buffer.up(), -1);
        return undefined;
      case "down":
        this.#move(this.#writing.buffer.down(), 1);
        return undefined;
      case "search":
        this.#search = startSearch(this.#history.entries);
        return undefined;
      case "complete":
        this.#complete(tabbed);
        return undefined;
      case "enter":
        this.#enter();
        return "told";
      case "deleteOrEnd":
        if (this.draft === "") this.#events.end();
        else this.#writing = this.#writing.edit("delete");
        return undefined;
      case "chord":
        this.#events.chord(command.chord);
        return "told";
      case "clear":
      case "suspend":
      case "interrupt":
        this.#events[command.kind]();
        return "told";
      case "cancel":
        return undefined;
    }
  }

  #enter(): void {
    const line = this.draft;
    this.clear();
    this.#history.add(line);
    this.#events.line(line);
  }

  /** Takes what was written; rings where something was to be, but there was no room. */
  #write(writing: EditBuffer, expected = true): void {
    if (expected && writing.buffer === this.#writing.buffer) this.#events.bell();
    this.#writing = writing;
  }

  /** To another line of the draft, or where there is none to another entry. */
  #move(draft: TextBuffer | undefined, direction: -1 | 1): void {
    if (draft !== undefined) {
      this.#writing = this.#writing.replace(draft);
      return;
    }
    const found = stepHistory(this.#walk, direction, this.#history.entries, this.draft);
    if (found === undefined) return;
    this.#walk = found.walk;
    this.#writing = this.#writing.replace(TextBuffer.of(found.text));
  }

  #complete(tabbed: boolean): void {
    const { before } = this.#writing.buffer;
    const [candidates, part] = this.#events.complete(before);
    const start = commonPrefix(candidates);
    if (candidates.length === 0 || !before.endsWith(part)) {
      this.#events.bell();
    } else if (candidates.length === 1 || start.length > part.length) {
      this.#writing = this.#writing.replace(this.#writing.buffer.replaceBefore(part.length, start));
    } else if (tabbed) {
      this.#events.list(candidates);
    } else {
      this.#events.bell();
    }
    this.#tabbed = candidates.length > 1;
  }

  /** A key in a search; `false` when it ends the search and means what it always does. */
  #inSearch(search: HistorySearch, command: EditorCommand | undefined): boolean {
    if (command === undefined) return true;
    if (command.kind === "search") {
      this.#found(searchOn(search, this.#history.entries));
    } else if (command.kind === "edit" && command.edit === "backspace") {
      this.#look(search.query.replace(/.$/su, ""));
    } else if (command.kind === "cancel" || command.kind === "interrupt") {
      this.#search = undefined;
    } else {
      this.#acceptSearch();
      return false;
    }
    return true;
  }

  #look(query: string): void {
    if (this.#search !== undefined) {
      this.#found(searchFor(this.#search, query, this.#history.entries));
    }
  }

  #found(search: HistorySearch): void {
    this.#search = search;
    if (search.failed) this.#events.bell();
  }

  #acceptSearch(): void {
    const search = this.#search;
    this.#search = undefined;
    const text = search === undefined ? undefined : this.#history.entries[search.at];
    if (text !== undefined) this.#writing = this.#writing.replace(TextBuffer.of(text));
  }
}
