import { displayWidth } from "../../terminal/wrap.ts";

/**
 * What a terminal would show: enough of one (ECMA-48) for a line editor. An unknown sequence is an
 * error, so that nothing is passed over in silence.
 */
export class TerminalModel {
  /** Rows from the first ever to the last; the screen is the last `height` of them. */
  readonly #rows: string[][] = [[]];
  #row = 0;
  #column = 0;
  /** The last column was written: what comes next goes to the next row (as on a VT100). */
  #full = false;

  constructor(readonly columns: number, readonly height: number) {}

  /** The rows with anything in them, without blanks at their ends. */
  get text(): string {
    return this.#rows.map((row) => Array.from(row, (cell) => cell ?? " ").join("").trimEnd())
      .join("\n").trimEnd();
  }

  /** Where the cursor is, from the first row ever. */
  get cursor(): { readonly row: number; readonly column: number } {
    return { row: this.#row, column: this.#column };
  }

  write(text: string): void {
    // deno-lint-ignore no-control-regex -- these are what a terminal understands
    for (const [part] of text.matchAll(/\x1b\[([0-9;?]*)([A-Za-z])|[^]/gu)) {
      if (part.length > 1 && part.startsWith("\x1b")) this.#control(part);
      else this.#put(part);
    }
  }

  #control(sequence: string): void {
    const count = Number(sequence.slice(2, -1).split(";")[0] || "1");
    switch (sequence.at(-1)) {
      case "A":
        this.#move(Math.max(this.#top, this.#row - count), this.#column);
        break;
      case "B":
        this.#move(Math.min(this.#top + this.height - 1, this.#row + count), this.#column);
        break;
      case "C":
        this.#move(this.#row, Math.min(this.columns - 1, this.#column + count));
        break;
      case "D":
        this.#move(this.#row, Math.max(0, this.#column - count));
        break;
      case "G":
        this.#move(this.#row, count - 1);
        break;
      case "J":
        this.#rows.length = this.#row + 1;
        this.#line.length = Math.min(this.#line.length, this.#column);
        break;
      case "K":
        this.#line.length = Math.min(this.#line.length, this.#column);
        break;
      case "m":
        break;
      default:
        throw new Error(`The terminal model does not know ${JSON.stringify(sequence)}`);
    }
  }

  #put(character: string): void {
    if (character === "\r") return this.#move(this.#row, 0);
    if (character === "\n") return this.#newRow();
    if (character < " ") throw new Error(`Control character ${JSON.stringify(character)}`);
    const width = displayWidth(character);
    if (width === 0) return;
    if (this.#full || this.#column + width > this.columns) {
      this.#newRow();
      this.#column = 0;
      this.#full = false;
    }
    this.#line[this.#column] = character;
    if (width === 2) this.#line[this.#column + 1] = "";
    this.#column += width;
    if (this.#column >= this.columns) {
      this.#column = this.columns - 1;
      this.#full = true;
    }
  }

  #newRow(): void {
    this.#move(this.#row + 1, this.#column);
    while (this.#rows.length <= this.#row) this.#rows.push([]);
  }

  #move(row: number, column: number): void {
    this.#row = row;
    this.#column = column;
    this.#full = false;
    while (this.#rows.length <= row) this.#rows.push([]);
  }

  get #line(): string[] {
    return this.#rows[this.#row] ??= [];
  }

  get #top(): number {
    return Math.max(0, this.#rows.length - this.height);
  }
}
