import { nameKey } from "../../protocol.ts";
import { append, EMPTY_LOG, MAX_ITEMS, trimmed } from "./log.ts";
import type { ChatState, NewLogItem, Note, RoomFacts, Thread, ThreadKey } from "./types.ts";

/** The key of a room's thread. */
export function roomKey(room: string): ThreadKey {
  return `#${room}`;
}

/** The key of the private conversation with a person. */
export function directKey(name: string): ThreadKey {
  return `@${nameKey(name)}`;
}

/** The room that a thread is of; `undefined` for a private conversation. */
export function roomOf(key: ThreadKey | undefined): string | undefined {
  return key?.startsWith("#") ? key.slice(1) : undefined;
}

/** A thread in which nothing was said yet. */
export function newThread(key: ThreadKey, name: string, room?: RoomFacts): Thread {
  return {
    key,
    serial: 0,
    name,
    log: EMPTY_LOG,
    pending: [],
    complete: room === undefined,
    cleared: false,
    unread: 0,
    mentions: 0,
    newFrom: undefined,
    ...(room === undefined ? {} : { room }),
  };
}

/** `state` with `thread` in the place of the one with its key, or as a new one. */
export function withThread(state: ChatState, thread: Thread): ChatState {
  const threads = new Map(state.threads);
  if (thread.serial > 0) return { ...state, threads: threads.set(thread.key, thread) };
  const serial = threads.get(thread.key)?.serial ?? 1 + Math.max(0, ...serialsOf(threads));
  return { ...state, threads: threads.set(thread.key, { ...thread, serial }) };
}

function serialsOf(threads: ReadonlyMap<ThreadKey, Thread>): readonly number[] {
  return Array.from(threads.values(), ({ serial }) => serial);
}

/** `state` with the thread `key`, if there is one, changed. */
export function changed(
  state: ChatState,
  key: ThreadKey,
  change: (thread: Thread) => Thread,
): ChatState {
  const thread = state.threads.get(key);
  return thread === undefined ? state : withThread(state, change(thread));
}

/** `state` with the facts of a room changed. */
export function changedRoom(
  state: ChatState,
  room: string,
  change: (facts: RoomFacts) => RoomFacts,
): ChatState {
  return changed(state, roomKey(room), (thread) => {
    return thread.room === undefined ? thread : { ...thread, room: change(thread.room) };
  });
}

/** `thread` with `items` at its end; the oldest go where it grows too long. */
export function extended(thread: Thread, items: readonly NewLogItem[]): Thread {
  const whole = append(thread.log, items);
  // Some room beyond the limit, so that not every message cuts.
  const log = whole.size > MAX_ITEMS + 500 ? trimmed(whole) : whole;
  return { ...thread, log, complete: thread.complete && log === whole };
}

/** A line of the page's own. */
export function note(text: string, at: number, tone: Note["tone"] = "info"): NewLogItem {
  return { kind: "note", text, at, tone };
}

/** Everybody whose name may be wanted: members, and where there are too many, who spoke lately. */
export function peopleIn({ threads, me }: ChatState): readonly string[] {
  const names = new Map<string, string>();
  for (const { key, name, room, log } of threads.values()) {
    const spoke = log.chunks.slice(-4).flatMap(({ items }) => items)
      .flatMap((item) => item.kind === "said" ? [item.sender] : []);
    const known = key.startsWith("@") ? [name] : room?.members ?? spoke;
    for (const each of known) names.set(nameKey(each), each);
  }
  if (me !== undefined) names.delete(nameKey(me));
  return [...names.values()].sort((a, b) => a.localeCompare(b));
}

/** Unread messages in all threads. */
export function unreadIn({ threads }: ChatState): { unread: number; mentions: number } {
  let unread = 0;
  let mentions = 0;
  for (const thread of threads.values()) {
    unread += thread.unread;
    mentions += thread.mentions;
  }
  return { unread, mentions };
}
