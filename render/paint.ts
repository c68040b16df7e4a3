import { nameColor, type Palette } from "./palette.ts";

/**
 * What may be written beside text: SGR sequences alone, each of which is undone at the end. Nothing
 * else of this program puts an escape sequence into what is printed.
 */
export interface Paint {
  /** A name in the colour that is always its own. */
  name(shown: string, name?: string): string;
  dim(text: string): string;
  bold(text: string): string;
  problem(text: string): string;
  /** One's own name in what others say, or a word that was searched for. */
  mark(text: string): string;
}

const ESC = "\x1b[";

function sgr(on: string, off: string): (text: string) => string {
  return (text) => text === "" ? "" : `${ESC}${on}m${text}${ESC}${off}m`;
}

const plain = (text: string): string => text;

/** Leaves everything as it is. */
export const PLAIN: Paint = { name: plain, dim: plain, bold: plain, problem: plain, mark: plain };

/** How to paint with a palette; without one, nothing is painted. */
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
