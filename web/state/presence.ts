import { nameKey, type Presence } from "../../protocol.ts";
import { acquainted } from "./partner.ts";
import { changed, changedRoom, directKey, extended, note, roomKey } from "./threads.ts";
import type { ChatState } from "./types.ts";

/** Takes in who came, went and changed names. */
export function presence(state: ChatState, event: Presence, now: number): ChatState {
  const { renamed = [], left = [], joined = [] } = event;
  const meWas = renamed.find(({ from }) => from === state.me);
  let next = meWas === undefined ? state : { ...state, me: meWas.to };
  for (const { from, to } of renamed) next = renamedDirect(next, from, to);
  const gone = new Set([...left, ...renamed.map(({ from }) => from)].map(nameKey));
  const came = [...joined, ...renamed.map(({ to }) => to)];
  next = changedRoom(next, event.room, (facts) => {
    const kept = (facts.members ?? []).filter((name) => !gone.has(nameKey(name)));
    const known = new Map([...kept, ...came].map((name) => [nameKey(name), name]));
    const { members: _, ...rest } = facts;
    const named = facts.members !== undefined && known.size === event.online;
    return {
      ...rest,
      online: event.online,
      ...(named ? { members: sorted([...known.values()]) } : {}),
      typing: facts.typing.filter(({ name }) => !gone.has(nameKey(name))),
    };
  });
  const sentences = [
    ...renamed.map(({ from, to }) => to === next.me ? `You are now ${to}` : `${from} is now ${to}`),
    ...(state.presenceNotes
      ? [listed(others(left, next.me), "left"), listed(others(joined, next.me), "joined")]
      : []),
  ].filter((sentence) => sentence !== "");
  next = acquainted(state, next, event, now);
  if (sentences.length === 0) return next;
  return changed(
    next,
    roomKey(event.room),
    (thread) => extended(thread, sentences.map((sentence) => note(sentence, now))),
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

/** Names in the order in which they are listed. */
export function sorted(names: readonly string[]): readonly string[] {
  return names.toSorted((a, b) => a.localeCompare(b));
}

function others(names: readonly string[], me: string | undefined): readonly string[] {
  return names.filter((name) => name !== me);
}

function listed(names: readonly string[], verb: string): string {
  if (names.length === 0) return "";
  if (names.length > 4) {
    return `${names.slice(0, 3).join(", ")} and ${names.length - 3} others ${verb}`;
  }
  return `${new Intl.ListFormat("en").format(names)} ${verb}`;
}
