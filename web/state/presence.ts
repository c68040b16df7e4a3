import {
  formatNames,
  membersAfter,
  membersByKey,
  withImpliedChanges,
} from "../../chat/presence.ts";
import { withoutTypists } from "../../chat/typing.ts";
import { nameKey, type Presence } from "../../protocol.ts";
import { partnersAfterPresence } from "./partner.ts";
import { directKey, note, roomKey, withChanged, withItems, withRoom } from "./threads.ts";
import type { ChatState } from "./types.ts";

/** Names that a note lists. */
const MAX_NAMES = 3;

/** People joined, left or changed names. */
export function withPresence(state: ChatState, told: Presence, now: number): ChatState {
  const list = state.threads.get(roomKey(told.room))?.room?.members;
  const known = list && membersByKey(list);
  const event = withImpliedChanges(known, told);
  const { renamed = [], left = [], joined = [] } = event;
  let next = state;
  for (const { from, to } of renamed) next = renamedDirect(next, from, to);
  const gone = [...left, ...renamed.map(({ from }) => from)];
  const members = membersAfter(known, told);
  next = withRoom(next, event.room, (facts) => ({
    ...facts,
    online: event.online,
    members: members && sorted([...members.values()]),
    typing: withoutTypists(facts.typing, ...gone),
  }));
  const sentences = [
    ...renamed.map(({ from, to }) => to === next.me ? `You are now ${to}` : `${from} is now ${to}`),
    ...(state.presenceNotes
      ? [sentence(left, next.me, "left"), sentence(joined, next.me, "joined")]
      : []),
  ].filter((sentence) => sentence !== "");
  next = partnersAfterPresence(state, next, event, now);
  if (sentences.length === 0) return next;
  return withChanged(
    next,
    roomKey(event.room),
    (thread) => withItems(thread, sentences.map((sentence) => note(sentence, now))),
  );
}

function renamedDirect(state: ChatState, from: string, to: string): ChatState {
  const [was, is] = [directKey(from), directKey(to)];
  const thread = state.threads.get(was);
  if (thread === undefined || (was !== is && state.threads.has(is))) return state;
  const threads = new Map(
    Array.from(
      state.threads,
      ([key, each]) => key === was ? [is, { ...thread, key: is, name: to }] : [key, each],
    ),
  );
  return { ...state, threads, current: state.current === was ? is : state.current };
}

/** Names in alphabetical order. */
export function sorted(names: readonly string[]): readonly string[] {
  return names.toSorted((a, b) => a.localeCompare(b));
}

function sentence(names: readonly string[], me: string | undefined, verb: string): string {
  const others = names.filter((name) => me === undefined || nameKey(name) !== nameKey(me));
  if (others.length === 0) return "";
  const listed = others.length <= MAX_NAMES + 1
    ? others
    : [...others.slice(0, MAX_NAMES), `${others.length - MAX_NAMES} others`];
  return `${formatNames(listed)} ${verb}`;
}
