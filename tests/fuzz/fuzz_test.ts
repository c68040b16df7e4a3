import { assert, assertEquals } from "@std/assert";
import { fuzz } from "./run.ts";

Deno.test("two seconds of fuzzing find no failure", async () => {
  const seed = crypto.getRandomValues(new Int32Array(1))[0] ?? 0;
  const { failure, rounds, messages, statuses } = await fuzz({ seed, milliseconds: 2000 });
  assertEquals(failure, undefined, `deno task fuzz --seed ${seed}\n${failure}`);
  assert(rounds > 3 && messages >= rounds, `${rounds} rounds with ${messages} messages`);
  assert(Object.keys(statuses).length > 0, "no request was answered");
});
