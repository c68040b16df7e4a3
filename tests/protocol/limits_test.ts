import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  DEFAULT_LIMITS,
  isRoomName,
  MAX_DATA_DEPTH,
  MAX_EXTENSION_LENGTH,
  MAX_FEATURES,
  MAX_HISTORY_PAGE,
  MAX_MISSED,
  MAX_NAME_LENGTH,
  MAX_QUERY_LENGTH,
  MAX_REF_LENGTH,
  MAX_ROOM_LENGTH,
  MAX_SECRET_LENGTH,
  nameKey,
  normalizeName,
  parseClientFrame,
  parseHubFrame,
} from "../../protocol.ts";

/** The error code for a frame or a room of it, or `ok`. */
function outcome(frame: object, maxMessageBytes?: number): string {
  const parsed = parseClientFrame(JSON.stringify(frame), maxMessageBytes);
  if (!parsed.ok) return parsed.error.code;
  return parsed.badRooms?.[0]?.code ?? "ok";
}

for (
  const [character, bytes] of [["x", 1], ["ß", 2], ["€", 3], ["😀", 4]] as const
) {
  Deno.test(`\`parseClientFrame()\` limits a frame in bytes, with characters of ${bytes}`, () => {
    for (const limit of [100, 101, 102, 103, 104, DEFAULT_LIMITS.maxMessageBytes]) {
      const empty = JSON.stringify({ type: "message", message: "" }).length;
      const count = Math.floor((limit - empty) / bytes);
      // Padded with spaces outside of the string.
      const rest = " ".repeat(limit - empty - count * bytes);
      const full = JSON.stringify({ type: "message", message: character.repeat(count) }) + rest;
      assertEquals(new TextEncoder().encode(full).length, limit);
      assert(parseClientFrame(full, limit).ok);
      assert(parseClientFrame(full, limit + 1).ok);
      const over = parseClientFrame(full + " ", limit);
      assert(!over.ok);
      assertEquals(over.error.code, "too_big");
      assertStringIncludes(over.error.message, String(limit));
      assert(!parseClientFrame(full, limit - 1).ok);
    }
  });
}

Deno.test("`parseClientFrame()` limits a frame to 64 KiB by default", () => {
  assertEquals(DEFAULT_LIMITS.maxMessageBytes, 65_536);
  const frame = `{"type":"ping"}`;
  assert(parseClientFrame(frame.padEnd(65_536)).ok);
  assert(!parseClientFrame(frame.padEnd(65_537)).ok);
});

Deno.test(`\`parseClientFrame()\` takes a \`ref\` of 1 to ${MAX_REF_LENGTH} characters`, () => {
  for (
    const [ref, wanted] of [
      ["", "bad_frame"],
      ["r", "ok"],
      ["r".repeat(MAX_REF_LENGTH), "ok"],
      ["r".repeat(MAX_REF_LENGTH + 1), "bad_frame"],
      [0, "ok"],
      [-1.5, "ok"],
      [[], "bad_frame"],
      [false, "bad_frame"],
    ] as const
  ) {
    assertEquals(outcome({ type: "ping", ref }), wanted);
    assertEquals(outcome({ type: "message", room: "a", message: "x", ref }), wanted);
  }
});

Deno.test(`\`parseClientFrame()\` takes a \`key\` of 1 to ${MAX_REF_LENGTH} characters`, () => {
  for (
    const [key, wanted] of [
      ["", "bad_frame"],
      ["!~", "ok"],
      ["k".repeat(MAX_REF_LENGTH), "ok"],
      ["k".repeat(MAX_REF_LENGTH + 1), "bad_frame"],
      ["a b", "bad_frame"],
      ["a\n", "bad_frame"],
      ["ä", "bad_frame"],
      ["\u007f", "bad_frame"],
      [1, "bad_frame"],
    ] as const
  ) {
    assertEquals(outcome({ type: "message", room: "a", message: "x", key }), wanted);
    assertEquals(outcome({ type: "direct", to: "A", message: "x", key }), wanted);
  }
});

Deno.test(`\`parseClientFrame()\` takes fields of programs of ${MAX_EXTENSION_LENGTH} bytes`, () => {
  const empty = JSON.stringify({ "x-a-b": "", "x-c-d": [] }).length;
  for (const [character, bytes] of [["x", 1], ["é", 2], ["👍", 4]] as const) {
    const count = Math.floor((MAX_EXTENSION_LENGTH - empty) / bytes);
    for (const [more, wanted] of [[0, "ok"], [1, "too_big"]] as const) {
      const value = character.repeat(count + more);
      const fields = { "x-a-b": value, "x-c-d": [], "x-n-n": null, "x-": "x".repeat(5000) };
      assertEquals(outcome({ type: "message", message: "x", ...fields }), wanted);
      assertEquals(outcome({ type: "direct", to: "A", data: 1, ...fields }), wanted);
    }
  }
  const deep = (levels: number): string =>
    `{"type":"message","message":"x","x-a-b":${"[".repeat(levels)}${"]".repeat(levels)}}`;
  assert(parseClientFrame(deep(MAX_DATA_DEPTH)).ok);
  assert(!parseClientFrame(deep(MAX_DATA_DEPTH + 1)).ok);
  assert(!parseClientFrame(deep(30_000), 10 ** 6).ok);
  assert(!parseClientFrame(`{"type":"message","message":"x","x-a-b":[1e999]}`).ok);
});

Deno.test(`\`parseClientFrame()\` takes data of ${MAX_DATA_DEPTH} levels`, () => {
  const list = (levels: number): string =>
    `{"type":"message","data":${"[".repeat(levels)}${"]".repeat(levels)}}`;
  assert(parseClientFrame(list(MAX_DATA_DEPTH)).ok);
  assert(!parseClientFrame(list(MAX_DATA_DEPTH + 1)).ok);
  assert(!parseClientFrame(list(30_000), 10 ** 6).ok);
  const object = (levels: number): string =>
    `{"type":"message","data":${`{"a":`.repeat(levels)}1${"}".repeat(levels)}}`;
  assert(parseClientFrame(object(MAX_DATA_DEPTH)).ok);
  assert(!parseClientFrame(object(MAX_DATA_DEPTH + 1)).ok);
  const wide = { type: "message", data: Array.from({ length: 10_000 }, () => [[0]]) };
  assertEquals(outcome(wide, 10 ** 6), "ok");
});

Deno.test("`parseClientFrame()` accepts numbers and texts up to their limits", () => {
  const history = { type: "history", room: "lobby" };
  const hello = { type: "hello" };
  for (
    const [frame, wanted] of [
      [{ ...history, limit: 0 }, "bad_frame"],
      [{ ...history, limit: 1 }, "ok"],
      [{ ...history, limit: MAX_HISTORY_PAGE }, "ok"],
      [{ ...history, limit: MAX_HISTORY_PAGE + 1 }, "bad_frame"],
      [{ ...history, after: 0 }, "ok"],
      [{ ...history, after: Number.MAX_SAFE_INTEGER }, "ok"],
      [{ ...history, after: Number.MAX_SAFE_INTEGER + 1 }, "bad_frame"],
      [{ ...history, query: "q".repeat(MAX_QUERY_LENGTH) }, "ok"],
      [{ ...history, query: "q".repeat(MAX_QUERY_LENGTH + 1) }, "bad_frame"],
      [{ ...hello, token: "t".repeat(MAX_SECRET_LENGTH) }, "ok"],
      [{ ...hello, token: "t".repeat(MAX_SECRET_LENGTH + 1) }, "bad_frame"],
      [{ ...hello, session: "t".repeat(MAX_SECRET_LENGTH) }, "ok"],
      [{ ...hello, session: "t".repeat(MAX_SECRET_LENGTH + 1) }, "bad_frame"],
      [{ ...hello, rooms: [{ room: "a", recent: 0 }] }, "ok"],
      [{ ...hello, rooms: [{ room: "a", recent: MAX_HISTORY_PAGE + 1 }] }, "bad_frame"],
      [{ ...hello, rooms: [{ room: "a", max: 0 }] }, "bad_frame"],
      [{ ...hello, rooms: [{ room: "a", max: MAX_MISSED }] }, "ok"],
      [{ ...hello, rooms: [{ room: "a", max: MAX_MISSED + 1 }] }, "bad_frame"],
      [{ ...hello, client: { name: "n".repeat(64), version: "1" } }, "ok"],
      [{ ...hello, client: { name: "n".repeat(65), version: "1" } }, "bad_frame"],
      [{ ...hello, client: { name: "", version: "1" } }, "bad_frame"],
      [{ ...hello, features: Array(MAX_FEATURES).fill("f".repeat(64)) }, "ok"],
      [{ ...hello, features: Array(MAX_FEATURES + 1).fill("f") }, "bad_frame"],
      [{ ...hello, features: ["f".repeat(65)] }, "bad_frame"],
      [{ type: "token", token: "t".repeat(MAX_SECRET_LENGTH) }, "ok"],
      [{ type: "token", token: "t".repeat(MAX_SECRET_LENGTH + 1) }, "bad_frame"],
      [{ ...hello, rooms: [{ room: "a", epoch: "e".repeat(64) }] }, "ok"],
      [{ ...hello, rooms: [{ room: "a", epoch: "e".repeat(65) }] }, "bad_frame"],
      [{ ...hello, rooms: Array.from({ length: 1024 }, () => ({ room: "a" })) }, "ok"],
      [{ ...hello, rooms: Array.from({ length: 1025 }, () => ({ room: "a" })) }, "bad_frame"],
    ] as const
  ) assertEquals(outcome(frame), wanted, JSON.stringify(frame).slice(0, 100));
});

Deno.test("`parseHubFrame()` has no length limit", () => {
  const message = "x".repeat(10 ** 6);
  const frame = {
    type: "message",
    room: "a",
    id: 1,
    sender: "b",
    message,
    timestamp: "t",
  } as const;
  assertEquals(parseHubFrame(JSON.stringify(frame)), { ok: true, frame });
});

Deno.test(`\`isRoomName()\` takes 1 to ${MAX_ROOM_LENGTH} of a-z 0-9 . _ -`, () => {
  const good = ["a", "0", "lobby", "a.b_c-d", "9.", "a--", "a".repeat(MAX_ROOM_LENGTH)];
  const bad = ["", "a".repeat(MAX_ROOM_LENGTH + 1), "A", "ä", "a b", ".a", "-a", "_a", "a/b"];
  for (const room of good) assert(isRoomName(room), room);
  for (const room of [...bad, "a\n", "\na", "a\u0000", "ａ", "a#", "../..", "lobby "]) {
    assert(!isRoomName(room), room);
  }
});

Deno.test(`\`normalizeName()\` takes 1 to ${MAX_NAME_LENGTH} characters, not units`, () => {
  for (const character of ["x", "ß", "€", "😀"]) {
    const longest = character.repeat(MAX_NAME_LENGTH);
    assertEquals(normalizeName(longest), longest);
    assertEquals(normalizeName(longest + character), undefined);
  }
  // Names are normalized before they are counted.
  assertEquals(normalizeName("e\u0301".repeat(MAX_NAME_LENGTH)), "é".repeat(MAX_NAME_LENGTH));
  assertEquals(normalizeName("x".repeat(10 ** 6)), undefined);
});

Deno.test("`normalizeName()` keeps names as users write them", () => {
  for (
    const [given, shown] of [
      ["Alice", "Alice"],
      ["  Alice  B.  ", "Alice B."],
      ["Alice\u00a0\u3000B", "Alice B"],
      ["Zoe\u0308", "Zoë"],
      ["می‌خواهم", "می‌خواهم"],
      ["👩‍👩‍👧‍👦", "👩‍👩‍👧‍👦"],
      ["❤️", "❤️"],
      ["O'Neil-Smith (he) *!?", "O'Neil-Smith (he) *!?"],
    ] as const
  ) assertEquals(normalizeName(given), shown);
});

Deno.test("`normalizeName()` rejects deceptive and reserved characters", () => {
  const inside = [..."/@#:"].map((character) => `a${character}b`);
  const controls = ["\u0000", "\n", "\t", "\u001b", "\u007f", "\u009b", "\u2028", "\u2029"];
  const hidden = ["\u202e", "\u2066", "\u200f", "\u00ad", "\u200b", "\ufeff", "\u{e0041}"];
  const others = ["\ud800", "\udfff", "\ue000", "\uffff", "\u{10ffff}"];
  for (const bad of [...controls, ...hidden, ...others].map((one) => `a${one}b`).concat(inside)) {
    assertEquals(normalizeName(bad), undefined, JSON.stringify(bad));
  }
});

Deno.test("`normalizeName()` rejects invisible names", () => {
  for (
    const blank of ["", " ", "\u3000", "\u200d\u200c", "\u3164", "\uffa0\u115f", "\ufe0f", "\u2800"]
  ) {
    assertEquals(normalizeName(blank), undefined, JSON.stringify(blank));
  }
});

Deno.test("`nameKey()` is the same for names that look the same", () => {
  for (
    const [a, b] of [
      ["Alice", "aLICE"],
      ["Alice", "Ａｌｉｃｅ"],
      ["Alice", "Al\u200dice"],
      ["Alice", "Alice\u3164"],
      ["Alice", "Alice\ufe0f"],
      ["Alice B", "alice\u00a0b"],
      ["ÉMILE", "e\u0301mile"],
      ["ſam", "Sam"],
    ] as const
  ) assertEquals(nameKey(a), nameKey(b));
  assert(nameKey("Alice") !== nameKey("Alicе"), "a Cyrillic letter is another letter");
  assert(nameKey("Zoe") !== nameKey("Zoë"));
});
