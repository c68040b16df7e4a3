import { assert, assertEquals, assertGreaterOrEqual, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Away } from "../../terminal/away.ts";
import { lacksSymbols } from "../../terminal/view.ts";
import { backgroundOfColor, backgroundOfNumbers } from "../../editor/background.ts";
import { nameColor, paletteOf, PALETTES } from "../../render/palette.ts";
import { PLAIN } from "../../render/paint.ts";
import {
  DEFAULT_SETTINGS,
  parseSettings,
  readSettings,
  writeSettings,
} from "../../terminal/settings.ts";
import { type StatusRows, statusRows } from "../../terminal/status.ts";
import { MAX_ITEMS, WindowList } from "../../terminal/windows.ts";
import { displayWidth } from "../../render/wrap.ts";
import { said } from "../kit/fake_conversation.ts";
import { temporaryFolder } from "../kit/folder.ts";

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

// How people see who lack one kind of cone (Machado, Oliveira and Fernandes 2009, severity 1).
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

/** Lightness and two axes of hue in which distances are as the eye sees them (OKLab). */
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
  Deno.test(`the colours for a ${name} background can be read on all of them`, () => {
    for (const number of [...palette.names, palette.problem]) {
      for (const background of palette.backgrounds) {
        const ratio = contrast(cube(number), hex(background));
        assertGreaterOrEqual(ratio, palette.contrast, `${number} on ${background}: ${ratio}`);
      }
    }
  });

  for (const [sight, rows] of Object.entries(SIGHTS)) {
    Deno.test(`the colours for a ${name} background differ for ${sight} sight`, () => {
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

Deno.test("paletteOf() goes by the theme, or by what the terminal tells of itself", () => {
  assertEquals(paletteOf("dark", "light"), PALETTES.dark);
  assertEquals(paletteOf("none", "light"), undefined);
  assertEquals(paletteOf("auto", "light"), PALETTES.light);
  assertEquals(paletteOf("auto", undefined), PALETTES.unknown);
});

Deno.test("backgroundOfNumbers() knows dark from light", () => {
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

Deno.test("backgroundOfColor() knows dark from light, however a terminal writes it", () => {
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

Deno.test("nameColor() is the same for a name however it is written", () => {
  assertEquals(nameColor("Bob", PALETTES.dark), nameColor("BOB", PALETTES.dark));
  const all = new Set(Array.from({ length: 200 }, (_, n) => nameColor(`u${n}`, PALETTES.dark)));
  assertEquals(all.size, PALETTES.dark.names.length);
});

const NOTHING: StatusRows = {
  presence: undefined,
  pending: [],
  activity: [],
  typing: [],
  away: undefined,
  trouble: undefined,
  size: undefined,
  hint: undefined,
};

Deno.test("statusRows() leaves out what there is not, and fits what there is", () => {
  const size = { columns: 40, rows: 12, paint: PLAIN };
  assertEquals(statusRows(NOTHING, size), []);
  const activity = [1, 2, 3, 4].map((number) => ({
    number,
    title: `room-with-a-name-${number}`,
    unread: 1200,
    mentions: number % 2,
    isPrivate: number === 4,
  }));
  const full: StatusRows = {
    presence: "Bob joined",
    pending: ["one", "two", "three"],
    activity,
    typing: ["Bob"],
    away: "Away",
    trouble: "Reconnecting in 4 s: nothing listens at ws://localhost:8765",
    size: { text: "12 bytes too long", over: true },
    hint: "Send 7 lines as one message? Enter sends, any other key continues editing",
  };
  const rows = statusRows(full, size);
  // A third of the screen at most; the nearest to the prompt matters most.
  assertEquals(rows.length, 4);
  assertEquals(rows.at(-2), "12 bytes too long");
  assert(rows.every((row) => displayWidth(row) < 40), rows.join("\n"));
  const wide = statusRows(full, { columns: 100, rows: 40, paint: PLAIN });
  assertEquals(wide.slice(0, 5), [
    "* Bob joined",
    "… one",
    "… two",
    "… three",
    "1:room-with-a-name-1 1 mention, 2:room-with-a-name-2 1,200 unread, 3:room-with-a-name-3 1 mention,…",
  ]);
});

Deno.test("statusRows() is harmless and fits, whatever is in it", () => {
  const evil = fc.string({ unit: "binary", maxLength: 40 }).map((text) => `\x1b[2J${text}\u202e\n`);
  fc.assert(
    fc.property(evil, fc.integer({ min: 20, max: 120 }), (text, columns) => {
      const status: StatusRows = {
        presence: text,
        pending: [text],
        activity: [{ number: 1, title: text, unread: 1, mentions: 0, isPrivate: true }],
        typing: [text, text, text],
        away: text,
        trouble: text,
        size: undefined,
        hint: text,
      };
      for (const row of statusRows(status, { columns, rows: 60, paint: PLAIN })) {
        assert(!/[\p{Cc}\p{Zl}\p{Zp}]|(?![\u200C\u200D])\p{Cf}/u.test(row), row);
        assert(displayWidth(row) < columns);
      }
    }),
  );
});

Deno.test("Windows keeps so many items, and knows where unread begins", () => {
  const windows = new WindowList(() => Date.parse("2026-01-31T10:30:40.000Z"));
  const first = windows.open({ kind: "room", room: "a" });
  windows.replaceHome(first);
  const window = windows.open({ kind: "room", room: "b" });
  assertEquals([windows.current, windows.number], [first, 1]);
  for (let n = 0; n < 3 * MAX_ITEMS; n++) {
    if (n === 2 * MAX_ITEMS) window.addUnread(false);
    window.add({ kind: "message", message: said("Bob", String(n)), mention: false });
    assert(window.items.length <= MAX_ITEMS * 1.25);
  }
  const marked = window.items[window.mark ?? -1];
  assertEquals(marked?.kind === "message" && marked.message.message, String(2 * MAX_ITEMS));
  for (let n = 0; n < MAX_ITEMS; n++) window.add({ kind: "note", text: "" });
  // What was marked is gone: everything that is left came after it.
  assertEquals(window.mark, 0);
});

Deno.test("Windows numbers its windows, and goes in a circle to what is new", () => {
  const windows = new WindowList(() => 0);
  const [a, b, c] = ["a", "b", "c"].map((room) => windows.open({ kind: "room", room }));
  assert(a !== undefined && b !== undefined && c !== undefined);
  assertEquals(windows.nextActive, undefined);
  a.addUnread(false);
  windows.show(b);
  assertEquals(windows.nextActive, a);
  c.addUnread(false);
  assertEquals(windows.nextActive, c);
  a.addUnread(true);
  assertEquals(windows.nextActive, a);
  assertEquals([windows.neighbour(1), windows.neighbour(-1)], [c, a]);
  assertEquals(windows.close(a), undefined);
  assertEquals([windows.number, windows.all.length], [1, 2]);
  assertEquals(["1", "b", "#C", "@bob", "3"].map((name) => windows.named(name)?.title), [
    "b",
    "b",
    "c",
    undefined,
    undefined,
  ]);
  assertEquals(windows.open({ kind: "private", name: "Bob" }).title, "@Bob");
  assertEquals(windows.open({ kind: "private", name: "BOB" }).title, "@Bob");
  assertEquals(windows.named("@bOB")?.title, "@Bob");
  for (const window of [b, c]) windows.close(window);
  assertEquals(windows.current.title, "@Bob");
  windows.close(windows.current);
  assertEquals(windows.current.place, { kind: "home" });
});

Deno.test("Away tells everybody once, and keeps the last mentions", () => {
  const away = new Away("lunch", 0);
  assertEquals(["Bob", "bob", "Carol"].map((name) => away.shouldReplyTo(name)), [
    true,
    false,
    true,
  ]);
  for (let n = 0; n < 500; n++) away.addMissed(`m${n}`);
  assertEquals([away.count, away.missed.length, away.missed.at(-1)], [500, 100, "m499"]);
});

Deno.test("settings are kept for the next time, for the user alone", async () => {
  await using folder = await temporaryFolder();
  const directory = `${folder.path}/data`;
  assertEquals(await readSettings(directory), DEFAULT_SETTINGS);
  const settings = { theme: "light", timestamp: "off", bell: "all", mention: "name" } as const;
  await writeSettings(directory, settings);
  await writeSettings(directory, settings);
  assertEquals(await readSettings(directory), settings);
  const names = Array.from(Deno.readDirSync(directory), ({ name }) => name);
  assertEquals(names, ["chat.json"]);
  if (Deno.build.os !== "windows") {
    const { mode } = await Deno.stat(`${directory}/chat.json`);
    assertEquals((mode ?? 0) & 0o777, 0o600);
  }
  await Deno.writeTextFile(`${directory}/chat.json`, `{"theme":`);
  assertEquals(await readSettings(directory), DEFAULT_SETTINGS);
});

Deno.test("parseSettings() takes what makes sense, and leaves out the rest", () => {
  assertEquals(parseSettings('{"theme":"dark","bell":7,"more":1}'), {
    ...DEFAULT_SETTINGS,
    theme: "dark",
  });
  for (const text of ["", "[]", "null", '"x"', "{"]) {
    assertThrows(() => parseSettings(text), SyntaxError);
  }
});

Deno.test("hasLettersAlone() goes by the kind of terminal and by the locale", () => {
  for (
    const [env, expected] of [
      [{ TERM: "xterm-256color" }, false],
      [{ TERM: "xterm", LANG: "de_DE.UTF-8" }, false],
      [{ TERM: "xterm", LANG: "en_US.utf8" }, false],
      [{ TERM: "xterm", LANG: "de_DE.ISO-8859-1" }, true],
      [{ TERM: "xterm", LC_ALL: "C", LANG: "en_US.UTF-8" }, true],
      [{ TERM: "xterm", LC_ALL: "", LC_CTYPE: "C.UTF-8", LANG: "C" }, false],
      [{ TERM: "dumb", LANG: "en_US.UTF-8" }, true],
      [{ TERM: "linux" }, true],
      [{}, true],
    ] as const
  ) {
    const all = new Map<string, string>(Object.entries(env));
    assertEquals(lacksSymbols((name) => all.get(name)), expected, JSON.stringify(env));
  }
});
