import { openSqliteBroker } from "../../broker/sqlite/sqlite_broker.ts";
import { type Server, type ServerOptions, startServer } from "../../server.ts";

/** A hub on a free port, with its log in memory unless told otherwise. */
export async function startTestHub(
  options: Partial<ServerOptions> & { readonly path?: string } = {},
): Promise<Server> {
  const { path = ":memory:", ...rest } = options;
  const broker = options.broker ?? await openSqliteBroker({ path });
  return startServer({ host: "127.0.0.1", port: 0, ...rest, broker });
}
