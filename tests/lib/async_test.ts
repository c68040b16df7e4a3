import { assertEquals, assertRejects } from "@std/assert";
import { delay, settledWithin } from "../../lib/async.ts";
import { FakeClock } from "../kit/fake_clock.ts";

Deno.test("`delay()` resolves after its time, by the clock it is given", async () => {
  const clock = new FakeClock();
  let over = false;
  const waiting = delay(1000, { clock }).then(() => over = true);
  clock.advance(999);
  await Promise.resolve();
  assertEquals(over, false);
  clock.advance(1);
  await waiting;
});

Deno.test("`delay()` resolves early when its signal aborts, and leaves no timer", async () => {
  const clock = new FakeClock();
  const controller = new AbortController();
  const waiting = delay(1000, { clock, signal: controller.signal });
  controller.abort();
  await waiting;
  assertEquals(clock.waiting, 0);
  await delay(1000, { clock, signal: controller.signal });
  assertEquals(clock.waiting, 0);
});

Deno.test("`settledWithin()` tells whether a promise resolves in time, and passes on its rejection", async () => {
  const { promise: never } = Promise.withResolvers<void>();
  assertEquals(await settledWithin(Promise.resolve(), 60_000), true);
  assertEquals(await settledWithin(never, 0), false);
  await assertRejects(
    () => settledWithin(Promise.reject(new Error("broken")), 60_000),
    Error,
    "broken",
  );
});
