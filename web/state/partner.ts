import { type Direct, nameKey, type Presence } from "../../protocol.ts";
import { changed, directKey, extended, note, roomKey } from "./threads.ts";
import type { ChatState, OtherPerson, Thread } from "./types.ts";

/**
 * Milliseconds after the user's own return within which a missing person counts as returning, too:
 * after a restart of the hub, all people return.
 */
const RETURN_GRACE = 30_000;

/**
 * `after` a presence frame, with what it says of the people in private conversations. A name is free
 * when its bearer leaves: the next person with that name may be another one.
 */
export function acquainted(
  before: ChatState,
  after: ChatState,
  { left = [], renamed = [], joined = [] }: Presence,
  now: number,
): ChatState {
  const went = new Set([...left, ...renamed.map(({ from }) => from)].map(nameKey));
  const came = new Set([...joined, ...renamed.map(({ to }) => to)].map(nameKey));
  let next = after;
  for (const thread of privateIn(after)) {
    const key = nameKey(thread.name);
    // Whose name changed is still who they were: their thread has changed its key.
    const same = before.threads.get(thread.key)?.serial === thread.serial;
    if (!same || (!went.has(key) && !came.has(key))) continue;
    // Large rooms name those who come, and not those who are there.
    const isHere = came.has(key) || isIn(after, key);
    if (went.has(key) && (!isHere || came.has(key))) next = gone(next, thread, now);
    if (isHere && came.has(key)) next = back(next, thread, now);
  }
  return next;
}

/** `after` a room was entered, with what its list of members says. */
export function reacquainted(
  before: ChatState,
  after: ChatState,
  room: string,
  now: number,
): ChatState {
  const was = membersOf(before, room);
  let next = after;
  for (const thread of privateIn(after)) {
    const key = nameKey(thread.name);
    if (isIn(after, key)) next = back(next, thread, now);
    else if (was.has(key) && thread.other?.seen === "here") {
      next = withOther(next, thread, { ...thread.other, seen: "missing", at: now });
    }
  }
  return next;
}

/** `state` before a private message is taken in: whether its sender is who they were. */
export function met(state: ChatState, { sender, verified }: Direct, now: number): ChatState {
  const thread = state.threads.get(directKey(sender));
  if (thread === undefined) return state;
  const known = thread.other ?? {};
  if (verified === true) return known.verified === true ? trusted(state, thread) : state;
  if (known.verified !== true) {
    return known.seen === "gone" ? doubted(state, thread, now) : state;
  }
  const { verified: _, ...unproved } = known;
  return doubted(state, { ...thread, other: unproved }, now);
}

/** `state` after a private message was taken in: whether a token has proved its sender's name. */
export function proved(state: ChatState, { sender, verified }: Direct): ChatState {
  const thread = state.threads.get(directKey(sender));
  if (verified !== true || thread === undefined) return state;
  return withOther(state, thread, { ...thread.other, seen: "here", verified });
}

/** `state` after the hub said that nobody has the name of this private conversation. */
export function absent(state: ChatState, thread: Thread): ChatState {
  return withOther(state, thread, { ...thread.other, seen: "gone" });
}

/** `state` once the user has been told that the other person may be another one. */
export function trusted(state: ChatState, thread: Thread): ChatState {
  const { doubt: _, ...known } = thread.other ?? {};
  return withOther(state, thread, known);
}

function gone(state: ChatState, thread: Thread, now: number): ChatState {
  const next = changed(state, thread.key, (each) => {
    return extended(each, [note(`${each.name} left`, now)]);
  });
  return withOther(next, thread, { ...thread.other, seen: "gone" });
}

function back(state: ChatState, { key }: Thread, now: number): ChatState {
  const thread = state.threads.get(key);
  if (thread === undefined) return state;
  const { seen, at = -Infinity, verified } = thread.other ?? {};
  const another = seen === "gone" || (seen === "missing" && now - at > RETURN_GRACE);
  // A name that a token has proved is kept for whoever has such a token.
  if (another && verified !== true) return doubted(state, thread, now);
  const { at: _, ...known } = thread.other ?? {};
  return seen === "here" ? state : withOther(state, thread, { ...known, seen: "here" });
}

function doubted(state: ChatState, thread: Thread, now: number): ChatState {
  const known: OtherPerson = { ...thread.other, seen: "here" };
  if (!hasTalked(thread)) return withOther(state, thread, known);
  const words = `Somebody called ${thread.name} is here. It may be another person than before.`;
  const next = changed(state, thread.key, (each) => extended(each, [note(words, now, "gap")]));
  return withOther(next, thread, { ...known, doubt: true });
}

function withOther(state: ChatState, { key }: Thread, other: OtherPerson): ChatState {
  return changed(state, key, (thread) => ({ ...thread, other }));
}

/** Whether there is a person that another one could be taken for. */
function hasTalked({ log }: Thread): boolean {
  return log.chunks.some(({ items }) => items.some(({ kind }) => kind === "said"));
}

function privateIn({ threads }: ChatState): readonly Thread[] {
  return [...threads.values()].filter(({ key }) => key.startsWith("@"));
}

function isIn({ threads }: ChatState, key: string): boolean {
  for (const { room } of threads.values()) {
    if (room?.members?.some((name) => nameKey(name) === key)) return true;
  }
  return false;
}

function membersOf({ threads }: ChatState, room: string): ReadonlySet<string> {
  return new Set(threads.get(roomKey(room))?.room?.members?.map(nameKey));
}
