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
  UNKNOWN_PARTNER,
} from "../../chat/partner.ts";
import { isVerified } from "../../chat/sender.ts";
import { type Direct, nameKey, type Presence } from "../../protocol.ts";
import { directKey, note, roomKey, withChanged, withItems } from "./threads.ts";
import type { ChatState, Thread, ThreadKey } from "./types.ts";

/** `after` a presence frame, with its consequences for the people of private conversations. */
export function partnersAfterPresence(
  before: ChatState,
  after: ChatState,
  { room, members, left = [], renamed = [], joined = [] }: Presence,
  now: number,
): ChatState {
  const changes = renamed.filter(({ from, to }) => nameKey(from) !== nameKey(to));
  const went = new Set([...left, ...changes.map(({ from }) => from)].map(nameKey));
  const came = new Set(joined.map(nameKey));
  const taken = new Set(changes.map(({ to }) => nameKey(to)));
  let next = after;
  for (const { key, name, serial } of privateThreads(after)) {
    const person = nameKey(name);
    // The thread of a person with a new name has a new key.
    const isRenamed = before.threads.get(key)?.serial !== serial;
    const isTaken = !isRenamed && taken.has(person);
    const isBack = isRenamed || isTaken || came.has(person);
    if (went.has(person) && (isBack || !isPresent(after, person))) next = withLeft(next, key, now);
    if (isBack) next = withPartner(next, key, now, isTaken ? partnerTaken : partnerCame);
  }
  if (members !== undefined) return partnersAfterJoin(before, next, now);
  // People may leave unnoticed where members are not named.
  if (after.threads.get(roomKey(room))?.room?.members !== undefined) return next;
  for (const { key, name } of privateThreads(next)) {
    if (!isPresent(next, nameKey(name))) next = withPartner(next, key, now, partnerUnwatched);
  }
  return next;
}

/** `after` a room was entered, with the consequences of its list of members. */
export function partnersAfterJoin(before: ChatState, after: ChatState, now: number): ChatState {
  let next = after;
  for (const { key, name } of privateThreads(after)) {
    const person = nameKey(name);
    const isHere = isPresent(after, person);
    if (isHere || isPresent(before, person)) next = withPartner(next, key, now, partnerCame);
    if (!isHere) next = withPartner(next, key, now, partnerMissing);
  }
  return next;
}

/** `state` before a private message is added. */
export function partnerAfterDirect(
  state: ChatState,
  direct: Direct,
  now: number,
): ChatState {
  return withPartner(state, directKey(direct.sender), now, (partner) => {
    return partnerWrote(partner, isVerified(direct), now);
  });
}

/** `state` after the hub does not know the name of a private conversation. */
export function withUnknownPartner(state: ChatState, key: ThreadKey): ChatState {
  return withPartner(state, key, 0, partnerUnknown, false);
}

function withLeft(state: ChatState, key: ThreadKey, now: number): ChatState {
  const next = withChanged(state, key, (thread) => {
    return withItems(thread, [note(`${thread.name} left`, now)]);
  });
  return withPartner(next, key, now, partnerLeft);
}

function withPartner(
  state: ChatState,
  key: ThreadKey,
  now: number,
  change: (partner: Partner, now: number) => Partner,
  isNoted = true,
): ChatState {
  return withChanged(state, key, (thread) => {
    const before = thread.partner ?? UNKNOWN_PARTNER;
    const partner = change(before, now);
    if (partner === before) return thread;
    const isDoubtNew = isNoted && isNewDoubt(before, partner);
    const notes = isDoubtNew ? [note(partnerDoubtNote(thread.name), now, "gap")] : [];
    return { ...withItems(thread, notes), partner };
  });
}

function privateThreads({ threads }: ChatState): readonly Thread[] {
  return [...threads.values()].filter(({ key }) => key.startsWith("@"));
}

function isPresent({ threads }: ChatState, person: string): boolean {
  for (const { room } of threads.values()) {
    if (room?.members?.some((name) => nameKey(name) === person)) return true;
  }
  return false;
}
