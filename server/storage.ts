import type { Broker } from "../broker/broker.ts";
import type { SqliteBroker } from "../broker/sqlite/sqlite_broker.ts";
import { type SanctionStore, SqliteSanctionStore } from "./moderation/sanction_store.ts";
import { type OwnedNameStore, SqliteOwnedNameStore } from "./names/owned_name_store.ts";

/** All persistent state of a hub. */
export interface HubStorage {
  readonly broker: Broker;
  readonly sanctions: SanctionStore;
  readonly ownedNames: OwnedNameStore;
}

/** Keeps everything in the SQLite file of `broker`, so that one backup holds all of it. */
export function sqliteStorage(broker: SqliteBroker): HubStorage {
  return {
    broker,
    sanctions: new SqliteSanctionStore(broker.database),
    ownedNames: new SqliteOwnedNameStore(broker.database),
  };
}
