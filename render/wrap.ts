import { eastAsianWidth } from "get-east-asian-width";

// Characters that take no column: combining marks and the joiners that visible() lets through.
const NO_WIDTH = /^[\p{Mn}\p{Me}\u200C\u200D]$/u;

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });
/** Turns the character before it into an emoji, which is wide. */
const AS_EMOJI = "\uFE0F";
/**
 * Columns of the widest emoji that is kept in one piece: a family of four, each with a tone of skin.
 * What strangers join to something wider is taken apart, or it would not fit in any row.
 */
const WIDEST = 16;

/**
 * The most columns that `text` takes on a terminal, colours not counted.
 *
 * Terminals disagree about emoji of several characters: some show a family in 2 columns, others each
 * of its members. A row that ends too early does no harm; one that runs over would.
 */
export function displayWidth(text: string): number {
  let width = 0;
  let last = 0;
  // deno-lint-ignore no-control-regex -- SGR sequences, the only ones this program writes in text
  for (const character of text.replaceAll(/\x1b\[[0-9;]*m/g, "")) {
    if (character === AS_EMOJI) last = last === 1 ? 1 : 0;
    else last = columnsOf(character);
    width += last;
  }
  return width;
}

function columnsOf(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x7f) return 1;
  return NO_WIDTH.test(character) ? 0 : eastAsianWidth(code);
}

/** What looks like one character each: with its marks, with what is joined to it. */
export function graphemes(text: string): readonly string[] {
  if (/^[\x20-\x7e]*$/.test(text)) return Array.from(text);
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}

/** `text` in the smallest pieces to wrap it at, none wider than `width` unless it is one character. */
export function pieces(text: string, width: number): readonly string[] {
  const widest = Math.min(width, WIDEST);
  return graphemes(text)
    .flatMap((piece) => displayWidth(piece) > widest ? piece.match(/.\uFE0F?/gsu) ?? [] : [piece]);
}

/** What is worth copying as a whole: a web address that holds nothing which others' lines begin with. */
const ADDRESS = /^https?:\/\/[\w.-]+(?::\d{1,5})?(?:[/?#][\w.~%/?#@!$&'()*+,;=-]*)?$/;

/**
 * `text` in rows of at most `width` columns, the first of them `width - first`.
 *
 * A terminal would wrap long lines by itself, but to column 0, where a message could then show what
 * looks like somebody else's line. An address stays whole, to be copied, and is left to the terminal:
 * without a blank, a bracket and a colon it forges nothing.
 */
export function wrapRows(text: string, width: number, first = 0): readonly string[] {
  const rows: string[] = [];
  let row = "";
  let room = Math.max(1, width - first);
  const next = (): void => {
    rows.push(row.trimEnd());
    row = "";
    room = width;
  };
  // All kinds of blanks are one to a forger.
  for (const part of text.replaceAll(/\p{Zs}/gu, " ").match(/ +|[^ ]+/g) ?? []) {
    const size = displayWidth(part);
    if (size <= room) {
      row += part;
      room -= size;
    } else if (part.startsWith(" ")) {
      next();
    } else if (size <= width || ADDRESS.test(part)) {
      if (row.trim() !== "") next();
      else if (row !== "") {
        [row, room] = ["", rows.length === 0 ? Math.max(1, width - first) : width];
      }
      if (size > room && size <= width) next();
      row += part;
      room -= size;
    } else {
      for (const piece of pieces(part, width)) {
        const columns = displayWidth(piece);
        if (columns > room) next();
        row += piece;
        room -= columns;
      }
    }
  }
  rows.push(row);
  return rows;
}
