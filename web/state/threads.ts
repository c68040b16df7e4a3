import type { Place } from "../../chat/commands.ts";
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

/** The room of a thread; `undefined` for a private conversation. */
export function roomOf(key: ThreadKey | undefined): string | undefined {
  return key?.startsWith("#") ? key.slice(1) : undefined;
}

/** The title of the page while a thread is shown; empty for none. */
export function titleOf(thread: Thread | undefined): string {
  if (thread === undefined) return "";
  return roomOf(thread.key) === undefined ? thread.name : `#${thread.name}`;
}

/** A thread as a place of the chat. */
export function placeOf(
  { key, name }: Pick<Thread, "key" | "name">,
): Exclude<Place, { kind: "home" }> {
  const room = roomOf(key);
  return room === undefined ? { kind: "private", name } : { kind: "room", room };
}

/** An empty thread. */
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
    room,
  };
}

/** Adds a thread, or replaces the one with its key. */
export function withThread(state: ChatState, thread: Thread): ChatState {
  const threads = new Map(state.threads);
  if (thread.serial > 0) return { ...state, threads: threads.set(thread.key, thread) };
  const serials = Array.from(threads.values(), ({ serial }) => serial);
  const serial = threads.get(thread.key)?.serial ?? 1 + Math.max(0, ...serials);
  return { ...state, threads: threads.set(thread.key, { ...thread, serial }) };
}

/** Adds a private conversation, unless there is one, without showing it. */
export function withDirect(state: ChatState, key: ThreadKey, name: string): ChatState {
  return state.threads.has(key) ? state : withThread(state, newThread(key, name));
}

/** Changes a thread, if there is one with this key. */
export function withChanged(
  state: ChatState,
  key: ThreadKey,
  change: (thread: Thread) => Thread,
): ChatState {
  const thread = state.threads.get(key);
  if (thread === undefined) return state;
  const changed = change(thread);
  return changed === thread ? state : withThread(state, changed);
}

/** Changes the facts of a room, if the user has entered it. */
export function withRoom(
  state: ChatState,
  room: string,
  change: (facts: RoomFacts) => RoomFacts,
): ChatState {
  return withChanged(state, roomKey(room), (thread) => {
    return thread.room === undefined ? thread : { ...thread, room: change(thread.room) };
  });
}

/** Adds items to the end of a thread. The oldest are dropped if there are too many. */
export function withItems(thread: Thread, items: readonly NewLogItem[]): Thread {
  if (items.length === 0) return thread;
  const whole = append(thread.log, items);
  // In large steps, so that not every message cuts the log.
  const log = whole.size > MAX_ITEMS + 500 ? trimmed(whole) : whole;
  return { ...thread, log, complete: thread.complete && log === whole };
}

/** Shows a thread, whose end the user has not seen yet. */
export function withShown(state: ChatState, current: ThreadKey | undefined): ChatState {
  return { ...state, current, focused: false };
}

/** Whether the user is looking at the end of a thread. */
export function isSeen({ focused, current }: ChatState, key: ThreadKey): boolean {
  return focused && current === key;
}

/** A note of the page itself. */
export function note(text: string, at: number, tone: Note["tone"] = "info"): NewLogItem {
  return { kind: "note", text, at, tone };
}

/** All known people: the members of rooms, or the latest speakers of large ones. */
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
