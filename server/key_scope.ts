/**
 * The senders that keys of messages belong to (`Origin.sender`): two senders with the same key must
 * not suppress each other's messages. Only the scope of a session has no colon.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { networkOf } from "../lib/net.ts";

/** The scope of an account, over all transports. */
export function accountScope(account: string): string {
  return `account:${account}`;
}

/** The scope of a session without an account; does not reveal its secret. */
export function sessionScope(secret: string): string {
  return shortHash(secret);
}

/** The scope of a client that has neither an account nor a session. */
export function guestScope(address: string, name: string): string {
  return `http:${shortHash(JSON.stringify([networkOf(address), name]))}`;
}

function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("base64url").slice(0, 22);
}
