import type { ErrorFrame, Welcome } from "../../protocol.ts";
import { newThread, roomKey, withChanged, withThread } from "./threads.ts";
import type { ChatState, Thread, ThreadKey } from "./types.ts";

/** The user is joining a room. */
export function withJoining(state: ChatState, room: string): ChatState {
  const key = roomKey(room);
  const known = state.threads.get(key);
  if (known === undefined) {
    return withThread(state, { ...newThread(key, room), complete: false, joining: true });
  }
  const { closedReason: _, ...alive } = known;
  return withThread(state, { ...alive, joining: true });
}

/** The hub has removed the user from a room. The thread stays: the user may be typing in it. */
export function withRoomClosed(state: ChatState, room: string): ChatState {
  return withChanged(
    state,
    roomKey(room),
    (thread) => thread.closedReason === undefined ? closed(thread) : thread,
  );
}

/** Another tab has closed a thread. If this tab shows it, it stays, but nothing can be sent. */
export function withClosedElsewhere(state: ChatState, key: ThreadKey): ChatState {
  if (state.current === key) {
    return withChanged(state, key, (thread) => closed(thread, "You closed this in another tab"));
  }
  const threads = new Map(state.threads);
  threads.delete(key);
  return { ...state, threads };
}

/** The user is no longer in rooms that the welcome does not name. */
export function withMissingRooms(state: ChatState, { rooms }: Welcome): ChatState {
  const named = new Set(rooms.map(roomKey));
  let next = state;
  for (const { key, name } of state.threads.values()) {
    if (key.startsWith("#") && !named.has(key)) next = withRoomClosed(next, name);
  }
  return next;
}

/** The hub refused a join; `undefined` if `error` concerns no room that is waiting for it. */
export function withRefusal(
  state: ChatState,
  { re, room, message }: ErrorFrame,
): ChatState | undefined {
  if (re !== "join" || room === undefined) return undefined;
  const refused = state.threads.get(roomKey(room));
  if (refused === undefined || !isWaiting(refused)) return undefined;
  return withThread(state, closed(refused, message));
}

/** Whether the hub has not yet answered a join, or not explained a removal. */
function isWaiting({ name, closedReason, joining }: Thread): boolean {
  return joining === true || closedReason === unexplained(name);
}

function closed({ joining: _, ...thread }: Thread, reason?: string): Thread {
  const { room, name } = thread;
  const closedReason = reason ?? room?.notice ?? unexplained(name);
  if (room === undefined) return { ...thread, closedReason };
  return { ...thread, closedReason, room: { ...room, online: 0, members: [], typing: [] } };
}

function unexplained(name: string): string {
  return `You are no longer in #${name}`;
}
