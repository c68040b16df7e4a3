import { openSqliteBroker, type SqliteBroker } from "../../broker/sqlite/sqlite_broker.ts";
import { sqliteStorage } from "../../server/storage.ts";
import { type Server, type ServerOptions, startServer } from "../../server.ts";

export interface TestHubOptions extends Partial<Omit<ServerOptions, "broker">> {
  /** Default: one in memory. Sanctions and owned names are kept in the same file. */
  readonly broker?: SqliteBroker;
  /** The file of the default broker. */
  readonly path?: string;
}

/** A hub on a free port. */
export async function startTestHub(
  { path = ":memory:", broker, ...rest }: TestHubOptions = {},
): Promise<Server> {
  const storage = sqliteStorage(broker ?? await openSqliteBroker({ path }));
  return startServer({ host: "127.0.0.1", port: 0, ...storage, ...rest });
}
