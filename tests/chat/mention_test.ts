import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { mentions, mentionsIn } from "../../chat/mention.ts";
import { nameKey, normalizeName } from "../../protocol.ts";
import { name as anyName } from "../protocol/arbitraries.ts";

/** Any character at all in names, not only those that people use. */
const strangeName = fc.string({ unit: "binary", minLength: 1, maxLength: 12 })
  .map(normalizeName).filter((name) => name !== undefined);
const aName = fc.oneof(
  anyName,
  strangeName,
  fc.constantFrom(
    "Eve-2",
    "jean-luc",
    "-",
    "$&",
    "\\d+",
    "[a]",
    "ΟΔΟΣ",
    "´a",
    "ｶﾞ",
    "ㄱㅏ",
    "\u0301",
  ),
);

function found(text: string, name: string, rule?: "at" | "name"): readonly string[] {
  return mentionsIn(text, name, rule).map(({ start, end }) => text.slice(start, end));
}

Deno.test("mentionsIn() finds any allowed name after an @", () => {
  fc.assert(
    fc.property(aName, (name) => {
      const text = `well, @${name} there`;
      assertEquals(mentionsIn(text, name), [{ start: 6, end: 7 + name.length }], text);
      assert(mentions(`@${name}`, name));
      assert(mentions(`@${name}, look`, name));
      // A mark that begins a name belongs to the character before it, unless that is an `@`.
      if (!/^[\p{M}\uFF9E\uFF9F]/u.test(name)) assert(mentions(`(${name}) is bare`, name, "name"));
    }),
    { numRuns: 3000 },
  );
});

Deno.test("mentionsIn() finds a name in every way of writing that the hub takes for the same", () => {
  const wide = (text: string): string =>
    text.replace(/[!-~]/g, (sign) => String.fromCharCode(sign.charCodeAt(0) + 0xfee0));
  const ways = [
    (text: string) => text.toUpperCase(),
    (text: string) => text.toLowerCase(),
    (text: string) => text.normalize("NFD"),
    (text: string) => text.normalize("NFKC"),
    wide,
  ];
  fc.assert(
    fc.property(aName, fc.constantFrom(...ways), (name, way) => {
      const other = way(name);
      fc.pre(normalizeName(other) !== undefined && nameKey(other) === nameKey(name));
      assert(mentions(`hi @${other}!`, name), `${other} ${name}`);
    }),
    { numRuns: 2000 },
  );
  assert(mentions("hi @Alice", "ＡＬＩＣＥ"));
  assert(mentions("hi ＠ＡＬＩＣＥ", "alice"));
  assert(mentions("hi Alice", "ＡＬＩＣＥ", "name"));
  assertEquals(found("@ΟΔΌΣ and @οδός", "οδός"), ["@ΟΔΌΣ", "@οδός"]);
});

Deno.test("mentionsIn() takes a bare name for a mention only when it is asked to", () => {
  assert(!mentions("It will be fine", "Will"));
  assert(mentions("It will be fine", "Will", "name"));
  assertEquals(found("It will be fine, @will!", "Will"), ["@will"]);
  assertEquals(found("It will be fine, @will!", "Will", "name"), ["will", "@will"]);
  assertEquals(found("hi alice, Alice's here", "Alice", "name"), ["alice", "Alice"]);
  assertEquals(found("for Jo Ann only, @Jo Ann", "Jo Ann", "name"), ["Jo Ann", "@Jo Ann"]);
});

Deno.test("mentionsIn() finds no part of another name, of a word or of a mail address", () => {
  for (
    const [text, name] of [
      ["@Alice", "Al"],
      ["@Eve-2: hi", "Eve"],
      ["@j.doe", "j"],
      ["bob@alice.example", "Alice"],
      ["@éalice", "alice"],
      ["@alice\u0301", "alice"],
      ["@山田太郎", "山田"],
      ["anything", ""],
    ] as const
  ) assert(!mentions(text, name), `${text} ${name}`);
  for (const text of ["malice", "alices", "alice_2", "alice-b", "x.alice", "éalice", ""]) {
    assert(!mentions(text, "Alice", "name"), text);
  }
  assert(!mentions("anything", undefined));
  assert(!mentions(undefined, "Alice"));
});

Deno.test("mentionsIn() ends a name at punctuation, and at another script", () => {
  for (const text of ["@Eve.", "@Eve-", "@Eve - hi", "@Eve's", "@Eve…", "@Eve2"]) {
    assertEquals(mentions(text, "Eve"), text !== "@Eve2", text);
  }
  assertEquals(found("こんにちは@Aliceさん", "Alice"), ["@Alice"]);
  assertEquals(found("@太郎さん", "太郎"), ["@太郎"]);
  assertEquals(found("私はAliceです", "Alice", "name"), ["Alice"]);
});

Deno.test("mentionsIn() takes no longer for what strangers make up", () => {
  const started = performance.now();
  for (const text of ["@a".repeat(32_000), "é@".repeat(32_000), "@ébb".repeat(16_000)]) {
    mentionsIn(text, "ébbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
    mentionsIn(text, "a", "name");
    mentionsIn(text, "é", "name");
  }
  assert(performance.now() - started < 3000);
});
