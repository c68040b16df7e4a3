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

/**
 * The palette for a theme; `undefined` for no colours.
 *
 * @param colorfgbg the environment variable with which some terminals (rxvt, Konsole, iTerm2) tell
 * their colours: foreground, perhaps something else, and background, as numbers of the first 16.
 */
export function paletteOf(theme: Theme, colorfgbg: string | undefined): Palette | undefined {
  if (theme === "none") return undefined;
  if (theme !== "auto") return PALETTES[theme];
  const background = /;(\d{1,2})$/.exec(colorfgbg ?? "")?.[1];
  if (background === undefined) return PALETTES.unknown;
  // White and light grey are 7 and 15; the bright colours between are light as well.
  const number = Number(background);
  return number === 7 || number > 8 ? PALETTES.light : PALETTES.dark;
}

/** The colour of a name: the same wherever and whenever it is seen. */
export function nameColor(name: string, { names }: Palette): number {
  let hash = 0;
  for (const character of nameKey(name)) {
    hash = (Math.imul(hash, 31) + (character.codePointAt(0) ?? 0)) >>> 0;
  }
  return names[hash % names.length] ?? 0;
}
