import { assert, assertEquals, assertNotEquals } from "@std/assert";
import fc from "fast-check";
import type { ClientEvent, RoomJoined } from "../../client/types.ts";
import type { View } from "../../terminal/view.ts";
import { paintWith, PLAIN } from "../../render/paint.ts";
import { PALETTES } from "../../render/palette.ts";
import { renderDirectPreview, renderEvent, renderMessage } from "../../terminal/render.ts";
import { type Finder, mentionFinder, wordFinder } from "../../terminal/highlight.ts";
import { displayWidth } from "../../render/width.ts";
import {
  chatMessage,
  connectedEvents,
  errorFrame,
  onlineEvent,
  roomJoined,
  TIMESTAMP,
} from "../kit/fake_connection.ts";

const now = new Date(TIMESTAMP);
const two = (n: number): string => String(n).padStart(2, "0");
/** The timestamp in the time zone of the machine. */
const CLOCK = `[${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}]`;
const VIEW: View = { self: "Alice", paint: PLAIN, now, stamps: "dated" };
const COLORED: View = { ...VIEW, paint: paintWith(PALETTES.dark), columns: 80 };
const INDENT = " ".repeat(11);

Deno.test("renderMessage() shows time, name and text", () => {
  assertEquals(renderMessage(chatMessage("Bob", "hi"), VIEW), `${CLOCK} Bob: hi`);
  assertEquals(
    renderMessage(chatMessage("Bob", "waves", { kind: "action" }), VIEW),
    `${CLOCK} * Bob waves`,
  );
  assertEquals(renderMessage(chatMessage("Bob", "hi"), { ...VIEW, stamps: "off" }), "Bob: hi");
  const { message: _message, ...rest } = chatMessage("Bob", "");
  assertEquals(renderMessage({ ...rest, data: { a: [1] } }, VIEW), `${CLOCK} Bob: {"a":[1]}`);
  assertEquals(
    renderMessage({ ...rest, message: "see", data: null }, VIEW),
    `${CLOCK} Bob: see\n${INDENT}null`,
  );
});

Deno.test("renderMessage() shows the date of another day", () => {
  const tomorrow = new Date(now.getTime() + 86_400_000);
  const day = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
  assertEquals(
    renderMessage(chatMessage("Bob", "hi"), { ...VIEW, now: tomorrow }),
    `[${day} ${CLOCK.slice(1)} Bob: hi`,
  );
  assertEquals(
    renderMessage(chatMessage("Bob", "hi", { timestamp: "\x1b[2J" }), VIEW),
    "[␛[2J] Bob: hi",
  );
});

Deno.test("renderMessage() indents further lines, so that nobody can forge another's", () => {
  const text = "hi\n[10:31:00] Alice: I quit\r\n* Bob left\rand\n\n\n\n\n\nthen";
  assertEquals(
    renderMessage(chatMessage("Bob", text), VIEW),
    [`${CLOCK} Bob: hi`, "[10:31:00] Alice: I quit", "* Bob left", "and", "", "then"]
      .join(`\n${INDENT}`),
  );
});

Deno.test("renderMessage() wraps for the terminal, so that padding cannot forge a line", () => {
  const view = { ...VIEW, columns: 40 };
  for (const blank of [" ", "\u00a0", "\u3000", "."]) {
    const shown = renderMessage(
      chatMessage("Bob", `x${blank.repeat(60)} [10:31:00] Alice: hi`),
      view,
    );
    const [first = "", ...rest] = shown.split("\n");
    assert(first.startsWith(`${CLOCK} Bob: x`));
    for (const line of rest) assert(line.startsWith(INDENT), line);
    for (const line of shown.split("\n")) {
      assert(displayWidth(line) <= 40 || /^ *\.+$/.test(line) || line.includes("x..."), line);
    }
  }
});

Deno.test("no event can make the terminal do anything", () => {
  const evil = fc.string({ unit: "binary", maxLength: 60 }).map((text) =>
    `\x1b[2J${text}\u202e\u009b`
  );
  fc.assert(
    fc.property(evil, evil, fc.boolean(), (name, text, terminal) => {
      const view: View = terminal ? { ...VIEW, columns: 50 } : VIEW;
      const events: ClientEvent[] = [
        chatMessage(name, text),
        chatMessage(name, text, { kind: "action", room: name, timestamp: text }),
        { type: "direct", sender: name, to: text, message: text, timestamp: TIMESTAMP },
        { type: "direct", sender: "Alice", to: name, data: { [text]: text }, timestamp: TIMESTAMP },
        { type: "presence", room: name, online: 1, joined: [name], left: [text] },
        { type: "presence", room: name, online: 1, renamed: [{ from: name, to: text }] },
        { type: "system", message: text, timestamp: text, event: "notice", room: name },
        errorFrame("internal", text, { room: name }),
        { type: "offline", code: 1006, reason: text, retryIn: 1 },
        { type: "left", room: name },
        ...connectedEvents(name, [name, text]),
      ];
      for (const event of events) {
        const lines = (renderEvent(event, view) ?? "").split("\n");
        for (const line of lines) {
          // deno-lint-ignore no-control-regex -- that there are none is the point
          assert(!/[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]/.test(line), line);
        }
        for (const line of lines.slice(1)) {
          assert(line === "" || line.startsWith("  ") || line.startsWith("* "), line);
        }
      }
    }),
  );
});

for (
  const [what, event, expected] of [
    [
      "joins",
      { type: "presence", room: "lobby", online: 3, joined: ["Bob"] },
      "* Bob joined (3 online)",
    ],
    [
      "leaves, joins and renames",
      {
        type: "presence",
        room: "lobby",
        online: 2,
        joined: ["Bob", "Carol"],
        left: ["Dan"],
        renamed: [{ from: "Eve", to: "Eva" }],
      },
      "* Bob and Carol joined (2 online)\n* Dan left (2 online)\n* Eve is now Eva",
    ],
    [
      "one's own joining, which is no news",
      { type: "presence", room: "lobby", online: 1, joined: ["alice"] },
      undefined,
    ],
    ["counts alone", { type: "presence", room: "lobby", online: 500 }, undefined],
    [
      "a direct message",
      { type: "direct", sender: "Bob", to: "Alice", message: "psst", timestamp: TIMESTAMP },
      `${CLOCK} Bob @you: psst`,
    ],
    [
      "one's own direct message",
      { type: "direct", sender: "Alice", to: "Bob", message: "psst", timestamp: TIMESTAMP },
      `${CLOCK} you @Bob: psst`,
    ],
    [
      "a sentence of the hub",
      { type: "system", message: "Stopping soon", timestamp: TIMESTAMP, event: "notice" },
      "* Stopping soon",
    ],
    ["an error", errorFrame("name_taken", "Taken"), "! Taken"],
    [
      "the room of an error that does not name it",
      errorFrame("not_in_room", "Join first", { room: "ops" }),
      "! ops: Join first",
    ],
    [
      "a lost connection",
      { type: "offline", code: 1006, reason: "The connection broke.", retryIn: 2600 },
      "! The connection broke. Trying again in 3 s",
    ],
    [
      "a lost connection without a reason",
      { type: "offline", code: 1006, reason: "", retryIn: 100 },
      "! Connection lost. Trying again at once",
    ],
    ["a room left", { type: "left", room: "dev" }, "* You left dev"],
    ["nothing of typing", { type: "typing", room: "dev", sender: "B", active: true }, undefined],
    ["nothing of connecting", { type: "connecting", attempt: 2 }, undefined],
  ] as const satisfies readonly (readonly [string, ClientEvent, string | undefined])[]
) {
  Deno.test(`renderEvent() shows ${what}`, () => assertEquals(renderEvent(event, VIEW), expected));
}

Deno.test("renderEvent() shows the beginning and the return of a conversation", () => {
  const shown = connectedEvents("Alice", ["Alice", "Bob"]).map((event) => renderEvent(event, VIEW));
  assertEquals(shown, [
    undefined,
    "* You are Alice. /help lists the commands",
    "* 2 in lobby: Alice, Bob",
    undefined,
  ]);
  assertEquals(
    renderEvent({ ...onlineEvent("Alice", ["lobby"]), reconnected: true }, VIEW),
    "* Connected again as Alice",
  );
  const again = (more: Partial<RoomJoined>): string | undefined =>
    renderEvent(roomJoined("lobby", { rejoined: true, recovered: true, ...more }), VIEW);
  assertEquals(again({}), "* Nothing was missed in lobby");
  assertEquals(again({ missed: 1 }), "* 1 missed message of lobby follows");
  assertEquals(again({ missed: 3 }), "* 3 missed messages of lobby follow");
  for (
    const [reset, why] of [
      ["trimmed", ": the hub no longer has all since you were here"],
      ["epoch", ": the hub has started a new log"],
      ["ahead", ": the hub has lost the last ones that you received"],
      [undefined, ""],
    ] as const
  ) {
    assertEquals(
      again({ recovered: false, ...reset === undefined ? {} : { reset } }),
      `! Messages may be missing in lobby${why}`,
    );
  }
});

Deno.test("renderMessage() paints names, always alike, and marks what is to be found", () => {
  const paint = (name: string): string => COLORED.paint.name(name).replace(name, "");
  assertEquals(paint("Bob"), paint("Bob"));
  assertNotEquals(new Set(["Bob", "Carol", "Dan", "Eve", "Frank"].map(paint)).size, 1);
  const shown = renderMessage(
    chatMessage("Bob", "hi alice, Alice's here"),
    COLORED,
    mentionFinder("Alice", "name"),
  );
  assertEquals(shown.split("\x1b[1;7m").length - 1, 2);
  assert(shown.includes("\x1b[1;7malice\x1b[22;27m, \x1b[1;7mAlice\x1b[22;27m's"), shown);
  assertEquals(
    // deno-lint-ignore no-control-regex -- colours
    shown.replaceAll(/\x1b\[[0-9;]*m/g, ""),
    renderMessage(chatMessage("Bob", "hi alice, Alice's here"), VIEW),
  );
});

Deno.test("renderMessage() marks after wrapping, so that colours move no word", () => {
  const text = "some words before the name of Alice and some more behind it";
  const view = { ...COLORED, columns: 40 };
  const shown = renderMessage(chatMessage("Bob", text), view, mentionFinder("Alice", "name"));
  assertEquals(
    // deno-lint-ignore no-control-regex -- colours
    shown.replaceAll(/\x1b\[[0-9;]*m/g, ""),
    renderMessage(chatMessage("Bob", text), { ...VIEW, columns: 40 }),
  );
});

Deno.test("renderDirectPreview() is one row, whatever was said", () => {
  const direct = {
    type: "direct",
    sender: "Bob",
    to: "Alice",
    message: `first\n[10:00:00] Carol: no\t${"long ".repeat(50)}`,
    timestamp: TIMESTAMP,
  } as const;
  const shown = renderDirectPreview(direct, { ...VIEW, columns: 40 });
  assert(shown.startsWith(`${CLOCK} Bob @you: first [10:`) && shown.endsWith("…"), shown);
  assert(!shown.includes("\n") && displayWidth(shown) < 40);
});

Deno.test("mentionFinder() and wordFinder() find words, not parts of them", () => {
  const found = (finder: Finder | undefined, text: string): readonly string[] =>
    (finder?.(text) ?? []).map(({ start, end }) => text.slice(start, end));
  assertEquals(found(mentionFinder("Al", "name"), "al, Alice: AL! Cal al_x"), ["al", "AL"]);
  assertEquals(found(mentionFinder("J. (x)", "name"), "hi j. (X)!"), ["j. (X)"]);
  assertEquals(found(mentionFinder("Zoë", "at"), "@ZOË? @zoëlle zoë"), ["@ZOË"]);
  assertEquals(mentionFinder(undefined, "at"), undefined);
  assertEquals(found(wordFinder('build gre* "it'), "Build is green: it rebuilds"), [
    "Build",
    "green",
    "it",
  ]);
  assertEquals(found(wordFinder("a.b"), "a b.c ab"), ["a", "b"]);
  assertEquals(wordFinder(' "* '), undefined);
});

Deno.test("wordFinder() and mentionFinder() take any query, name and text", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary" }),
      fc.string({ unit: "binary" }),
      fc.constantFrom("at", "name"),
      (query, text, rule) => {
        for (const finder of [wordFinder(query), mentionFinder(query, rule)]) {
          const found = finder?.(`${text} ${query} ${text}`) ?? [];
          assert(
            found.every(({ start, end }, at) => (found[at - 1]?.end ?? 0) <= start && start < end),
          );
        }
      },
    ),
    { numRuns: 1000 },
  );
});
