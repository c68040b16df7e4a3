import { assertEquals, assertRejects } from "@std/assert";
import type { OwnedName } from "../../../broker/sqlite/owned_names.ts";
import { nameKey } from "../../../protocol.ts";
import { type ContractTest, draft, ids, readAll, store as append } from "./broker_contract_kit.ts";

const owned = (name: string, seen: number): OwnedName => ({ key: nameKey(name), name, seen });

const ALICE = owned("Alice", Date.UTC(2026, 0, 2));
const BOB = owned("Bob", Date.UTC(2026, 0, 1));
const CAROL = owned("Ｃarol", Date.UTC(2026, 0, 3));

/** Owned names: kept by key, across restarts, all of a call or nothing. */
export function ownedNamesContract(test: ContractTest): void {
  test("`ownedNames.all()` lists the least recently seen first", async (store) => {
    await using broker = await store.open();
    const { ownedNames } = broker;
    assertEquals(ownedNames.all(), []);
    await ownedNames.put([ALICE, BOB]);
    await ownedNames.put([CAROL]);
    assertEquals(ownedNames.all(), [BOB, ALICE, CAROL]);
    await ownedNames.remove([ALICE.key, "nobody"]);
    assertEquals(ownedNames.all(), [BOB, CAROL]);
  });

  test("`ownedNames.put()` replaces what has the same key, and nothing else", async (store) => {
    await using broker = await store.open();
    const { ownedNames } = broker;
    await ownedNames.put([ALICE, BOB]);
    const later = { ...owned("ALICE", CAROL.seen) };
    await ownedNames.put([later]);
    assertEquals(ownedNames.all(), [BOB, later]);
  });

  test("`ownedNames` keep any name as it is", async (store) => {
    await using broker = await store.open();
    const names = ["'; DROP TABLE owned_names; --", "jean-luc", "山田 太郎", "👩‍👩‍👧‍👦", "علي", "e\u0301"]
      .map((name, n) => owned(name, n));
    await broker.ownedNames.put(names);
    assertEquals(broker.ownedNames.all(), names);
    await broker.ownedNames.remove(names.map(({ key }) => key));
    assertEquals(broker.ownedNames.all(), []);
  });

  test("`ownedNames.put()` keeps all of a call or nothing", async (store) => {
    await using broker = await store.open();
    await assertRejects(() => broker.ownedNames.put([ALICE, owned("Eve", Number.NaN)]), Error);
    assertEquals(broker.ownedNames.all(), []);
  });

  test("`ownedNames` and messages are there after the log was closed and opened", async (store) => {
    {
      await using broker = await store.open();
      await append(broker, [draft("lobby", "before")]);
      await broker.ownedNames.put([ALICE, BOB, CAROL]);
      await broker.ownedNames.remove([BOB.key]);
    }
    await using broker = await store.open();
    assertEquals(broker.ownedNames.all(), store.persistent ? [ALICE, CAROL] : []);
    await broker.ownedNames.put([BOB]);
    await append(broker, [draft("lobby", "after")]);
    assertEquals(broker.ownedNames.all(), store.persistent ? [BOB, ALICE, CAROL] : [BOB]);
    assertEquals(ids(await readAll(broker, "lobby")), store.persistent ? [1, 2] : [1]);
  });
}
