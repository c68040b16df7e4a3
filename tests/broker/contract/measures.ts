import { assertEquals, assertRejects } from "@std/assert";
import type { Sanction } from "../../../broker/sqlite/sanctions.ts";
import { type ContractTest, draft, ids, readAll, store as append } from "./broker_contract_kit.ts";

const BAN = {
  kind: "ban" as const,
  on: "name" as const,
  key: "eve",
  target: "Eve",
  reason: "spam",
  by: "admin",
  since: Date.UTC(2026, 0, 1),
  until: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
} satisfies Sanction;

const MUTE = {
  kind: "mute" as const,
  on: "address" as const,
  key: "2001:db8::/64",
  target: "2001:db8::/64",
  by: "Alice",
  since: Date.UTC(2026, 0, 1, 1),
  until: Infinity,
} satisfies Sanction;

const CLOSURE: Sanction = { ...MUTE, kind: "close", on: "room", key: "party", target: "party" };

/** Measures: kept by key, across restarts, all of a call or nothing. */
export function measuresContract(test: ContractTest): void {
  test("`measures` are there as they were put, until they are removed", async (store) => {
    await using broker = await store.open();
    const { measures } = broker;
    assertEquals(measures.all(), []);
    await measures.put([BAN, MUTE]);
    await measures.put([CLOSURE]);
    assertEquals(measures.all(), [BAN, CLOSURE, MUTE]);
    await measures.remove([MUTE, { ...BAN, kind: "mute" }]);
    assertEquals(measures.all(), [BAN, CLOSURE]);
  });

  test("`measures.put()` replaces what has the same key, and nothing else", async (store) => {
    await using broker = await store.open();
    const { measures } = broker;
    const address: Sanction = { ...BAN, on: "address", since: BAN.since + 1 };
    await measures.put([BAN, address]);
    const { reason: _, ...later } = { ...BAN, target: "EVE", until: Infinity };
    await measures.put([later]);
    assertEquals(measures.all(), [later, address]);
  });

  test("`measures` keep any text as it is", async (store) => {
    await using broker = await store.open();
    const texts = ["'; DROP TABLE measures; --", "\x1b[2J\u202e", "世界", ""];
    const measures = texts.map((text, n): Sanction => ({
      ...BAN,
      key: text,
      target: text,
      reason: text,
      by: text,
      since: n,
    }));
    await broker.measures.put(measures);
    assertEquals(broker.measures.all(), measures);
    await broker.measures.remove(measures);
    assertEquals(broker.measures.all(), []);
  });

  test("`measures.put()` keeps all of a call or nothing", async (store) => {
    await using broker = await store.open();
    const wrong = { ...BAN, key: "mallory", since: Number.NaN };
    await assertRejects(() => broker.measures.put([MUTE, wrong]), Error);
    assertEquals(broker.measures.all(), []);
    await broker.measures.put([MUTE]);
    assertEquals(broker.measures.all(), [MUTE]);
  });

  test("`measures` and messages go on after the log was closed and opened again", async (store) => {
    {
      await using broker = await store.open();
      await append(broker, [draft("lobby", "before")]);
      await broker.measures.put([BAN, MUTE, CLOSURE]);
      await broker.measures.remove([MUTE]);
    }
    await using broker = await store.open();
    assertEquals(broker.measures.all(), store.persistent ? [BAN, CLOSURE] : []);
    await broker.measures.put([MUTE]);
    await append(broker, [draft("lobby", "after")]);
    const kept = store.persistent ? [BAN, CLOSURE, MUTE] : [MUTE];
    assertEquals(broker.measures.all(), kept);
    assertEquals(ids(await readAll(broker, "lobby")), store.persistent ? [1, 2] : [1]);
  });
}
