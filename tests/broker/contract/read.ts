import { assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import type { Range } from "../../../broker/broker.ts";
import { type ContractTest, drafts, ids, store } from "./broker_contract_kit.ts";

/** `read()`. */
export function readContract(test: ContractTest): void {
  test("`read()` returns the newest messages, oldest first", async (place) => {
    await using broker = await place.open();
    await store(broker, [...drafts("other", 20), ...drafts("lobby", 10), ...drafts("third", 5)]);
    assertEquals(ids(await broker.read("lobby", { limit: 3 })), [8, 9, 10]);
    assertEquals(ids(await broker.read("lobby", { before: 5, limit: 3 })), [2, 3, 4]);
    assertEquals(ids(await broker.read("lobby", { before: 3, limit: 9 })), [1, 2]);
    assertEquals(ids(await broker.read("lobby", { before: 999, limit: 2 })), [9, 10]);
    assertEquals(ids(await broker.read("lobby", { before: 1, limit: 9 })), []);
    assertEquals(ids(await broker.read("lobby", { before: 0, limit: 9 })), []);
  });

  test("`read()` returns the messages after an id", async (place) => {
    await using broker = await place.open();
    await store(broker, [...drafts("other", 20), ...drafts("lobby", 10), ...drafts("third", 5)]);
    assertEquals(ids(await broker.read("lobby", { after: 0, limit: 3 })), [1, 2, 3]);
    assertEquals(ids(await broker.read("lobby", { after: 7, limit: 9 })), [8, 9, 10]);
    assertEquals(ids(await broker.read("lobby", { after: 10, limit: 9 })), []);
    assertEquals(ids(await broker.read("lobby", { after: 2 ** 40, limit: 9 })), []);
    assertEquals(ids(await broker.read("lobby", { after: 3, before: 8, limit: 2 })), [4, 5]);
    assertEquals(ids(await broker.read("lobby", { after: 3, before: 6, limit: 9 })), [4, 5]);
    assertEquals(ids(await broker.read("lobby", { after: 6, before: 3, limit: 9 })), []);
  });

  test("`read()` returns nothing for limit 0 or an empty room", async (place) => {
    await using broker = await place.open();
    await store(broker, drafts("lobby", 3));
    assertEquals(await broker.read("lobby", { limit: 0 }), []);
    assertEquals(await broker.read("lobby", { limit: -1 }), []);
    assertEquals(await broker.read("lobby2", { limit: 9 }), []);
    assertEquals(await broker.read("lobb", { after: 0, limit: 9 }), []);
  });

  test("`read()` agrees with a model", async (place) => {
    await using broker = await place.open({ retention: { maxMessages: 15 } });
    await store(broker, [...drafts("a", 7), ...drafts("lobby", 20), ...drafts("z", 7)]);
    const all = Array.from({ length: 15 }, (_, index) => index + 6);
    const bound = fc.option(fc.integer({ min: 0, max: 25 }), { nil: undefined });
    await fc.assert(
      fc.asyncProperty(bound, bound, fc.integer({ min: 0, max: 25 }), async (a, b, limit) => {
        const range: Range = {
          limit,
          ...(a === undefined ? {} : { after: a }),
          ...(b === undefined ? {} : { before: b }),
        };
        const part = all.filter((id) => id > (a ?? 0) && id < (b ?? Infinity));
        const wanted = a === undefined ? part.slice(Math.max(0, part.length - limit)) : part.slice(
          0,
          limit,
        );
        assertEquals(ids(await broker.read("lobby", range)), wanted);
      }),
      { numRuns: 200 },
    );
  });

  test("`read()`, `head()`, `rooms()` and `search()` reject after dispose", async (place) => {
    const broker = await place.open();
    await broker[Symbol.asyncDispose]();
    await assertRejects(() => broker.read("lobby", { limit: 1 }), Error, "closed");
    await assertRejects(() => broker.head("lobby"), Error, "closed");
    await assertRejects(() => broker.rooms(), Error, "closed");
    await assertRejects(() => broker.search("lobby", "x", { limit: 1 }), Error, "closed");
  });
}
