import { assertEquals, assertRejects } from "@std/assert";
import type { Sanction, SanctionStore } from "../../../server/moderation/sanction_store.ts";
import { type StoreFactory, storeTests } from "../../kit/store_contract.ts";

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

const CLOSED_ROOM: Sanction = { ...MUTE, kind: "close", on: "room", key: "party", target: "party" };

/** Registers tests of everything that `SanctionStore` promises. */
export function sanctionStoreContract(name: string, factory: StoreFactory<SanctionStore>): void {
  const test = storeTests(name, factory);

  test("`all()` returns what was put until it is removed", async (place) => {
    await using open = await place.open();
    const { store } = open;
    assertEquals(store.all(), []);
    await store.put([BAN, MUTE]);
    await store.put([CLOSED_ROOM]);
    assertEquals(store.all(), [BAN, CLOSED_ROOM, MUTE]);
    await store.remove([MUTE, { ...BAN, kind: "mute" }]);
    assertEquals(store.all(), [BAN, CLOSED_ROOM]);
  });

  test("`put()` replaces only the sanction with the same key", async (place) => {
    await using open = await place.open();
    const { store } = open;
    const address: Sanction = { ...BAN, on: "address", since: BAN.since + 1 };
    await store.put([BAN, address]);
    const { reason: _, ...later } = { ...BAN, target: "EVE", until: Infinity };
    await store.put([later]);
    assertEquals(store.all(), [later, address]);
  });

  test("`put()` keeps any text unchanged", async (place) => {
    await using open = await place.open();
    const { store } = open;
    const texts = ["'; DROP TABLE measures; --", "\x1b[2J\u202e", "世界", ""];
    const sanctions = texts.map((text, n): Sanction => ({
      ...BAN,
      key: text,
      target: text,
      reason: text,
      by: text,
      since: n,
    }));
    await store.put(sanctions);
    assertEquals(store.all(), sanctions);
    await store.remove(sanctions);
    assertEquals(store.all(), []);
  });

  test("`put()` keeps all sanctions of a call or none", async (place) => {
    await using open = await place.open();
    const { store } = open;
    const wrong = { ...BAN, key: "mallory", since: Number.NaN };
    await assertRejects(() => store.put([MUTE, wrong]), Error);
    assertEquals(store.all(), []);
    await store.put([MUTE]);
    assertEquals(store.all(), [MUTE]);
  });

  test("changes resume after the store was closed and opened again", async (place) => {
    {
      await using open = await place.open();
      await open.store.put([BAN, MUTE, CLOSED_ROOM]);
      await open.store.remove([MUTE]);
    }
    await using open = await place.open();
    const { store } = open;
    assertEquals(store.all(), place.persistent ? [BAN, CLOSED_ROOM] : []);
    await store.put([MUTE]);
    assertEquals(store.all(), place.persistent ? [BAN, CLOSED_ROOM, MUTE] : [MUTE]);
  });
}
