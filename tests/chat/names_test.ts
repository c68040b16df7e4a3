import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { quotedName, splitName } from "../../chat/names.ts";
import { nameKey } from "../../protocol.ts";
import { name as anyName } from "../protocol/arbitraries.ts";

Deno.test("splitName() takes off the longest name known, one in quotes, or the first word", () => {
  const people = ["Bob", "Bob Smith", "Zoë Q", '"Al"'];
  for (
    const [given, name, rest] of [
      ["Bob hi there", "Bob", "hi there"],
      ["@bob hi", "Bob", "hi"],
      ["bob smith hi", "Bob Smith", "hi"],
      ["Bob", "Bob", ""],
      ["Bobby hi", "Bobby", "hi"],
      ["zoe\u0308 q hi", "Zoë Q", "hi"],
      ["ＢＯＢ hi", "Bob", "hi"],
      ['"Jo Ann" hi', "Jo Ann", "hi"],
      ['"al" hi', '"Al"', "hi"],
      ["Jo Ann hi", "Jo", "Ann hi"],
      ["Bob two\nlines", "Bob", "two\nlines"],
      ["", "", ""],
    ] as const
  ) assertEquals(splitName(given, people), [name, rest], given);
});

Deno.test("splitName() takes off any allowed name, known or in quotes", () => {
  fc.assert(
    fc.property(anyName, (name) => {
      const [known, rest] = splitName(`${name} what I say`, ["Bob", name]);
      assertEquals([nameKey(known), rest], [nameKey(name), "what I say"]);
      // Where nothing is known, a name cannot begin with quotes or have both quotes and blanks.
      fc.pre(!name.startsWith('"') && !(name.includes(" ") && name.includes('"')));
      assertEquals(splitName(`${quotedName(name)} x`, []), [name, "x"]);
    }),
    { numRuns: 1000 },
  );
});
