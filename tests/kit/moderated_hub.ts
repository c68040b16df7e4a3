import { assertEquals } from "@std/assert";
import { combineAuthorizers } from "../../auth/authorizer.ts";
import { SecretAuthorizer } from "../../auth/secrets.ts";
import type { Server } from "../../server.ts";
import { startTestHub } from "./test_hub.ts";

const ADMIN = "an-admin-token-of-the-hub";

/** A hub that is open to all, and has a moderator. */
export function startModeratedHub(
  options: Parameters<typeof startTestHub>[0] = {},
): Promise<Server> {
  const moderator = new SecretAuthorizer([ADMIN], { admin: true });
  return startTestHub({ authorizer: combineAuthorizers([moderator], { open: true }), ...options });
}

/** Does what a moderator does: `kick`, `close-room`, `announce` and so on. */
export async function postModeration(hub: Server, what: string, fields: object): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${hub.port}/api/admin/${what}`, {
    method: "POST",
    headers: { authorization: `Bearer ${ADMIN}`, "content-type": "application/json" },
    body: JSON.stringify(fields),
  });
  assertEquals([answer.status, what], [200, what], await answer.text());
}
