import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Away } from "../../terminal/away.ts";
import { lacksSymbols } from "../../terminal/view.ts";
import { displayWidth } from "../../render/width.ts";
import { PLAIN } from "../../render/paint.ts";
import {
  DEFAULT_SETTINGS,
  parseSettings,
  readSettings,
  writeSettings,
} from "../../terminal/settings.ts";
import { type StatusRows, statusRows } from "../../terminal/status.ts";
import { MAX_ITEMS, WindowList } from "../../terminal/windows.ts";
import { chatMessage } from "../kit/fake_connection.ts";
import { temporaryFolder } from "../kit/folder.ts";

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
  assertEquals([windows.current, windows.all[0]], [first, first]);
  for (let n = 0; n < 3 * MAX_ITEMS; n++) {
    if (n === 2 * MAX_ITEMS) window.addUnread(false);
    window.add({ kind: "message", message: chatMessage("Bob", String(n)), mention: false });
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
  assertEquals([windows.all[0], windows.all.length], [windows.current, 2]);
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
