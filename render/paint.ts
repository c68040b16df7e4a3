import { nameColor, type Palette } from "./palette.ts";

/**
 * Adds colours to text: SGR sequences only, each undone at the end. Nothing else in this program
 * puts escape sequences into printed text.
 */
export interface Paint {
  /** `shown` in the colour of `name`, which is `shown` by default. */
  name(shown: string, name?: string): string;
  dim(text: string): string;
  bold(text: string): string;
  problem(text: string): string;
  /** A mention of the user's own name, or a search hit. */
  mark(text: string): string;
}

const ESC = "\x1b[";

function sgr(on: string, off: string): (text: string) => string {
  return (text) => text === "" ? "" : `${ESC}${on}m${text}${ESC}${off}m`;
}

const plain = (text: string): string => text;

/** Adds nothing. */
export const PLAIN: Paint = { name: plain, dim: plain, bold: plain, problem: plain, mark: plain };

/** A {@linkcode Paint} with a palette; without one, {@linkcode PLAIN}. */
export function paintWith(palette: Palette | undefined): Paint {
  if (palette === undefined) return PLAIN;
  return {
    name: (shown, name = shown) => sgr(`38;5;${nameColor(name, palette)}`, "39")(shown),
    dim: sgr("2", "22"),
    bold: sgr("1", "22"),
    problem: sgr(`38;5;${palette.problem}`, "39"),
    mark: sgr("1;7", "22;27"),
  };
}
