import { formatDuration, formatMinute } from "../../lib/format_time.ts";
import type { Sanction } from "./sanction_store.ts";

/** ` until 2026-01-31 10:30 UTC`; empty for a permanent sanction. */
export function formatUntil({ until }: Pick<Sanction, "until">): string {
  return until === Infinity ? "" : ` until ${formatMinute(until)}`;
}

/** The end comes before the reason, so that a long reason cannot push it out of a close frame. */
export function banMessage(ban: Sanction): string {
  const subject = ban.on === "name" ? `${ban.target} is banned` : "Your address is banned";
  return `${subject}${formatUntil(ban)}${reasonSuffix(ban)}`;
}

export function muteMessage(mute: Sanction, now: number): string {
  const time = mute.until === Infinity ? "" : ` for ${formatDuration(mute.until - now)}`;
  return `You may not write${time}: a moderator muted you${reasonSuffix(mute)}`;
}

export function closedRoomMessage(sanction: Sanction): string {
  return `Room ${sanction.target} is closed${formatUntil(sanction)}${reasonSuffix(sanction)}`;
}

/** `: REASON`, or nothing. */
export function reasonSuffix({ reason }: { readonly reason?: string | undefined }): string {
  return reason === undefined ? "" : `: ${reason}`;
}
