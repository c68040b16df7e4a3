import fc from "fast-check";
import { assertEquals } from "@std/assert";
import { shellWord, shellWords } from "../../cli/shell.ts";

Deno.test("shellWords() splits a line as a shell does, and expands nothing", () => {
  for (
    const [line, words] of [
      ["", []],
      ["  a  b\tc ", ["a", "b", "c"]],
      [`a 'b c' "d e"`, ["a", "b c", "d e"]],
      [`a\\ b 'it'\\''s' ""`, ["a b", "it's", ""]],
      [`"a\\"b\\n$x" '$x\\'`, [`a"b\\n$x`, "$x\\"]],
      ["$(x y) `z`", ["$(x", "y)", "`z`"]],
      [`--to "Al`, ["--to", "Al"]],
      ["a'b", ["ab"]],
      ["a\\", ["a"]],
    ] as const
  ) assertEquals(shellWords(line), words, line);
});

Deno.test("shellWord() quotes every text that a shell would change", () => {
  assertEquals(["ws://hub:80/a", "a b", "$(x)", "it's", ""].map(shellWord), [
    ...["ws://hub:80/a", "'a b'", "'$(x)'", "'it'\\''s'", "''"],
  ]);
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    assertEquals(shellWords(`x ${shellWord(text)} y`), ["x", text, "y"]);
  }));
});
