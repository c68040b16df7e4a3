import { assertEquals } from "@std/assert";
import { check, CHECKS } from "../../conformance/run.ts";
import { HUB_TABLE } from "../../protocol/hub_table.ts";
import { FrameChecker } from "../kit/frame_checker.ts";
import { startTestHub, tokenIsName } from "../kit/test_hub.ts";

for (const rule of CHECKS) {
  Deno.test(`the hub keeps the rule: ${rule.name}`, async () => {
    await using hub = await startTestHub();
    const { ok, saw } = await check(rule, { url: hub.url, tokens: [] });
    assertEquals([ok, ok ? "" : saw], [true, ""]);
  });
}

Deno.test("the script accepts a hub that requires tokens, with one or two", async () => {
  for (const tokens of [["Alice"], ["Alice", "Bob"]]) {
    await using hub = await startTestHub({ authorizer: { ...tokenIsName, required: true } });
    const results = [];
    for (const rule of CHECKS) results.push(await check(rule, { url: hub.url, tokens }));
    assertEquals(results.filter(({ ok }) => !ok), []);
  }
});

Deno.test("what the hub sends to v1 clients is what the JSON Schema and the parser know", async () => {
  const frames = new FrameChecker();
  const onFrame = (text: string): void => frames.check(text);
  for (const tokens of [[], ["Alice", "Bob"]]) {
    await using hub = await startTestHub({ authorizer: { ...tokenIsName, required: false } });
    for (const rule of CHECKS) await check(rule, { url: hub.url, tokens, onFrame });
  }
  assertEquals(frames.problems, []);
  // Only a moderator and an operator cause a `system`.
  const unseen = Object.keys(HUB_TABLE).filter((type) => !frames.types.has(type));
  assertEquals(unseen, ["system"]);
});
