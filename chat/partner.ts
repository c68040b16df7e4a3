/**
 * Whether the other person of a private conversation may have changed. A name becomes free when its
 * user leaves, and the hub delivers to the session that has the name now.
 *
 * @module
 */

import { RETURN_SECONDS } from "../protocol.ts";

/** The other person of a private conversation, as far as known. */
export interface Partner {
  /**
   * `here`: in a room of the user's. `missing`: not back there after the user's own reconnect.
   * Absent: unknown.
   */
  readonly presence?: "here" | "gone" | "missing" | undefined;
  /** Since when the person is missing, in milliseconds since 1970. */
  readonly missingSince?: number | undefined;
  /** Whether a token proved the name at the last message. The hub keeps such names. */
  readonly verified?: boolean;
  /** Whether the name may belong to another person, and the user has not confirmed it. */
  readonly doubtful?: boolean;
}

export const UNKNOWN_PARTNER: Partner = {};

/** The person has left all rooms that the user shares with them. */
export function partnerLeft(partner: Partner): Partner {
  return { ...partner, presence: "gone", missingSince: undefined };
}

/** Someone with this name is in a room. */
export function partnerCame(partner: Partner, now: number): Partner {
  const { presence, missingSince = now } = partner;
  // After a restart of the hub all people return, each at another moment.
  return presence === "gone" || now - missingSince > RETURN_SECONDS * 1000
    ? replaced(partner)
    : { ...partner, presence: "here", missingSince: undefined };
}

/** The user has reconnected, and the person is not where they were. */
export function partnerMissing(partner: Partner, now: number): Partner {
  return partner.presence === "here"
    ? { ...partner, presence: "missing", missingSince: now }
    : partner;
}

/** The rooms that the user shares with the person no longer name their members. */
export function partnerUnwatched(partner: Partner): Partner {
  return partner.presence === "here" ? { ...partner, presence: undefined } : partner;
}

/** The hub does not know the name. It may not announce when someone takes it. */
export function partnerUnknown(partner: Partner): Partner {
  return partnerLeft(replaced(partner));
}

/** A person has changed their name to this one. Each room that the user shares announces it. */
export function partnerTaken(partner: Partner): Partner {
  return partner.presence === "here" ? partner : replaced(partner);
}

/** Someone with this name wrote. */
export function partnerWrote(partner: Partner, verified: boolean, now: number): Partner {
  // The person may be in none of the user's rooms.
  const presence = partner.presence === "here" ? "here" : undefined;
  if (verified && partner.verified) return { presence, verified };
  // A name that is no longer proved, or for the first time, is not known to be the same person's.
  const { doubtful = false } = partnerCame({ ...partner, verified: false }, now);
  return { presence, verified, doubtful: doubtful || partner.verified === true };
}

/** The user knows that it may be another person. */
export function partnerConfirmed(partner: Partner): Partner {
  return { ...partner, doubtful: false };
}

/** Another person may have the name, unless the hub keeps it. */
function replaced({ verified = false, doubtful }: Partner): Partner {
  return { presence: "here", verified, doubtful: doubtful || !verified };
}

/** Whether a change raises a doubt that the user has not been told. */
export function isNewDoubt(before: Partner, after: Partner): boolean {
  return after.doubtful === true && (before.doubtful !== true || before.presence === "gone");
}

/** The note in a private conversation whose other person may have changed. */
export function partnerDoubtNote(name: string): string {
  return `Someone called ${name} is here. It may be another person than before.`;
}

/** Why a message to this person needs the user's confirmation. */
export function partnerDoubtReason(name: string): string {
  return `${name} may be another person than the one you talked to`;
}
