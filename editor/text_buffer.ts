/**
 * The most UTF-16 units of a draft: far above any limit for a message, whose error says more, and
 * small enough to redraw at every key.
 */
export const MAX_BUFFER_LENGTH = 256 * 1024;

// Everything that a terminal would interpret, except newlines and tabs.
// deno-lint-ignore no-control-regex -- the pattern is about control characters
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;
/** Word characters for Alt-b and Alt-f: letters, digits and their marks. */
const WORD = /[\p{L}\p{N}\p{M}_]/u;

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/**
 * A text with a cursor. A value: each change returns a new one.
 *
 * The cursor is never inside a grapheme.
 */
export class TextBuffer {
  static readonly EMPTY: TextBuffer = new TextBuffer("", 0);

  private constructor(
    readonly text: string,
    /** In UTF-16 units. */
    readonly cursor: number,
  ) {}

  /** `text` without control characters, with the cursor at its end. */
  static of(text: string): TextBuffer {
    return TextBuffer.EMPTY.insert(text);
  }

  get before(): string {
    return this.text.slice(0, this.cursor);
  }

  get after(): string {
    return this.text.slice(this.cursor);
  }

  /** Inserts `text` at the cursor. Returns this very object if `text` is empty or does not fit. */
  insert(text: string): TextBuffer {
    const clean = text.replaceAll(/\r\n?/g, "\n").replaceAll(CONTROLS, "").toWellFormed();
    if (clean === "" || this.text.length + clean.length > MAX_BUFFER_LENGTH) return this;
    return this.#make(this.before + clean + this.after, this.cursor + clean.length);
  }

  /** Replaces the last `length` units before the cursor. */
  replaceBefore(length: number, text: string): TextBuffer {
    return this.#cut(Math.max(0, this.cursor - length), this.cursor).insert(text);
  }

  left(): TextBuffer {
    return this.#moveTo(this.#previous(this.cursor));
  }

  right(): TextBuffer {
    return this.#moveTo(this.#next(this.cursor));
  }

  wordLeft(): TextBuffer {
    return this.#moveTo(this.#wordStart());
  }

  wordRight(): TextBuffer {
    return this.#moveTo(this.#wordEnd());
  }

  lineStart(): TextBuffer {
    return this.#moveTo(this.#lineStart());
  }

  lineEnd(): TextBuffer {
    return this.#moveTo(this.#lineEnd());
  }

  /** One line up, in the same column; `undefined` on the first line. */
  up(): TextBuffer | undefined {
    const start = this.#lineStart();
    if (start === 0) return undefined;
    return this.#moveTo(start - 1).#moveToColumn(this.#column());
  }

  /** One line down; `undefined` on the last line. */
  down(): TextBuffer | undefined {
    const end = this.#lineEnd();
    if (end === this.text.length) return undefined;
    return this.#moveTo(end + 1).#moveToColumn(this.#column());
  }

  backspace(): TextBuffer {
    return this.#cut(this.#previous(this.cursor), this.cursor);
  }

  delete(): TextBuffer {
    return this.#cut(this.cursor, this.#next(this.cursor));
  }

  deleteWordLeft(): TextBuffer {
    return this.#cut(this.#wordStart(), this.cursor);
  }

  deleteWordRight(): TextBuffer {
    return this.#cut(this.cursor, this.#wordEnd());
  }

  /** Deletes back to the previous blank. */
  deleteBlankWordLeft(): TextBuffer {
    return this.#cut(this.before.search(/\S*\s*$/u), this.cursor);
  }

  /** Deletes back to the start of the line; there, the newline before it. */
  deleteToLineStart(): TextBuffer {
    const start = this.#lineStart();
    return this.#cut(start === this.cursor ? Math.max(0, start - 1) : start, this.cursor);
  }

  /** Deletes to the end of the line; there, the newline. */
  deleteToLineEnd(): TextBuffer {
    const end = this.#lineEnd();
    return this.#cut(
      this.cursor,
      end === this.cursor ? Math.min(this.text.length, end + 1) : end,
    );
  }

  /** Swaps the characters around the cursor; at the end of a line, the two before it. */
  transpose(): TextBuffer {
    const atEnd = this.cursor === this.#lineEnd();
    const middle = atEnd ? this.#previous(this.cursor) : this.cursor;
    const start = this.#previous(middle);
    const end = this.#next(middle);
    const [first, second] = [this.text.slice(start, middle), this.text.slice(middle, end)];
    if (first === "" || second === "" || first === "\n" || second === "\n") return this;
    return this.#make(this.text.slice(0, start) + second + first + this.text.slice(end), end);
  }

  #make(text: string, cursor: number): TextBuffer {
    if (cursor >= text.length) return new TextBuffer(text, text.length);
    // Characters that meet now may form one grapheme.
    const { index } = segmenter.segment(text).containing(cursor) ?? { index: cursor };
    const whole = index === cursor ? cursor : endOf(text, cursor);
    return new TextBuffer(text, whole);
  }

  #moveTo(cursor: number): TextBuffer {
    return cursor === this.cursor ? this : this.#make(this.text, cursor);
  }

  #cut(start: number, end: number): TextBuffer {
    if (start === end) return this;
    return this.#make(this.text.slice(0, start) + this.text.slice(end), start);
  }

  #previous(index: number): number {
    return index === 0 ? 0 : segmenter.segment(this.text).containing(index - 1)?.index ?? 0;
  }

  #next(index: number): number {
    return index >= this.text.length ? this.text.length : endOf(this.text, index);
  }

  #lineStart(): number {
    return this.before.lastIndexOf("\n") + 1;
  }

  #lineEnd(): number {
    const end = this.text.indexOf("\n", this.cursor);
    return end === -1 ? this.text.length : end;
  }

  /** Graphemes between the start of the line and the cursor. */
  #column(): number {
    return [...segmenter.segment(this.text.slice(this.#lineStart(), this.cursor))].length;
  }

  #moveToColumn(column: number): TextBuffer {
    const start = this.#lineStart();
    const line = this.text.slice(start, this.#lineEnd());
    const before = [...segmenter.segment(line)].slice(0, column);
    return this.#moveTo(start + before.reduce((sum, { segment }) => sum + segment.length, 0));
  }

  #wordStart(): number {
    const characters = Array.from(this.before);
    let at = characters.length;
    const isWord = (): boolean => WORD.test(characters[at - 1] ?? "");
    while (at > 0 && !isWord()) at--;
    while (at > 0 && isWord()) at--;
    return characters.slice(0, at).join("").length;
  }

  #wordEnd(): number {
    const characters = Array.from(this.after);
    let at = 0;
    const isWord = (): boolean => WORD.test(characters[at] ?? "");
    while (at < characters.length && !isWord()) at++;
    while (at < characters.length && isWord()) at++;
    return this.cursor + characters.slice(0, at).join("").length;
  }
}

function endOf(text: string, index: number): number {
  const found = segmenter.segment(text).containing(index);
  return found === undefined ? text.length : found.index + found.segment.length;
}
