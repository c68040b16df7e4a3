import { assertEquals, assertGreater, assertNotEquals } from "@std/assert";
import { setImmediate } from "node:timers/promises";
import {
  ContractClock,
  type ContractTest,
  draft,
  drafts,
  ids,
  readAll,
  store,
} from "./broker_contract_kit.ts";

/** `trim()` and `retention`. */
export function trimContract(test: ContractTest): void {
  test("`retention` returns the limits", async (place) => {
    await using broker = await place.open({ retention: { maxMessages: 7 } });
    assertEquals(broker.retention, { maxMessages: 7, maxAge: 30 * 24 * 60 * 60 * 1000 });
  });

  test("`trim()` deletes the oldest messages beyond the maximum, which were hidden before", async (place) => {
    await using broker = await place.open({ retention: { maxMessages: 3 } });
    await store(broker, [...drafts("lobby", 5), ...drafts("small", 3)]);
    const { epoch } = await broker.head("lobby");
    const looks = async (): Promise<void> => {
      assertEquals(await broker.head("lobby"), { epoch, first: 3, last: 5 });
      assertEquals(ids(await readAll(broker, "lobby")), [3, 4, 5]);
      assertEquals(ids(await broker.read("lobby", { after: 0, limit: 9 })), [3, 4, 5]);
      assertEquals(ids(await readAll(broker, "small")), [1, 2, 3]);
    };
    await looks();
    assertEquals(await broker.trim(), 2);
    await looks();
    assertEquals(await broker.trim(), 0);
    assertEquals(ids(await store(broker, drafts("lobby", 1))), [6]);
  });

  test("`trim()` deletes messages that are too old", async (place) => {
    const clock = new ContractClock();
    await using broker = await place.open({ now: clock.now, retention: { maxAge: 1000 } });
    await store(broker, drafts("lobby", 2));
    clock.time += 600;
    await store(broker, [...drafts("lobby", 1), ...drafts("other", 1)]);
    clock.time += 400;
    assertEquals(await broker.trim(), 0);
    clock.time += 1;
    assertEquals(await broker.trim(), 2);
    assertEquals((await broker.head("lobby")).first, 3);
    assertEquals(ids(await readAll(broker, "lobby")), [3]);
    assertEquals((await broker.rooms()).map(({ room }) => room), ["lobby", "other"]);
  });

  test("messages that are too old are hidden, trimmed or not", async (place) => {
    const clock = new ContractClock();
    const options = { now: clock.now, retention: { maxAge: 1000 } };
    let broker = await place.open(options);
    await store(broker, drafts("lobby", 2));
    clock.time += 600;
    await store(broker, [...drafts("lobby", 1), ...drafts("other", 1)]);
    const { epoch } = await broker.head("lobby");
    const shows = async (first: number, last: number): Promise<void> => {
      const shown = Array.from({ length: last - first + 1 }, (_, index) => first + index);
      assertEquals(await broker.head("lobby"), { epoch, first, last });
      assertEquals(ids(await readAll(broker, "lobby")), shown);
      assertEquals(ids(await broker.read("lobby", { after: 0, limit: 9 })), shown);
      assertEquals(
        ids(await broker.read("lobby", { before: 3, limit: 9 })).at(-1) ?? 0,
        first < 3 ? 2 : 0,
      );
      assertEquals(ids(await broker.search("lobby", "m*", { limit: 9 })), shown);
      assertEquals(
        (await broker.rooms()).find(({ room }) => room === "lobby")?.first,
        first > last ? undefined : first,
      );
    };
    clock.time += 400;
    await shows(1, 3);
    clock.time += 1;
    await shows(3, 3);
    clock.time += 600;
    await shows(4, 3);
    // Setting the clock back, or right again, hides nothing permanently.
    clock.time -= 600;
    await shows(3, 3);
    clock.time -= 1;
    await shows(1, 3);
    clock.time += 601;
    await shows(4, 3);
    await store(broker, drafts("lobby", 1));
    await shows(4, 4);
    if (place.persistent) {
      await broker[Symbol.asyncDispose]();
      broker = await place.open(options);
      await shows(4, 4);
    }
    assertEquals(await broker.trim(), 4);
    await shows(4, 4);
    await broker[Symbol.asyncDispose]();
  });

  test("`trim()` of all messages does not change the numbering", async (place) => {
    const clock = new ContractClock();
    const options = { now: clock.now, retention: { maxAge: 1000 } };
    let broker = await place.open(options);
    await store(broker, drafts("lobby", 3));
    const { epoch } = await broker.head("lobby");
    clock.time += 5000;
    assertEquals(await broker.trim(), 3);
    assertEquals(await broker.head("lobby"), { epoch, first: 4, last: 3 });
    assertEquals(await broker.rooms(), []);
    assertEquals(await readAll(broker, "lobby"), []);
    if (place.persistent) {
      await broker[Symbol.asyncDispose]();
      broker = await place.open(options);
      assertEquals(await broker.head("lobby"), { epoch, first: 4, last: 3 });
    }
    assertEquals(ids(await store(broker, drafts("lobby", 2))), [4, 5]);
    assertEquals(await broker.head("lobby"), { epoch, first: 4, last: 5 });
    clock.time += 5000;
    assertEquals(await broker.trim(), 2);
    await broker[Symbol.asyncDispose]();
  });

  test("the result of `trim()` is the same after reopening", async (place) => {
    if (!place.persistent) return;
    const options = { retention: { maxMessages: 4 } };
    const before = await place.open(options);
    await store(before, drafts("lobby", 9));
    await before.trim();
    await store(before, drafts("lobby", 1));
    const head = await before.head("lobby");
    await before[Symbol.asyncDispose]();
    await using after = await place.open(options);
    assertEquals(await after.head("lobby"), head);
    assertEquals(ids(await readAll(after, "lobby")), [7, 8, 9, 10]);
    assertEquals(await after.trim(), 1);
    assertEquals(ids(await store(after, drafts("lobby", 1))), [11]);
  });

  test("`trim()` yields, so that appends run in between", async (place) => {
    await using broker = await place.open({ retention: { maxMessages: 10 } });
    await store(broker, drafts("lobby", 5000));
    let trimmed = false;
    const trimming = broker.trim().finally(() => trimmed = true);
    let turns = 0;
    while (!trimmed) {
      await setImmediate();
      await store(broker, drafts("lobby", 1));
      turns++;
    }
    const rest = await broker.trim();
    assertGreater(turns, 3);
    const { last } = await broker.head("lobby");
    assertEquals(last, 5000 + turns);
    assertEquals(await trimming + rest, last - 10);
    assertEquals(ids(await readAll(broker, "lobby"))[0], last - 9);
  });

  test("concurrent `trim()` calls delete messages once", async (place) => {
    await using broker = await place.open({ retention: { maxMessages: 10 } });
    await store(broker, drafts("lobby", 3000));
    await Promise.all([broker.trim(), broker.trim()]);
    assertEquals(await broker.trim(), 0);
    assertEquals(ids(await readAll(broker, "lobby")).length, 10);
  });

  test("`trim()` ends early if the log is closed", async (place) => {
    const retention = { maxMessages: 10 };
    const broker = await place.open({ retention });
    await store(broker, drafts("lobby", 5000));
    const trimming = broker.trim();
    await broker[Symbol.asyncDispose]();
    assertNotEquals(await trimming, 4990);
    if (!place.persistent) return;
    await using again = await place.open({ retention });
    assertEquals(await trimming + await again.trim(), 4990);
    assertEquals(ids(await store(again, [draft("lobby", "next")])), [5001]);
  });
}
