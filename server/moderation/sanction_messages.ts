import { endInWords, inWords } from "../../auth/time.ts";
import type { Sanction } from "./sanction_store.ts";

/** `until 2026-01-31 10:30 UTC`, or nothing for ever. */
export function formatUntil({ until }: Pick<Sanction, "until">): string {
  return until === Infinity ? "" : ` until ${endInWords(until)}`;
}

/** Why somebody does not come in; the end first, so that a long reason cannot push it out. */
export function banMessage(ban: Sanction): string {
  const what = ban.on === "name" ? `${ban.target} is banned` : "Your address is banned";
  return `${what}${formatUntil(ban)}${reasonOf(ban)}`;
}

/** Why somebody may not write. */
export function muteMessage(mute: Sanction, now: number): string {
  const time = mute.until === Infinity ? "" : ` for ${inWords(mute.until - now)}`;
  return `You may not write${time}: a moderator muted you${reasonOf(mute)}`;
}

/** Why nobody is in a room. */
export function closedRoomMessage(closure: Sanction): string {
  return `Room ${closure.target} is closed${formatUntil(closure)}${reasonOf(closure)}`;
}

/** `: REASON`, or nothing. */
export function reasonOf({ reason }: { readonly reason?: string }): string {
  return reason === undefined ? "" : `: ${reason}`;
}
