import { nameKey } from "../protocol.ts";

/** What a user may ask for; `auto` goes by what the terminal tells of itself. */
export const THEMES = ["auto", "dark", "light", "none"] as const;

/** One of {@linkcode THEMES}. */
export type Theme = (typeof THEMES)[number];

/** The colours of one kind of background, as numbers of xterm's 256 (SGR `38;5;n`). */
export interface Palette {
  /** Backgrounds for which the colours are meant. */
  readonly backgrounds: readonly string[];
  /** WCAG contrast that every colour has on every one of them. */
  readonly contrast: number;
  /**
   * Colours of names: picked so that the nearest two are as far apart as can be (in OKLab), for
   * normal sight and for the two common kinds of colour-blindness alike. They come out in steps of
   * lightness, which is what those see who see no difference of hue. Red is left to problems.
   */
  readonly names: readonly number[];
  readonly problem: number;
}

/** The palettes; `unknown` is for a terminal that does not tell its background. */
export const PALETTES: Readonly<Record<"dark" | "light" | "unknown", Palette>> = {
  dark: {
    backgrounds: ["#000000", "#1e1e1e", "#282c34", "#002b36"],
    contrast: 4.5,
    names: [149, 105, 117, 36, 229, 202, 159, 74, 43, 154],
    problem: 203,
  },
  light: {
    backgrounds: ["#ffffff", "#fdf6e3"],
    contrast: 4.5,
    names: [20, 52, 162, 17, 97, 27, 90, 58],
    problem: 160,
  },
  unknown: {
    backgrounds: ["#000000", "#1e1e1e", "#ffffff"],
    // No colour of the 256 has 4.5 on black and on white; 3 is what WCAG asks of large text.
    contrast: 3,
    names: [31, 130, 27, 105, 198, 29],
    problem: 167,
  },
};

/** What a terminal's background is, as far as it matters. */
export type Background = "dark" | "light";

/** The palette for a theme; `undefined` for no colours. `background` is the terminal's, if known. */
export function paletteOf(theme: Theme, background: Background | undefined): Palette | undefined {
  if (theme === "none") return undefined;
  return PALETTES[theme === "auto" ? background ?? "unknown" : theme];
}

/** The colour of a name: the same wherever and whenever it is seen. */
export function nameColor(name: string, { names }: Palette): number {
  let hash = 0;
  for (const character of nameKey(name)) {
    hash = (Math.imul(hash, 31) + (character.codePointAt(0) ?? 0)) >>> 0;
  }
  return names[hash % names.length] ?? 0;
}
