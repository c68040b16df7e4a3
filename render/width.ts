import { eastAsianWidth } from "get-east-asian-width";

/** Combining marks and the joiners that `visible()` keeps: they take no column. */
const NO_WIDTH = /^[\p{Mn}\p{Me}\u200C\u200D]$/u;
/** Turns the character before it into an emoji, which is wide. */
const EMOJI_SELECTOR = "\uFE0F";
/**
 * Columns of the widest emoji that stays whole: a family of four, each with a skin tone. Wider
 * sequences are split, or they would fit in no row.
 */
const MAX_PIECE_WIDTH = 16;

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/**
 * The most columns that `text` can take on a terminal, not counting colours.
 *
 * Terminals disagree about emoji of several characters: some show a family in 2 columns, others each
 * member. A row that ends too early does no harm; a row that overflows lets a sender forge lines.
 */
export function displayWidth(text: string): number {
  let width = 0;
  let last = 0;
  // deno-lint-ignore no-control-regex -- SGR sequences, the only ones this program writes in text
  for (const character of text.replaceAll(/\x1b\[[0-9;]*m/g, "")) {
    if (character === EMOJI_SELECTOR) last = last === 1 ? 1 : 0;
    else last = characterWidth(character);
    width += last;
  }
  return width;
}

function characterWidth(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x7f) return 1;
  return NO_WIDTH.test(character) ? 0 : eastAsianWidth(code);
}

/** The user-perceived characters of `text`, each with its marks and joined characters. */
export function graphemes(text: string): readonly string[] {
  if (/^[\x20-\x7e]*$/.test(text)) return Array.from(text);
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}

/** The smallest pieces to wrap `text` at: graphemes, split further if wider than `width`. */
export function pieces(text: string, width: number): readonly string[] {
  const widest = Math.min(width, MAX_PIECE_WIDTH);
  return graphemes(text)
    .flatMap((piece) => displayWidth(piece) > widest ? piece.match(/.\uFE0F?/gsu) ?? [] : [piece]);
}

/** `text`, which has no colours, cut to at most `width` columns; `…` marks a cut. */
export function fit(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  if (width < 1) return "";
  let kept = "";
  let room = width - 1;
  for (const piece of graphemes(text)) {
    room -= displayWidth(piece);
    if (room < 0) break;
    kept += piece;
  }
  return `${kept}…`;
}
