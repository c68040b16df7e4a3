import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { parseArgs } from "@std/cli";
import { formatBytes } from "@std/fmt";
import { closestString } from "@std/text";

Deno.test("the typed wrappers of the standard library export its functions", async () => {
  assertEquals(parseArgs(["--port", "1", "x"], { string: ["port"] })["port"], "1");
  assertEquals(formatBytes(1337), "1.34 kB");
  assertEquals(closestString("prot", ["port", "host"]), "port");
  assertThrows(() => JSON.parse("{"), SyntaxError);
  await assertRejects(() => Promise.reject(new TypeError("no")), TypeError, "no");
});
