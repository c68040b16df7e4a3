import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import { backgroundOfColor, backgroundOfNumbers } from "../../render/background.ts";
import { nameColor, paletteOf, PALETTES } from "../../render/palette.ts";

type Rgb = readonly [number, number, number];

/** Linear light of an sRGB channel (IEC 61966-2-1). */
function linear(channel: number): number {
  const share = channel / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
}

/** One of xterm's 6×6×6 colours, in linear light. */
function cube(number: number): Rgb {
  const level = (part: number): number => linear(part === 0 ? 0 : 55 + 40 * part);
  const index = number - 16;
  return [level(Math.floor(index / 36)), level(Math.floor(index / 6) % 6), level(index % 6)];
}

function hex(color: string): Rgb {
  const part = (at: number): number => linear(parseInt(color.slice(at, at + 2), 16));
  return [part(1), part(3), part(5)];
}

/** Contrast ratio as WCAG 2 defines it. */
function contrast(a: Rgb, b: Rgb): number {
  const luminance = ([r, g, b]: Rgb): number => 0.2126 * r + 0.7152 * g + 0.0722 * b;
  const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

// Colour vision without one kind of cone (Machado, Oliveira and Fernandes 2009, severity 1).
const SIGHTS: Readonly<Record<string, readonly [Rgb, Rgb, Rgb]>> = {
  normal: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
};

/** Lightness and two axes of hue whose distances match perception (OKLab). */
function oklab([red, green, blue]: Rgb): Rgb {
  const [r, g, b] = [Math.max(0, red), Math.max(0, green), Math.max(0, blue)];
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

for (const [name, palette] of Object.entries(PALETTES)) {
  Deno.test(`every colour for a ${name} background has enough contrast`, () => {
    for (const number of [...palette.names, palette.problem]) {
      for (const background of palette.backgrounds) {
        const ratio = contrast(cube(number), hex(background));
        assertGreaterOrEqual(ratio, palette.contrast, `${number} on ${background}: ${ratio}`);
      }
    }
  });

  for (const [sight, rows] of Object.entries(SIGHTS)) {
    Deno.test(`the colours of names for a ${name} background differ for ${sight} vision`, () => {
      const seen = palette.names.map((number) => {
        const [r, g, b] = cube(number);
        const row = ([x, y, z]: Rgb): number => x * r + y * g + z * b;
        return oklab([row(rows[0]), row(rows[1]), row(rows[2])]);
      });
      for (const [at, one] of seen.entries()) {
        for (const other of seen.slice(at + 1)) {
          const distance = Math.hypot(one[0] - other[0], one[1] - other[1], one[2] - other[2]);
          // 0.02 is just noticeable; four times that is another colour at a glance.
          assertGreaterOrEqual(distance, 0.08);
        }
      }
    });
  }
}

Deno.test("`paletteOf()` follows the theme, and with `auto` the background", () => {
  assertEquals(paletteOf("dark", "light"), PALETTES.dark);
  assertEquals(paletteOf("none", "light"), undefined);
  assertEquals(paletteOf("auto", "light"), PALETTES.light);
  assertEquals(paletteOf("auto", undefined), PALETTES.unknown);
});

Deno.test("`backgroundOfNumbers()` tells dark from light", () => {
  for (
    const [told, expected] of [
      ["15;0", "dark"],
      ["0;15", "light"],
      ["0;default;7", "light"],
      ["12;8", "dark"],
      ["", undefined],
      ["x;default", undefined],
      [undefined, undefined],
    ] as const
  ) assertEquals(backgroundOfNumbers(told), expected, told);
});

Deno.test("`backgroundOfColor()` tells dark from light in every notation", () => {
  for (
    const [told, expected] of [
      ["rgb:0000/0000/0000", "dark"],
      ["rgb:0/2b2b/3636", "dark"],
      ["rgba:1e1e/1e1e/1e1e/ffff", "dark"],
      ["#282c34", "dark"],
      ["rgb:ffff/ffff/ffff", "light"],
      ["rgb:fd/f6/e3", "light"],
      ["rgb:f/f/f", "light"],
      // Green is bright, blue is not.
      ["#00ff00", "light"],
      ["#0000ff", "dark"],
      ["rgb:zz/0/0", undefined],
      ["", undefined],
    ] as const
  ) assertEquals(backgroundOfColor(told), expected, told);
});

Deno.test("`nameColor()` ignores case and uses all colours", () => {
  assertEquals(nameColor("Bob", PALETTES.dark), nameColor("BOB", PALETTES.dark));
  const all = new Set(Array.from({ length: 200 }, (_, n) => nameColor(`u${n}`, PALETTES.dark)));
  assertEquals(all.size, PALETTES.dark.names.length);
});
