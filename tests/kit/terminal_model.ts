import { eastAsianWidth } from "get-east-asian-width";

/** Differences between terminals. */
export interface TerminalQuirks {
  /** An emoji of several characters takes 2 columns; otherwise each character takes its own. */
  readonly clusters?: boolean;
  /** Rows that no longer fit a narrower terminal are wrapped; otherwise cut. */
  readonly reflows?: boolean;
}

/** One cell of the screen; the right half of a wide character is an empty string. */
type Cell = string;

interface Row {
  cells: Cell[];
  /** It continues in the next row. */
  wrapped: boolean;
}

const ZERO_WIDTH = /^[\p{Mn}\p{Me}\u200C\u200D]$/u;
const JOINER = "\u200D";
const AS_EMOJI = "\uFE0F";
const TONE = /^[\u{1F3FB}-\u{1F3FF}]$/u;

/**
 * A terminal with as much of ECMA-48 and xterm's modes as a line editor uses. Unknown sequences throw
 * an error.
 */
export class TerminalModel {
  /** All rows including the scrollback; the screen begins at `#top`. */
  #rows: Row[] = [{ cells: [], wrapped: false }];
  #top = 0;
  #row = 0;
  #column = 0;
  /** The last column is written; the next character goes to the next row (as on a VT100). */
  #full = false;
  #joins = false;
  readonly #modes = new Set(["?25"]);
  /** How often the bell rang. */
  rings = 0;

  constructor(
    public columns: number,
    public height: number,
    private readonly quirks: TerminalQuirks = { reflows: true },
  ) {}

  /** All rows including the scrollback, without trailing blanks. */
  get text(): string {
    return this.#show(this.#rows);
  }

  /** The rows on the screen. */
  get visible(): string {
    return this.#show(this.#rows.slice(this.#top, this.#top + this.height));
  }

  /** The position of the cursor; row 0 is the first of the scrollback. */
  get cursor(): { readonly row: number; readonly column: number } {
    return { row: this.#row, column: this.#column };
  }

  /** The text left of the cursor in its row. */
  get beforeCursor(): string {
    return Array.from(this.#line.cells.slice(0, this.#column), (cell) => cell ?? " ").join("");
  }

  /** Private modes that are on: `?25` for a visible cursor, `?2004` for bracketed paste. */
  get modes(): readonly string[] {
    return [...this.#modes].sort();
  }

  write(text: string): void {
    // deno-lint-ignore no-control-regex -- these are terminal sequences
    for (const [part] of text.matchAll(/\x1b\[([0-9;?]*)([A-Za-z])|\x1b\]11;\?\x07|[^]/gu)) {
      // Queries draw nothing; tests send the responses.
      if (part === "\x1b[c" || part.startsWith("\x1b]")) continue;
      if (part.length > 1 && part.startsWith("\x1b")) this.#control(part);
      else this.#put(part);
    }
  }

  resize(columns: number, height: number): void {
    if (this.quirks.reflows) this.#reflow(columns);
    else for (const row of this.#rows) row.cells.length = Math.min(row.cells.length, columns);
    this.#column = Math.min(this.#column, columns - 1);
    this.#full = false;
    this.columns = columns;
    this.height = height;
    this.#top = Math.min(this.#top, this.#rows.length - 1);
    this.#top = Math.max(this.#top, this.#row - height + 1);
    // A higher terminal shows scrolled rows again.
    this.#top = Math.min(this.#top, Math.max(0, this.#rows.length - height));
  }

  #show(rows: readonly Row[]): string {
    return rows.map(({ cells }) => Array.from(cells, (cell) => cell ?? " ").join("").trimEnd())
      .join("\n").trimEnd();
  }

  #control(sequence: string): void {
    const parameters = sequence.slice(2, -1);
    const count = Number(parameters.split(";")[0] || "1");
    switch (sequence.at(-1)) {
      case "A":
        return this.#move(Math.max(this.#top, this.#row - count), this.#column);
      case "B":
        return this.#move(Math.min(this.#top + this.height - 1, this.#row + count), this.#column);
      case "H":
        if (parameters !== "") break;
        return this.#move(this.#top, 0);
      case "J":
        if (parameters === "2") {
          for (const row of this.#rows.slice(this.#top)) row.cells = [];
          return;
        }
        if (parameters !== "") break;
        this.#rows.length = this.#row + 1;
        return this.#eraseRight();
      case "K":
        if (parameters !== "") break;
        return this.#eraseRight();
      case "h":
        this.#modes.add(parameters);
        return;
      case "l":
        this.#modes.delete(parameters);
        return;
      case "m":
        return;
    }
    throw new Error(`The terminal model does not know ${JSON.stringify(sequence)}`);
  }

  #eraseRight(): void {
    // In a full row the cursor is still on the last character.
    this.#line.cells.length = Math.min(this.#line.cells.length, this.#column);
    this.#line.wrapped = false;
    this.#full = false;
  }

  #put(character: string): void {
    if (character === "\r") return this.#move(this.#row, 0);
    if (character === "\n") return this.#newRow();
    if (character === "\x07") return void this.rings++;
    if (character < " ") throw new Error(`Control character ${JSON.stringify(character)}`);
    const joined = this.#joins || TONE.test(character);
    this.#joins = this.quirks.clusters === true && character === JOINER;
    const at = this.#full ? this.#column : this.#column - 1;
    if (this.quirks.clusters && character === AS_EMOJI) return this.#widen(at);
    if (ZERO_WIDTH.test(character) || (this.quirks.clusters && joined)) {
      return this.#append(at, character);
    }
    this.#place(character, eastAsianWidth(character.codePointAt(0) ?? 0));
  }

  #place(character: string, width: number): void {
    if (this.#full || this.#column + width > this.columns) {
      this.#line.wrapped = true;
      this.#newRow();
      this.#move(this.#row, 0);
    }
    const { cells } = this.#line;
    // Half of a wide character is none.
    if (cells[this.#column] === "") cells[this.#column - 1] = " ";
    if (cells[this.#column + width] === "") cells[this.#column + width] = " ";
    cells[this.#column] = character;
    if (width === 2) cells[this.#column + 1] = "";
    this.#column += width;
    if (this.#column >= this.columns) {
      this.#column = this.columns - 1;
      this.#full = true;
    }
  }

  /** The character before the cursor becomes an emoji. */
  #widen(at: number): void {
    const character = this.#line.cells[at];
    if (character === undefined || character === "") return;
    this.#move(this.#row, at);
    this.#place(character + AS_EMOJI, 2);
  }

  #append(at: number, character: string): void {
    const { cells } = this.#line;
    const start = cells[at] === "" ? at - 1 : at;
    const cell = cells[start];
    // A character that is redrawn may have its marks already.
    if (cell !== undefined && start >= 0) cells[start] = cell + character;
  }

  #newRow(): void {
    if (this.#row === this.#top + this.height - 1) this.#top++;
    this.#move(this.#row + 1, this.#column);
  }

  #move(row: number, column: number): void {
    this.#row = row;
    this.#column = column;
    this.#full = false;
    while (this.#rows.length <= row) this.#rows.push({ cells: [], wrapped: false });
  }

  #reflow(columns: number): void {
    const rows: Row[] = [];
    let cursor = { row: 0, column: 0 };
    for (let at = 0; at < this.#rows.length; at++) {
      const cells: Cell[] = [];
      let mark: number | undefined;
      for (;; at++) {
        const row = this.#rows[at];
        if (at === this.#row) mark = cells.length + this.#column;
        cells.push(...Array.from(row?.cells ?? [], (cell) => cell ?? " "));
        if (row?.wrapped !== true || at + 1 >= this.#rows.length) break;
      }
      let start = 0;
      do {
        let end = Math.min(cells.length, start + columns);
        // A wide character is not broken in two.
        if (end < cells.length && cells[end] === "") end--;
        if (mark !== undefined && mark >= start && (mark < end || end >= cells.length)) {
          cursor = { row: rows.length, column: mark - start };
        }
        rows.push({ cells: cells.slice(start, end), wrapped: end < cells.length });
        start = end;
      } while (start < cells.length);
    }
    this.#rows = rows;
    this.#row = cursor.row;
    this.#column = cursor.column;
  }

  get #line(): Row {
    return this.#rows[this.#row] ??= { cells: [], wrapped: false };
  }
}
