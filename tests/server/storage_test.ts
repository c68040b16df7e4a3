import { assertEquals } from "@std/assert";
import { openSqliteBroker } from "../../broker/sqlite/sqlite_broker.ts";
import { type HubStorage, sqliteStorage } from "../../server/storage.ts";
import { temporaryFolder } from "../kit/folder.ts";
import type { StoreFactory } from "../kit/store_contract.ts";
import { sanctionStoreContract } from "./moderation/contract.ts";
import { ownedNameStoreContract } from "./names/owned_names_contract.ts";

/** A store in the file of a log. */
function inFile<Name extends keyof HubStorage>(name: Name): StoreFactory<HubStorage[Name]> {
  return async () => {
    const folder = await temporaryFolder();
    return {
      persistent: true,
      open: () => open(`${folder.path}/log.db`, name),
      cleanup: async () => await folder[Symbol.asyncDispose](),
    };
  };
}

/** A store in the memory of a log. */
function inMemory<Name extends keyof HubStorage>(name: Name): StoreFactory<HubStorage[Name]> {
  return () =>
    Promise.resolve({
      persistent: false,
      open: () => open(":memory:", name),
      cleanup: () => Promise.resolve(),
    });
}

async function open<Name extends keyof HubStorage>(path: string, name: Name) {
  const broker = await openSqliteBroker({ path });
  return {
    store: sqliteStorage(broker)[name],
    [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose](),
  };
}

sanctionStoreContract("SQLite file", inFile("sanctions"));
sanctionStoreContract("SQLite memory", inMemory("sanctions"));
ownedNameStoreContract("SQLite file", inFile("ownedNames"));
ownedNameStoreContract("SQLite memory", inMemory("ownedNames"));

Deno.test("messages, sanctions and owned names resume together from one file", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/log.db`;
  const name = { key: "alice", name: "Alice", seen: 1 };
  const ban = {
    ...{ kind: "ban", on: "name", key: "eve", target: "Eve", by: "admin" } as const,
    ...{ since: 1, until: Infinity },
  };
  const append = (storage: HubStorage, message: string) =>
    storage.broker.append([{ room: "lobby", sender: "Alice", content: { message } }]);
  {
    await using broker = await openSqliteBroker({ path });
    const storage = sqliteStorage(broker);
    await append(storage, "before");
    await storage.sanctions.put([ban]);
    await storage.ownedNames.put([name]);
  }
  await using broker = await openSqliteBroker({ path });
  const storage = sqliteStorage(broker);
  assertEquals(storage.sanctions.all(), [ban]);
  assertEquals(storage.ownedNames.all(), [name]);
  await append(storage, "after");
  const messages = await broker.read("lobby", { limit: 9 });
  assertEquals(messages.map(({ id, message }) => [id, message]), [[1, "before"], [2, "after"]]);
});
