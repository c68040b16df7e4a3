import type { Grant } from "../auth/authorizer.ts";
import { formatDuration } from "../lib/format_time.ts";
import { CLOSE } from "../protocol.ts";
import { TEXT_ENCODER } from "./encoders/encoder.ts";
import type { Connection } from "./connection.ts";

/** Seconds that a connection goes on after its token has expired, for its client to bring a new one. */
export const RENEWAL_GRACE_SECONDS = 30;

/** Tells a connection once that its token has expired, and ends it when no new one comes. */
export function checkExpiry(peer: Connection, { expiresAt }: Grant, now: number): void {
  if (now < expiresAt) return;
  const over = now - expiresAt;
  if (over >= RENEWAL_GRACE_SECONDS * 1000 || peer.encoder.receiveOnly) {
    const reason = `The token expired ${formatDuration(over)} ago: come back with a new one`;
    peer.close(CLOSE.unauthorized, reason);
    return;
  }
  if (peer.expiryWarned) return;
  peer.expiryWarned = true;
  // Lines know no hello.
  const how = peer.encoder === TEXT_ENCODER ? "come back" : "say hello";
  const message = `Your token has expired: ${how} with a new one within ` +
    `${RENEWAL_GRACE_SECONDS} seconds`;
  peer.refuse("unauthorized", message);
}
