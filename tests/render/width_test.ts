import { assert, assertEquals } from "@std/assert";
import { displayWidth, fit, graphemes, pieces } from "../../render/width.ts";
import { wrapRows } from "../../render/wrap.ts";

const FAMILY = "👨‍👩‍👧";

Deno.test("`displayWidth()` returns the most columns that a terminal could use", () => {
  const widths: readonly (readonly [string, number])[] = [
    ["", 0],
    ["abc", 3],
    ["天地", 4],
    ["e\u0301", 1],
    ["❤", 1],
    ["❤\uFE0F", 2],
    ["😀", 2],
    ["😀\uFE0F", 2],
    ["👍\uFE0F", 2],
    [FAMILY, 6],
    ["🇩🇪", 2],
    ["1\uFE0F\u20E3", 2],
    ["\x1b[31mred\x1b[39m", 3],
  ];
  for (const [text, width] of widths) assertEquals(displayWidth(text), width, text);
});

Deno.test("`fit()` cuts at a grapheme and marks the cut with an ellipsis", () => {
  const cuts = [fit("abcdef", 4), fit("天地玄黃", 4), fit("abcd", 4), fit("ab", 0)];
  assertEquals(cuts, ["abc…", "天…", "abcd", ""]);
  assertEquals(fit("abe\u0301f", 3), "ab…");
  assertEquals(fit("abe\u0301", 3), "abe\u0301");
});

Deno.test("`pieces()` keeps graphemes whole, but splits those that fit in no row", () => {
  assertEquals(graphemes(`a${FAMILY}e\u0301`), ["a", FAMILY, "e\u0301"]);
  assertEquals(pieces(`a${FAMILY}`, 20), ["a", FAMILY]);
  const crowd = Array(30).fill("👨").join("\u200D");
  assert(pieces(crowd, 80).every((piece) => displayWidth(piece) <= 2));
  assert(wrapRows(crowd, 20).every((row) => displayWidth(row) <= 20));
  assertEquals(wrapRows(`${"x".repeat(17)}天${FAMILY}`, 20), [`${"x".repeat(17)}天`, FAMILY]);
});
