import { assertEquals } from "@std/assert";
import { plural, suggestion } from "../../lib/words.ts";

Deno.test("`suggestion()` names the closest word, unless it is too different", () => {
  assertEquals(suggestion("prot", ["port", "host"]), "Did you mean port?");
  assertEquals(suggestion("conection", ["connect", "connection"]), "Did you mean connection?");
  assertEquals(suggestion("xyz", ["port", "host"]), "");
  assertEquals(suggestion("foo", ["room"]), "");
  assertEquals(suggestion("nope", ["token"]), "");
  assertEquals(suggestion("version", ["profile"]), "");
  assertEquals(suggestion("port", []), "");
});

Deno.test("`plural()` groups digits and takes the plural for every count but 1", () => {
  assertEquals([plural(1, "message"), plural(10_000, "message")], ["1 message", "10,000 messages"]);
  assertEquals(plural(0, "is", "are"), "0 are");
});
