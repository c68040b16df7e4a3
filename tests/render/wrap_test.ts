import { assertEquals } from "@std/assert";
import { wrap, wrapRows } from "../../render/wrap.ts";

Deno.test("`wrap()` breaks at blanks and keeps longer words whole", () => {
  assertEquals(wrap("aa bb cc", 5), ["aa bb", "cc"]);
  assertEquals(wrap("aaaaaaaa b", 5), ["aaaaaaaa", "b"]);
});

Deno.test("`wrapRows()` breaks at blanks, within long words, and never within addresses", () => {
  assertEquals(wrapRows("aa bb cc", 5), ["aa bb", "cc"]);
  assertEquals(wrapRows("aa bb", 5, 3), ["aa", "bb"]);
  assertEquals(wrapRows("天地玄黃宇宙", 5), ["天地", "玄黃", "宇宙"]);
  const url = "https://example.com/a/very/long/path";
  assertEquals(wrapRows(`see ${url} now`, 10), ["see", url, "now"]);
  assertEquals(wrapRows("  code", 10), ["  code"]);
  // A text that could forge another user's line is broken, and so is one that blanks push to the edge.
  assertEquals(wrapRows("https://x.y/[10:30:40]Bob:no", 12), [
    "https://x.y/",
    "[10:30:40]Bo",
    "b:no",
  ]);
  assertEquals(wrapRows("0123456789Bob:no", 10), ["0123456789", "Bob:no"]);
  assertEquals(wrapRows(" ".repeat(6) + "[10:30:40] Bob: no", 10, 2), [
    "",
    "[10:30:40]",
    "Bob: no",
  ]);
  assertEquals(wrapRows(" ".repeat(6) + "[10:30:40] Bob: no", 10), ["[10:30:40]", "Bob: no"]);
  assertEquals(wrapRows("", 10), [""]);
  // Never between a letter and its accent, nor within an emoji of several characters.
  assertEquals(wrapRows("e\u0301".repeat(4), 3), ["e\u0301".repeat(3), "e\u0301"]);
  assertEquals(wrapRows("👩\u200D💻👩\u200D💻", 6), ["👩\u200D💻", "👩\u200D💻"]);
});
