import { openSqliteBroker } from "../../../broker/sqlite/sqlite_broker.ts";
import { brokerContract } from "../contract.ts";

brokerContract("SQLite file", async () => {
  const dir = await Deno.makeTempDir({ prefix: "bcast-log-" });
  return {
    persistent: true,
    open: (options) => openSqliteBroker({ path: `${dir}/log.db`, ...options }),
    cleanup: () => Deno.remove(dir, { recursive: true }),
  };
});

brokerContract("SQLite memory", () =>
  Promise.resolve({
    persistent: false,
    open: (options) => openSqliteBroker({ path: ":memory:", ...options }),
    cleanup: () => Promise.resolve(),
  }));
