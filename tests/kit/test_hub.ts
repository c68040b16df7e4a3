import { assertEquals } from "@std/assert";
import { type Authorizer, combineAuthorizers } from "../../auth/authorizer.ts";
import { Rights } from "../../auth/rights.ts";
import { SecretAuthorizer } from "../../auth/secrets.ts";
import { openSqliteBroker, type SqliteBroker } from "../../broker/sqlite/sqlite_broker.ts";
import { sqliteStorage } from "../../server/storage.ts";
import { type Server, type ServerOptions, startServer } from "../../server.ts";

export interface TestHubOptions extends Partial<Omit<ServerOptions, "broker">> {
  /** Default: one in memory. Sanctions and owned names are kept in the same file. */
  readonly broker?: SqliteBroker;
  /** The file of the default broker. */
  readonly path?: string;
}

/** Starts a hub on a free port. */
export async function startTestHub(
  { path = ":memory:", broker, ...rest }: TestHubOptions = {},
): Promise<Server> {
  const storage = sqliteStorage(broker ?? await openSqliteBroker({ path }));
  return startServer({ host: "127.0.0.1", port: 0, ...storage, ...rest });
}

/** Accepts any token as the name of its user, and requires none. */
export const tokenIsName: Authorizer = {
  required: false,
  authorize: (name) => ({
    ok: true,
    grant: { name, rights: Rights.all, admin: false, expiresAt: Infinity },
  }),
};

const MODERATOR_TOKEN = "an-admin-token-of-the-hub";

/** Starts a hub that needs no token, but grants moderator rights to one. */
export function startModeratedHub(options: TestHubOptions = {}): Promise<Server> {
  const moderator = new SecretAuthorizer([MODERATOR_TOKEN], { admin: true });
  return startTestHub({ authorizer: combineAuthorizers([moderator], { open: true }), ...options });
}

/** Posts a moderation action, such as `kick` or `close-room`, as the moderator. */
export async function postModeration(hub: Server, action: string, fields: object): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${hub.port}/api/admin/${action}`, {
    method: "POST",
    headers: { authorization: `Bearer ${MODERATOR_TOKEN}`, "content-type": "application/json" },
    body: JSON.stringify(fields),
  });
  assertEquals([response.status, action], [200, action], await response.text());
}
