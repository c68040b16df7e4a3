import { assert, assertEquals, assertFalse } from "@std/assert";
import { bootId, sameBoot } from "../../../broker/sqlite/boot.ts";

Deno.test("`bootId()` always returns the same id", async () => {
  const id = await bootId();
  assert(id !== undefined);
  assert(sameBoot(id, await bootId()));
});

Deno.test({
  name: "`bootId()` takes the moment of the boot where there is no name",
  permissions: { read: false, sys: ["osUptime"] },
  async fn() {
    const id = await bootId();
    assert(id?.startsWith("time:"));
    assert(sameBoot(id, await bootId(() => Date.now() + 2000)));
    assertFalse(sameBoot(id, await bootId(() => Date.now() + 60_000)));
  },
});

Deno.test({
  name: "`bootId()` asks for no permission",
  permissions: "none",
  async fn() {
    assertEquals(await bootId(), undefined);
  },
});

Deno.test("`sameBoot()` treats unknown boots as different", () => {
  assert(sameBoot("a", "a"));
  assertFalse(sameBoot("a", "b"));
  assertFalse(sameBoot(undefined, undefined));
  assertFalse(sameBoot("", ""));
  assert(sameBoot("time:1000", "time:6000"));
  assertFalse(sameBoot("time:1000", "time:6001"));
  assertFalse(sameBoot("time:x", "time:1000"));
  assertFalse(sameBoot("time:1000", "a"));
});
