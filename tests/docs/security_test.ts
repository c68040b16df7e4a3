import { assert, assertEquals } from "@std/assert";
import { BODY_TIMEOUT } from "../../server/http/api/body.ts";
import { DEFAULT_SERVER_LIMITS } from "../../server/limits/server_limits.ts";
import { MAX_BATCH_MESSAGES, MAX_DATA_DEPTH } from "../../protocol.ts";

const text = await Deno.readTextFile(new URL("../../docs/security.md", import.meta.url));

/** The figures of a row of the table of bounds. */
function bounds(what: string): readonly number[] {
  const row = text.split("\n").find((line) => line.startsWith(`| ${what} `)) ?? "";
  const [, , bound = ""] = row.split("|");
  return [...bound.matchAll(/\d[\d,]*/g)].map(([number]) => Number(number.replaceAll(",", "")));
}

Deno.test("docs/security.md names existing tests", async () => {
  const named = [...text.matchAll(/`([\w/]+_test\.ts)`/g)].map(([, file = ""]) => file);
  assert(named.length > 10);
  for (const file of new Set(named)) {
    assert((await Deno.stat(new URL(`../${file}`, import.meta.url))).isFile, file);
  }
});

Deno.test("docs/security.md states the real bounds", () => {
  const limits = DEFAULT_SERVER_LIMITS;
  const { maxMessageBytes } = limits;
  assertEquals(bounds("a message, a frame"), [
    maxMessageBytes / 1024,
    maxMessageBytes * MAX_BATCH_MESSAGES / 1024 ** 2,
    1009,
    MAX_DATA_DEPTH,
  ]);
  assertEquals(bounds("a flood").slice(0, 2), [limits.rate, limits.ratePerAddress]);
  assertEquals(bounds("no `hello`"), [limits.helloTimeout]);
  assertEquals(bounds("an HTTP request body"), [BODY_TIMEOUT / 1000, 408]);
  assertEquals(bounds("a reader that stalls"), [limits.maxOutboxBytes / 1024 ** 2, 4008]);
  assertEquals(bounds("connections").slice(0, 2), [limits.maxConnections, limits.maxPerAddress]);
  assert(text.includes(`After ${limits.maxFailures} wrong tokens a minute`));
});
