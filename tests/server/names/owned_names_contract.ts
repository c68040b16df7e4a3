import { assertEquals, assertRejects } from "@std/assert";
import { nameKey } from "../../../protocol.ts";
import type { OwnedName, OwnedNameStore } from "../../../server/names/owned_name_store.ts";
import { type StoreFactory, storeTests } from "../../kit/store_contract.ts";

const owned = (name: string, seen: number): OwnedName => ({ key: nameKey(name), name, seen });

const ALICE = owned("Alice", Date.UTC(2026, 0, 2));
const BOB = owned("Bob", Date.UTC(2026, 0, 1));
const CAROL = owned("Ｃarol", Date.UTC(2026, 0, 3));

/** Registers tests of everything that `OwnedNameStore` promises. */
export function ownedNameStoreContract(name: string, factory: StoreFactory<OwnedNameStore>): void {
  const test = storeTests(name, factory);

  test("`all()` lists the least recently seen name first", async (place) => {
    await using open = await place.open();
    const { store } = open;
    assertEquals(store.all(), []);
    await store.put([ALICE, BOB]);
    await store.put([CAROL]);
    assertEquals(store.all(), [BOB, ALICE, CAROL]);
    await store.remove([ALICE.key, "nobody"]);
    assertEquals(store.all(), [BOB, CAROL]);
  });

  test("`put()` replaces only the name with the same key", async (place) => {
    await using open = await place.open();
    const { store } = open;
    await store.put([ALICE, BOB]);
    const later = { ...owned("ALICE", CAROL.seen) };
    await store.put([later]);
    assertEquals(store.all(), [BOB, later]);
  });

  test("`put()` keeps any name unchanged", async (place) => {
    await using open = await place.open();
    const { store } = open;
    const names = ["'; DROP TABLE owned_names; --", "jean-luc", "山田 太郎", "👩‍👩‍👧‍👦", "علي", "e\u0301"]
      .map((name, n) => owned(name, n));
    await store.put(names);
    assertEquals(store.all(), names);
    await store.remove(names.map(({ key }) => key));
    assertEquals(store.all(), []);
  });

  test("`put()` keeps all names of a call or none", async (place) => {
    await using open = await place.open();
    const { store } = open;
    await assertRejects(() => store.put([ALICE, owned("Eve", Number.NaN)]), Error);
    assertEquals(store.all(), []);
  });

  test("changes resume after the store was closed and opened again", async (place) => {
    {
      await using open = await place.open();
      await open.store.put([ALICE, BOB, CAROL]);
      await open.store.remove([BOB.key]);
    }
    await using open = await place.open();
    const { store } = open;
    assertEquals(store.all(), place.persistent ? [ALICE, CAROL] : []);
    await store.put([BOB]);
    assertEquals(store.all(), place.persistent ? [BOB, ALICE, CAROL] : [BOB]);
  });
}
