import { nameKey } from "../protocol.ts";

/** Colour themes; `auto` asks the terminal for its background. */
export const THEMES = ["auto", "dark", "light", "none"] as const;

/** One of {@linkcode THEMES}. */
export type Theme = (typeof THEMES)[number];

/** The colours for one kind of background, as numbers of xterm's 256 (SGR `38;5;n`). */
export interface Palette {
  /** The backgrounds the colours are made for. */
  readonly backgrounds: readonly string[];
  /** The least WCAG contrast of any colour on any of them. */
  readonly contrast: number;
  /**
   * Colours of names, chosen to maximize the smallest distance (in OKLab) between any two, for
   * normal vision and the two common kinds of colour blindness. They differ in lightness, too, for
   * readers who see no hue. Red is reserved for problems.
   */
  readonly names: readonly number[];
  readonly problem: number;
}

/** `unknown` is for a terminal that does not tell its background. */
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
    // No colour of the 256 has 4.5 on both black and white; WCAG asks 3 of large text.
    contrast: 3,
    names: [31, 130, 27, 105, 198, 29],
    problem: 167,
  },
};

/** A terminal's background. */
export type Background = "dark" | "light";

/** The palette for a theme; `undefined` for no colours. */
export function paletteOf(theme: Theme, background: Background | undefined): Palette | undefined {
  if (theme === "none") return undefined;
  return PALETTES[theme === "auto" ? background ?? "unknown" : theme];
}

/** The colour of a name; always the same, on every machine. */
export function nameColor(name: string, { names }: Palette): number {
  let hash = 0;
  for (const character of nameKey(name)) {
    hash = (Math.imul(hash, 31) + (character.codePointAt(0) ?? 0)) >>> 0;
  }
  return names[hash % names.length] ?? 0;
}
