import type { Sanctions } from "./sanctions.ts";
import type { Session } from "../session.ts";

/**
 * Gives a session the mute that holds for its name or its address, if there is one. One that it has
 * stays: a new name changes nothing about that.
 */
export function applyMute(book: Sanctions, session: Session): void {
  if (session.activeMute !== undefined || session.grant.admin) return;
  session.activeMute = book.against("mute", { name: session.name, address: session.address });
}
