import {
  isNewDoubt,
  type Partner,
  partnerCame,
  partnerDoubtNote,
  partnerLeft,
  partnerMissing,
  partnerTaken,
  partnerUnknown,
  partnerUnwatched,
  partnerWrote,
} from "../chat/partner.ts";
import { isVerified } from "../chat/sender.ts";
import { type Direct, nameKey, type Presence } from "../protocol.ts";
import type { ChatContext } from "./chat_context.ts";
import type { ChatWindow } from "./windows.ts";

// Notes in private conversations about the other person: a name may change hands.

/** People joined, left or changed names in a room; the roster knows already. */
export function notePresence(
  context: ChatContext,
  { room, members, joined = [], left = [], renamed = [] }: Presence,
): void {
  for (const { from, to } of renamed) noteRename(context, from, to);
  for (const name of left) noteGone(context, name, `${name} left ${room}`);
  for (const name of [...joined, ...renamed.map(({ to }) => to)]) {
    const window = privateWindow(context, name);
    if (window !== undefined) update(context, window, partnerCame(window.partner, now(context)));
  }
  if (members !== undefined) noteReconnect(context);
  else if (context.roster.rooms.get(room)?.members === undefined) noteUnwatched(context);
}

/** A room no longer names its members: people may leave unnoticed. */
function noteUnwatched(context: ChatContext): void {
  for (const window of context.windows.list.all) {
    const { place } = window;
    if (place.kind !== "private" || context.roster.isPresent(place.name)) continue;
    window.partner = partnerUnwatched(window.partner);
  }
}

/** The members of a room are listed anew, or the connection is lost: people may have come and gone. */
export function noteReconnect(context: ChatContext): void {
  for (const window of context.windows.list.all) {
    const { place, partner } = window;
    if (place.kind !== "private") continue;
    const isHere = context.roster.isPresent(place.name);
    const change = isHere ? partnerCame : partnerMissing;
    update(context, window, change(partner, now(context)));
  }
}

/** The hub does not know the name. */
export function noteUnknown(context: ChatContext, name: string): void {
  const window = privateWindow(context, name);
  if (window !== undefined) window.partner = partnerUnknown(window.partner);
}

/** A person wrote; the note precedes the message. */
export function noteDirect(
  context: ChatContext,
  window: ChatWindow,
  direct: Direct,
): void {
  update(context, window, partnerWrote(window.partner, isVerified(direct), now(context)));
}

/** Each room that both people are in announces a rename. */
function noteRename(context: ChatContext, from: string, to: string): void {
  const window = privateWindow(context, from);
  const other = privateWindow(context, to);
  if (other !== undefined && other !== window && nameKey(from) !== nameKey(to)) {
    // Two people had the name one after the other: their windows are not made one.
    update(context, other, partnerTaken(other.partner));
    noteGone(context, from, `${from} is now ${to}: /msg ${to}`);
  } else if (window !== undefined) {
    window.rename(to);
    context.windows.add({ kind: "note", text: `${from} is now ${to}` }, window);
  }
}

function noteGone(context: ChatContext, name: string, text: string): void {
  const window = privateWindow(context, name);
  if (window === undefined || context.roster.isPresent(name)) return;
  if (window.partner.presence === "gone") return;
  window.partner = partnerLeft(window.partner);
  context.windows.add({ kind: "note", text }, window);
}

function update(context: ChatContext, window: ChatWindow, partner: Partner): void {
  const isDoubtNew = isNewDoubt(window.partner, partner);
  window.partner = partner;
  if (!isDoubtNew || window.place.kind !== "private") return;
  const text = partnerDoubtNote(window.place.name);
  context.windows.add({ kind: "note", text }, window);
}

function privateWindow({ windows }: ChatContext, name: string): ChatWindow | undefined {
  return windows.list.find({ kind: "private", name });
}

function now({ clock }: ChatContext): number {
  return clock.now();
}
