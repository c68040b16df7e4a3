import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import { MAX_BUFFER_LENGTH, TextBuffer } from "../../editor/text_buffer.ts";
import { type Edit, EditBuffer, type Kill } from "../../editor/edit_buffer.ts";

const FAMILY = "👨‍👩‍👧";

/** A buffer from a text in which `|` is the cursor. */
function draft(marked: string): TextBuffer {
  const [before = "", after = ""] = marked.split("|");
  let made = TextBuffer.of(before + after);
  while (made.cursor > before.length) made = made.left();
  assertEquals(shown(made), marked);
  return made;
}

function shown({ before, after }: TextBuffer): string {
  return `${before}|${after}`;
}

type Change = Exclude<Edit | Kill, never>;

const TABLE: readonly (readonly [Change, before: string, after: string])[] = [
  ["left", "ab|", "a|b"],
  ["left", "|ab", "|ab"],
  ["left", `a${FAMILY}|b`, `a|${FAMILY}b`],
  ["left", "e\u0301|", "|e\u0301"],
  ["left", "🇩🇪🇫🇷|", "🇩🇪|🇫🇷"],
  ["left", "a\n|b", "a|\nb"],
  ["right", `|${FAMILY}b`, `${FAMILY}|b`],
  ["right", "ab|", "ab|"],
  ["wordLeft", "one two-three|", "one two-|three"],
  ["wordLeft", "one  |", "|one  "],
  ["wordLeft", "Grüße|", "|Grüße"],
  ["wordRight", "|one two", "one| two"],
  ["wordRight", "one| , two!", "one , two|!"],
  ["lineStart", "one\ntw|o", "one\n|two"],
  ["lineEnd", "o|ne\ntwo", "one|\ntwo"],
  ["backspace", `a${FAMILY}|b`, "a|b"],
  ["backspace", "|a", "|a"],
  ["backspace", "a\n|b", "a|b"],
  ["delete", `|${FAMILY}b`, "|b"],
  ["delete", "a|", "a|"],
  ["transpose", "ab|c", "acb|"],
  ["transpose", "abc|", "acb|"],
  ["transpose", `${FAMILY}x|`, `x${FAMILY}|`],
  ["transpose", "a|", "a|"],
  ["transpose", "a\n|b", "a\n|b"],
  ["deleteWordLeft", "one two|", "one |"],
  ["deleteWordLeft", "/join room-a|", "/join room-|"],
  ["deleteWordRight", "|one two", "| two"],
  ["deleteBlankWordLeft", "/join room-a |", "/join |"],
  ["deleteBlankWordLeft", "one|", "|"],
  ["deleteToLineStart", "one\ntwo| x", "one\n| x"],
  ["deleteToLineStart", "one\n|two", "one|two"],
  ["deleteToLineEnd", "o|ne\ntwo", "o|\ntwo"],
  ["deleteToLineEnd", "one|\ntwo", "one|two"],
];

for (const [change, before, after] of TABLE) {
  Deno.test(`${change}() makes ${JSON.stringify(after)} of ${JSON.stringify(before)}`, () => {
    assertEquals(shown(draft(before)[change]()), after);
  });
}

Deno.test("`up()` and `down()` keep the column, and return `undefined` at the edges", () => {
  const lines = "first 天地\n二\nthird lin|e";
  const up = draft(lines).up();
  assertEquals(up && shown(up), "first 天地\n二|\nthird line");
  const top = up?.up();
  assertEquals(top && shown(top), "f|irst 天地\n二\nthird line");
  assertEquals(top?.up(), undefined);
  const down = top?.down();
  assertEquals(down && shown(down), "first 天地\n二|\nthird line");
  assertEquals(draft("one|").down(), undefined);
});

Deno.test("`insert()` removes control characters and normalizes line ends", () => {
  const all = Array.from({ length: 0xa0 }, (_, code) => String.fromCharCode(code)).join("");
  const { text } = TextBuffer.of(all);
  assertEquals(text, "\t\n\n" + all.slice(0x20, 0x7f));
  assertEquals(TextBuffer.of("a\r\nb\rc\ud800").text, "a\nb\nc\uFFFD");
});

Deno.test("`insert()` keeps the cursor out of graphemes", () => {
  const joined = draft("👨|👩").insert("\u200D");
  assertEquals(shown(joined), "👨\u200D👩|");
});

Deno.test("`insert()` returns the same object if the text does not fit", () => {
  const full = TextBuffer.of("x".repeat(MAX_BUFFER_LENGTH));
  assertEquals(full.text.length, MAX_BUFFER_LENGTH);
  assertStrictEquals(full.insert("y"), full);
});

Deno.test("`replaceBefore()` replaces text before the cursor", () => {
  assertEquals(shown(draft("say al|!").replaceBefore(2, "Alice ")), "say Alice |!");
});

Deno.test("`kill()` collects consecutive kills, and `yank()` inserts them", () => {
  let buffer = EditBuffer.EMPTY.insert("one two three");
  buffer = buffer.kill("deleteBlankWordLeft").kill("deleteBlankWordLeft");
  assertEquals(buffer.content.text, "one ");
  buffer = buffer.edit("lineStart").yank();
  assertEquals(shown(buffer.content), "two three|one ");
  // A key in between starts a new kill.
  buffer = buffer.kill("deleteToLineEnd").edit("lineStart").kill("deleteToLineEnd").yank();
  assertEquals(shown(buffer.content), "two three|");
  buffer = EditBuffer.EMPTY.insert("one two").edit("lineStart").kill("deleteWordRight")
    .kill("deleteWordRight").yank();
  assertEquals(buffer.content.text, "one two");
});

Deno.test("`undo()` undoes typing word by word, and other changes one by one", () => {
  let buffer = EditBuffer.EMPTY;
  for (const key of "say it") buffer = buffer.type(key);
  buffer = buffer.kill("deleteToLineStart");
  const seen: string[] = [];
  for (let n = 0; n < 5; n++) {
    buffer = buffer.undo();
    seen.push(buffer.content.text);
  }
  assertEquals(seen, ["say it", "say ", "", "", ""]);
});

Deno.test("`EditBuffer` keeps at most 200 undo steps", () => {
  let buffer = EditBuffer.EMPTY;
  for (let n = 0; n < 1000; n++) buffer = buffer.insert("x");
  let steps = 0;
  for (; buffer.content !== buffer.undo().content; steps++) buffer = buffer.undo();
  assertEquals(steps, 200);
});

Deno.test("`TextBuffer` stays well-formed whatever changes it", () => {
  const changes = [...new Set(TABLE.map(([change]) => change))];
  const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });
  const parts = fc.oneof(
    fc.constantFrom(
      FAMILY,
      "🇩🇪",
      "e\u0301",
      "\u200D",
      "\uFE0F",
      "\n",
      " ",
      "a",
      "天",
      "\x1b",
      "\r",
    ),
    fc.string({ unit: "binary", maxLength: 4 }),
  );
  fc.assert(fc.property(
    fc.array(fc.oneof(parts, fc.constantFrom(...changes).map((change) => ({ change })))),
    (steps) => {
      let made = TextBuffer.EMPTY;
      for (const each of steps) {
        made = typeof each === "string" ? made.insert(each) : made[each.change]();
        const { text, cursor } = made;
        const starts = [...segmenter.segment(text)].map(({ index }) => index);
        assert(cursor === text.length || starts.includes(cursor), JSON.stringify([text, cursor]));
        // deno-lint-ignore no-control-regex -- the test looks for them
        assert(!/[\x00-\x08\x0b-\x1f\x7f-\x9f]/.test(text));
        assert(text.isWellFormed());
      }
    },
  ));
});
