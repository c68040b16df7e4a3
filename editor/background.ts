import type { Background } from "../render/palette.ts";

/**
 * The background by the environment variable `COLORFGBG`, with which some terminals (rxvt, Konsole,
 * iTerm2) tell their colours: foreground, perhaps something else, and background, as numbers of the
 * first 16.
 */
export function backgroundOfNumbers(colorfgbg: string | undefined): Background | undefined {
  const background = /;(\d{1,2})$/.exec(colorfgbg ?? "")?.[1];
  if (background === undefined) return undefined;
  // White and light grey are 7 and 15; the bright colours between are light as well.
  const number = Number(background);
  return number === 7 || number > 8 ? "light" : "dark";
}

/**
 * The background by the colour with which a terminal answers OSC 11: `rgb:` or `rgba:` and one to
 * four hexadecimal digits for each part (X11's notation), or `#rrggbb`.
 */
export function backgroundOfColor(color: string): Background | undefined {
  const parts = /^rgba?:([\da-f]{1,4})\/([\da-f]{1,4})\/([\da-f]{1,4})/i.exec(color) ??
    /^#([\da-f]{2})([\da-f]{2})([\da-f]{2})$/i.exec(color);
  if (parts === null) return undefined;
  const [red = 0, green = 0, blue = 0] = parts.slice(1)
    .map((digits) => linear(parseInt(digits, 16) / (16 ** digits.length - 1)));
  // WCAG's relative luminance; above this one, black stands out more than white does.
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "light" : "dark";
}

/** The light of a part of an sRGB colour. */
function linear(part: number): number {
  return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
}
