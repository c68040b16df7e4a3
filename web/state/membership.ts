import type { ErrorCode, ErrorFrame, Welcome } from "../../protocol.ts";
import { changed, newThread, roomKey, withThread } from "./threads.ts";
import type { ChatState, Thread, ThreadKey } from "./types.ts";

/** Errors with which a hub refuses to let a client into a room; they carry no `ref`. */
const ROOM_ERRORS: readonly ErrorCode[] = ["bad_room", "forbidden", "too_many_rooms"];

/** `state` with a thread for a room that is about to be entered. */
export function entering(state: ChatState, room: string): ChatState {
  const key = roomKey(room);
  const known = state.threads.get(key);
  if (known === undefined) {
    return withThread(state, { ...newThread(key, room), complete: false, joining: true });
  }
  const { closedReason: _, ...alive } = known;
  return withThread(state, { ...alive, joining: true });
}

/**
 * `state` after the hub has removed the user from a room. The thread stays, and so does the open
 * one: somebody may be typing there.
 */
export function removed(state: ChatState, room: string): ChatState {
  return changed(
    state,
    roomKey(room),
    (thread) => thread.closedReason === undefined ? dead(thread) : thread,
  );
}

/** `state` without what another tab has closed; where this tab shows it, it stays, dead. */
export function closedElsewhere(state: ChatState, key: ThreadKey): ChatState {
  if (state.current === key) {
    return changed(state, key, (thread) => dead(thread, "You closed this in another tab"));
  }
  const threads = new Map(state.threads);
  threads.delete(key);
  return { ...state, threads };
}

/** `state` after a welcome that does not name all rooms: the user is no longer in the others. */
export function missingRooms(state: ChatState, { rooms }: Welcome): ChatState {
  const named = new Set(rooms.map(({ room }) => roomKey(room)));
  let next = state;
  for (const { key, name } of state.threads.values()) {
    if (key.startsWith("#") && !named.has(key)) next = removed(next, name);
  }
  return next;
}

/** `state` with the reason why a room cannot be entered; `undefined` when `error` is about none. */
export function refusedRoom(state: ChatState, error: ErrorFrame): ChatState | undefined {
  if (error.ref !== undefined || !ROOM_ERRORS.includes(error.code)) return undefined;
  const waiting = [...state.threads.values()].filter(isWaiting);
  const words = new Set(error.message.match(/[a-z0-9][a-z0-9._-]*[a-z0-9_-]|[a-z0-9]/g) ?? []);
  const named = waiting.filter(({ name }) => words.has(name));
  // A limit concerns whichever rooms are left; a refusal always names them.
  const refused = named.length > 0 || error.code === "forbidden" ? named : waiting;
  if (refused.length === 0) return undefined;
  return refused.reduce<ChatState>(
    (next, { key }) => changed(next, key, (thread) => dead(thread, error.message)),
    state,
  );
}

/** Whether it is not known yet if, or why not, the hub lets the user into this room. */
function isWaiting({ key, name, closedReason, joining }: Thread): boolean {
  return key.startsWith("#") && (joining === true || closedReason === unexplained(name));
}

function dead({ joining: _, ...thread }: Thread, reason?: string): Thread {
  const { room, name } = thread;
  const closedReason = reason ?? room?.notice ?? unexplained(name);
  if (room === undefined) return { ...thread, closedReason };
  return { ...thread, closedReason, room: { ...room, online: 0, members: [], typing: [] } };
}

function unexplained(name: string): string {
  return `You are no longer in #${name}`;
}
