/** What a reader makes of the frames of a hub of a later version. */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Message, parseHubFrame } from "../../protocol.ts";
import { HUB_FRAMES, json } from "./arbitraries.ts";

const MESSAGE = {
  type: "message",
  room: "a",
  id: 7,
  sender: "b",
  timestamp: "t",
  message: "c",
} as const satisfies Message;

function read(frame: object): unknown {
  const parsed = parseHubFrame(JSON.stringify(frame));
  return parsed.ok ? parsed.frame : parsed.error.code;
}

/** Names of fields that no frame has. */
const newName = fc.constantFrom("new", "xNew", "deleted", "target", "__proto__", "x-", "toString");

for (const [type, frames] of Object.entries(HUB_FRAMES)) {
  Deno.test(`\`parseHubFrame()\` reads a ${type} with new fields as before`, () => {
    fc.assert(fc.property(frames, fc.dictionary(newName, json), (frame, extra) => {
      assertEquals(parseHubFrame(JSON.stringify({ ...extra, ...frame })), { ok: true, frame });
    }));
  });
}

Deno.test("`parseHubFrame()` reads frames with new values of the fields that may get such", () => {
  const value = fc.string({ unit: "binary-ascii" }).map((text) => `new ${text}`);
  fc.assert(fc.property(value, (later) => {
    assertEquals(read({ ...MESSAGE, kind: later, format: later }), MESSAGE);
    const error = { type: "error", message: "m", final: true };
    assertEquals(read({ ...error, code: later, re: later }), { ...error, code: "internal" });
    const ok = { type: "ok", ref: 1 };
    assertEquals(read({ ...ok, re: later }), ok);
    const system = { type: "system", message: "m", timestamp: "t" };
    assertEquals(read({ ...system, event: later }), { ...system, event: "notice" });
    const joined = {
      type: "joined",
      room: "a",
      epoch: "e",
      first: 1,
      last: 0,
      recovered: false,
      online: 1,
      messages: [],
      more: false,
    };
    assertEquals(read({ ...joined, reset: later }), joined);
  }));
});

Deno.test("`parseHubFrame()` leaves out optional fields that it cannot read", () => {
  const wrong = { via: 7, prev: "6", kind: {}, format: ["markdown"], account: true, data: null };
  assertEquals(read({ ...MESSAGE, ...wrong }), MESSAGE);
  assertEquals(
    read({ type: "presence", room: "a", online: 1, joined: ["A", 5, null, "B"], left: "C" }),
    { type: "presence", room: "a", online: 1, joined: ["A", "B"] },
  );
  assertEquals(
    read({ type: "presence", room: "a", online: 1, renamed: [{ from: "A" }, 1], accounts: 5 }),
    { type: "presence", room: "a", online: 1, renamed: [] },
  );
  assertEquals(
    read({ type: "error", code: "forbidden", message: "m", retryAfter: "5", ref: {}, room: 5 }),
    { type: "error", code: "forbidden", message: "m", final: true },
  );
});

Deno.test("`parseHubFrame()` skips an entry of an unknown type, and keeps its position", () => {
  assertEquals(read({ type: "react", room: "a", id: 8 }), { type: "skipped", room: "a", id: 8 });
  assertEquals(read({ type: "react", room: "a", id: 8, prev: 5, message: "text" }), {
    type: "skipped",
    room: "a",
    id: 8,
    prev: 5,
  });
  for (
    const without of [
      { type: "react" },
      { type: "react", room: "a" },
      { type: "react", id: 8 },
      { type: "react", room: "a", id: 0 },
      { type: "react", room: "a", id: "8" },
      { type: "react", room: "A room", id: 8 },
      { type: 5 },
    ]
  ) assertEquals(read(without), "unknown_type");
});

Deno.test("`parseHubFrame()` finds the place of a known type that is an entry in a later version", () => {
  const place = { room: "dev", id: 12, prev: 9 };
  for (
    const frame of [
      { type: "system", message: "Al changed the topic", timestamp: "x", event: "topic" },
      { type: "typing", sender: "Al", active: true },
      { type: "presence", online: 3 },
      { type: "error", code: "internal", message: "x", final: false },
    ]
  ) {
    const parsed = parseHubFrame(JSON.stringify({ ...frame, ...place }));
    assert(parsed.ok);
    assertEquals(parsed.frame.type, frame.type);
    assertEquals(parsed.entry, { type: "skipped", ...place });
    // It cannot be read, but its place can.
    const { type } = frame;
    const unreadable = parseHubFrame(JSON.stringify({ type, ...place, online: "?", sender: 1 }));
    assert(unreadable.ok);
    assertEquals(unreadable.frame, { type: "skipped", ...place });
  }
  for (const type of ["ack", "live"]) {
    const frame = { type, room: "dev", id: 12, epoch: "E", timestamp: "x" };
    const parsed = parseHubFrame(JSON.stringify(frame));
    assert(parsed.ok);
    assertEquals(parsed.entry, undefined);
  }
});

Deno.test("`parseHubFrame()` skips a message with nothing to show, or that it cannot read", () => {
  const skipped = { type: "skipped", room: "a", id: 7 };
  for (
    const other of [
      { message: undefined, kind: "delete" },
      { message: null },
      { message: "" },
      { message: { text: "c" } },
      { sender: undefined },
      { timestamp: 12345 },
    ]
  ) assertEquals(read({ ...MESSAGE, ...other }), skipped);
  assertEquals(read({ ...MESSAGE, id: undefined }), "bad_frame");
  assertEquals(read({ ...MESSAGE, room: 7, message: "" }), "bad_frame");
});

Deno.test("`parseHubFrame()` reads the rest of a list with entries that it cannot read", () => {
  const { room: _, ...unplaced } = MESSAGE;
  const list = [
    { type: "react", id: 4 },
    { ...MESSAGE, id: 5, message: undefined },
    null,
    "text",
    { type: "react" },
    { ...MESSAGE, id: "6" },
    unplaced,
  ];
  const wanted = [
    { type: "skipped", room: "a", id: 4 },
    { type: "skipped", room: "a", id: 5 },
    MESSAGE,
  ];
  const page = { type: "history", room: "a", epoch: "e", more: false };
  assertEquals(read({ ...page, messages: list }), { ...page, messages: wanted });
  const joined = {
    type: "joined",
    room: "a",
    epoch: "e",
    first: 1,
    last: 7,
    recovered: false,
    online: 1,
    more: false,
  };
  assertEquals(read({ ...joined, messages: list }), { ...joined, messages: wanted });
});

Deno.test("`parseHubFrame()` derives `final` and `reconnect`, if they are missing", () => {
  for (
    const [code, retryAfter, final] of [
      ["forbidden", undefined, true],
      ["forbidden", 5, false],
      ["rate_limited", undefined, false],
      ["internal", undefined, false],
    ] as const
  ) {
    const given = { type: "error", code, message: "m", ...retryAfter && { retryAfter } };
    assertEquals(read(given), { ...given, final });
    assertEquals(read({ ...given, final: "no" }), { ...given, final });
  }
  for (const [code, reconnect] of [[1013, true], [4008, true], [4501, false]] as const) {
    const given = { type: "bye", code, message: "m" };
    assertEquals(read(given), { ...given, reconnect });
  }
});

Deno.test("names like `constructor` and `__proto__` are no accounts of their own", () => {
  const parsed = parseHubFrame(
    `{"type":"members","room":"a","online":2,"members":["constructor"],"accounts":{"__proto__":"P"}}`,
  );
  assert(parsed.ok && parsed.frame.type === "members");
  assertEquals(parsed.frame.accounts?.["constructor"], undefined);
  assertEquals(Object.entries(parsed.frame.accounts ?? {}), [["__proto__", "P"]]);
});
