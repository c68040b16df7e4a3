/**
 * UTF-16 units that a draft has at most: far above any hub's limit for a message, so that the hub
 * or the chat refuses it with a reason, and small enough to be drawn at every key.
 */
export const MAX_BUFFER_LENGTH = 256 * 1024;

// Everything that a terminal would obey, but newlines and tabs.
// deno-lint-ignore no-control-regex -- they are what is looked for
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;
/** A word for Alt-b and Alt-f: letters, digits and what is written on them. */
const WORD = /[\p{L}\p{N}\p{M}_]/u;

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/**
 * A text that is being written, and where in it. A value: each change gives another one.
 *
 * The cursor never stands within what looks like one character.
 */
export class TextBuffer {
  static readonly EMPTY: TextBuffer = new TextBuffer("", 0);

  private constructor(
    readonly text: string,
    /** UTF-16 units before the cursor. */
    readonly cursor: number,
  ) {}

  /** A draft of `text` with the cursor at its end; control characters are left out. */
  static of(text: string): TextBuffer {
    return TextBuffer.EMPTY.insert(text);
  }

  get before(): string {
    return this.text.slice(0, this.cursor);
  }

  get after(): string {
    return this.text.slice(this.cursor);
  }

  /** With `text` at the cursor; this very draft when there is no room for it. */
  insert(text: string): TextBuffer {
    const clean = text.replaceAll(/\r\n?/g, "\n").replaceAll(CONTROLS, "").toWellFormed();
    if (clean === "" || this.text.length + clean.length > MAX_BUFFER_LENGTH) return this;
    return this.#with(this.before + clean + this.after, this.cursor + clean.length);
  }

  /** With `text` in the place of the last `length` units before the cursor. */
  replaceBefore(length: number, text: string): TextBuffer {
    return this.#cut(Math.max(0, this.cursor - length), this.cursor).insert(text);
  }

  left(): TextBuffer {
    return this.#at(this.#previous(this.cursor));
  }

  right(): TextBuffer {
    return this.#at(this.#next(this.cursor));
  }

  wordLeft(): TextBuffer {
    return this.#at(this.#wordStart());
  }

  wordRight(): TextBuffer {
    return this.#at(this.#wordEnd());
  }

  lineStart(): TextBuffer {
    return this.#at(this.#lineStart());
  }

  lineEnd(): TextBuffer {
    return this.#at(this.#lineEnd());
  }

  /** One line up, as far from its start as before; `undefined` on the first line. */
  up(): TextBuffer | undefined {
    const start = this.#lineStart();
    if (start === 0) return undefined;
    return this.#at(start - 1).#inLine(this.#lineColumn());
  }

  /** One line down; `undefined` on the last line. */
  down(): TextBuffer | undefined {
    const end = this.#lineEnd();
    if (end === this.text.length) return undefined;
    return this.#at(end + 1).#inLine(this.#lineColumn());
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

  /** Without what stands between the cursor and the blank before it. */
  deleteBlankWordLeft(): TextBuffer {
    return this.#cut(this.before.search(/\S*\s*$/u), this.cursor);
  }

  /** Without what is left of the cursor in its line; at its start, without the newline before it. */
  deleteToLineStart(): TextBuffer {
    const start = this.#lineStart();
    return this.#cut(start === this.cursor ? Math.max(0, start - 1) : start, this.cursor);
  }

  /** Without what is right of the cursor in its line; at its end, without the newline. */
  deleteToLineEnd(): TextBuffer {
    const end = this.#lineEnd();
    return this.#cut(
      this.cursor,
      end === this.cursor ? Math.min(this.text.length, end + 1) : end,
    );
  }

  /** The characters beside the cursor change places; at the end of a line, the two before it. */
  transpose(): TextBuffer {
    const atEnd = this.cursor === this.#lineEnd();
    const middle = atEnd ? this.#previous(this.cursor) : this.cursor;
    const start = this.#previous(middle);
    const end = this.#next(middle);
    const [first, second] = [this.text.slice(start, middle), this.text.slice(middle, end)];
    if (first === "" || second === "" || first === "\n" || second === "\n") return this;
    return this.#with(this.text.slice(0, start) + second + first + this.text.slice(end), end);
  }

  #with(text: string, cursor: number): TextBuffer {
    if (cursor >= text.length) return new TextBuffer(text, text.length);
    // What was put together may look like one character now.
    const { index } = segmenter.segment(text).containing(cursor) ?? { index: cursor };
    const whole = index === cursor ? cursor : endOf(text, cursor);
    return new TextBuffer(text, whole);
  }

  #at(cursor: number): TextBuffer {
    return cursor === this.cursor ? this : this.#with(this.text, cursor);
  }

  #cut(start: number, end: number): TextBuffer {
    if (start === end) return this;
    return this.#with(this.text.slice(0, start) + this.text.slice(end), start);
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

  /** Characters between the start of the line and the cursor. */
  #lineColumn(): number {
    return [...segmenter.segment(this.text.slice(this.#lineStart(), this.cursor))].length;
  }

  #inLine(column: number): TextBuffer {
    const start = this.#lineStart();
    const line = this.text.slice(start, this.#lineEnd());
    const before = [...segmenter.segment(line)].slice(0, column);
    return this.#at(start + before.reduce((sum, { segment }) => sum + segment.length, 0));
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
