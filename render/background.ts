import type { Background } from "./palette.ts";

/**
 * The background according to the environment variable `COLORFGBG`, set by some terminals (rxvt,
 * Konsole, iTerm2): foreground, sometimes another field, and background, as numbers of the first 16
 * colours.
 */
export function backgroundOfNumbers(colorfgbg: string | undefined): Background | undefined {
  const background = /;(\d{1,2})$/.exec(colorfgbg ?? "")?.[1];
  if (background === undefined) return undefined;
  // White and light grey are 7 and 15; the bright colours between them are light as well.
  const number = Number(background);
  return number === 7 || number > 8 ? "light" : "dark";
}

/**
 * The background according to the colour that a terminal answers to OSC 11: `rgb:` or `rgba:` with
 * one to four hexadecimal digits for each part (X11's notation), or `#rrggbb`.
 */
export function backgroundOfColor(color: string): Background | undefined {
  const parts = /^rgba?:([\da-f]{1,4})\/([\da-f]{1,4})\/([\da-f]{1,4})/i.exec(color) ??
    /^#([\da-f]{2})([\da-f]{2})([\da-f]{2})$/i.exec(color);
  if (parts === null) return undefined;
  const [red = 0, green = 0, blue = 0] = parts.slice(1)
    .map((digits) => linear(parseInt(digits, 16) / (16 ** digits.length - 1)));
  // WCAG's relative luminance; above this value, black has more contrast than white.
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "light" : "dark";
}

/** Linear light from a part of an sRGB colour. */
function linear(part: number): number {
  return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
}
