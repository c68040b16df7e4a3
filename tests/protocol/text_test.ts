import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import fc from "fast-check";
import {
  CLOSE,
  cutToBytes,
  fitsBytes,
  MAX_CLOSE_REASON_BYTES,
  normalizeName,
  shouldReconnect,
  visible,
} from "../../protocol.ts";

const encoder = new TextEncoder();

/** Text with many difficult characters. */
const text = fc.string({
  unit: fc.oneof(
    fc.constantFrom(..."aß€\n\t\r\u0000\u001b\u007f\u009b\u200c\u200d\u200e\u202e\u2066\u2028"),
    fc.constantFrom("😀", "\ud800", "\udfff", "e\u0301", "\u061c", "\ufeff", "\u{e0041}"),
    fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
  ),
});

Deno.test("`visible()` removes everything that controls a terminal or reorders text", () => {
  fc.assert(
    fc.property(text, (input) => {
      const shown = visible(input);
      // deno-lint-ignore no-control-regex -- the test is about control characters
      assert(!/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(shown));
      assert(!/[\p{Bidi_Control}\ufeff\u00ad\u200b]/u.test(shown));
      assert(shown.isWellFormed());
      assertEquals(visible(shown), shown);
      const lines = visible(input, { keepLines: true });
      assertEquals(lines.split("\n").length, input.split("\n").length);
      assertEquals(visible(lines), shown);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("`visible()` keeps harmless text", () => {
  const harmless = fc.string({ unit: "grapheme" }).filter((input) =>
    !/[\p{C}\p{Zl}\p{Zp}]/u.test(input)
  );
  fc.assert(fc.property(harmless, (input) => assertEquals(visible(input), input)));
  for (const input of ["👩‍👩‍👧‍👦", "می‌خواهم", "שלום", "e\u0301", "<b>&amp;"]) {
    assertEquals(visible(input), input);
  }
});

Deno.test("`visible()` shows what it removed", () => {
  assertEquals(visible("\u001b[31mred\u0007"), "␛[31mred␇");
  assertEquals(visible("a\nb\tc\u0000\u007f"), "a␊b␉c␀␡");
  assertEquals(visible("a\nb\tc\r", { keepLines: true }), "a\nb\tc␍");
  assertEquals(visible("\u202egnp.exe\u009b\ud800"), "<U+202E>gnp.exe<U+009B><U+D800>");
  assertEquals(visible("\u{e0041}"), "<U+E0041>");
});

Deno.test("`fitsBytes()` counts as UTF-8 does", () => {
  fc.assert(fc.property(text, fc.nat({ max: 60 }), (input, limit) => {
    assertEquals(fitsBytes(input, limit), encoder.encode(input).length <= limit);
  }));
});

Deno.test("`cutToBytes()` cuts at a character boundary, as late as possible", () => {
  fc.assert(
    fc.property(text, fc.nat({ max: 60 }), (input, limit) => {
      const cut = cutToBytes(input, limit);
      assertEquals(input.slice(0, cut.length), cut);
      assertLessOrEqual(encoder.encode(cut).length, limit);
      if (cut === input) return;
      const next = String.fromCodePoint(input.codePointAt(cut.length) ?? 0);
      assert(encoder.encode(cut + next).length > limit, "one more character does not fit");
      assert(input.isWellFormed() ? cut.isWellFormed() : true, "no pair is split");
    }),
    { numRuns: 1000 },
  );
});

Deno.test("`cutToBytes()` makes a close reason that fits its frame", () => {
  for (const [character, count] of [["x", 123], ["ß", 61], ["€", 41], ["😀", 30]] as const) {
    assertEquals(
      cutToBytes(character.repeat(200), MAX_CLOSE_REASON_BYTES),
      character.repeat(count),
    );
  }
  assertEquals(cutToBytes("x".repeat(MAX_CLOSE_REASON_BYTES), MAX_CLOSE_REASON_BYTES).length, 123);
  assertEquals(cutToBytes("anything", 0), "");
});

Deno.test("`normalizeName()` is idempotent", () => {
  fc.assert(
    fc.property(fc.oneof(text, fc.string({ unit: "grapheme" })), (input) => {
      const shown = normalizeName(input);
      if (shown === undefined) return;
      assertEquals(normalizeName(shown), shown);
      assertEquals(visible(shown), shown);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("`shouldReconnect()` matches the table in the protocol for every code", () => {
  const table: readonly (readonly [code: number, reconnect: boolean])[] = [
    [1000, false],
    [1001, true],
    [1003, false],
    [1009, false],
    [1011, true],
    [1013, true],
    [4008, true],
    [4010, true],
    [4029, true],
    [4501, false],
    [4503, false],
  ];
  for (const [code, reconnect] of table) assertEquals(shouldReconnect(code), reconnect, `${code}`);
  for (let code = 4000; code < 4500; code++) assert(shouldReconnect(code), `${code}`);
  for (let code = 4500; code < 5000; code++) assert(!shouldReconnect(code), `${code}`);
  // The connection was lost without a close frame.
  for (const code of [1005, 1006, 1012, 1014, 1015]) assert(shouldReconnect(code), `${code}`);
  assertEquals(new Set(Object.values(CLOSE)).size, Object.keys(CLOSE).length);
});
