import { withClosedElsewhere } from "./membership.ts";
import { findId, itemsOf, trimmed } from "./log.ts";
import type { Action } from "./actions.ts";
import { roomKey, withItems, withThread } from "./threads.ts";
import type { ChatMessage, ChatState, Log, Snapshot, Thread } from "./types.ts";

/** Messages of each room that another tab gets at once. It loads older ones itself. */
const MAX_SHARED = 1000;

/** The state for another tab. */
export function snapshotOf({ connection, me, limits, threads }: ChatState): Snapshot {
  return {
    connection,
    me,
    limits,
    threads: [...threads.values()].map((thread) => {
      if (thread.room === undefined || thread.log.size <= MAX_SHARED) return thread;
      return { ...thread, log: trimmed(thread.log, MAX_SHARED), complete: false };
    }),
  };
}

/** Adds the state of another tab. Messages that this tab shows stay where they are. */
export function mergeSnapshot(state: ChatState, snapshot: Snapshot): ChatState {
  const { connection, me, limits } = snapshot;
  let next: ChatState = { ...state, connection, me, limits, threads: new Map() };
  for (const theirs of snapshot.threads) {
    const { serial: _, ...rest } = theirs;
    const own = state.threads.get(theirs.key);
    next = withThread(next, own === undefined ? { ...rest, serial: 0 } : merged(own, rest));
  }
  // The current thread stays; if the other tab has closed it, it says so.
  const { current } = state;
  const open = current === undefined ? undefined : state.threads.get(current);
  if (open !== undefined && !next.threads.has(open.key)) {
    next = withClosedElsewhere(withThread(next, open), open.key);
  }
  const shown = open?.key ?? next.threads.keys().next().value;
  return shown === current ? next : { ...next, current: shown, focused: false };
}

function merged(own: Thread, theirs: Omit<Thread, "serial">): Thread {
  const { serial, log, complete, cleared, newFrom } = own;
  const grown = continued(log, theirs.log, own.room?.epoch === theirs.room?.epoch);
  if (grown === undefined) return { ...theirs, serial };
  const thread = withItems({ ...theirs, serial, log, complete, cleared, newFrom }, grown);
  return { ...thread, complete: complete && thread.complete };
}

/** The messages of `theirs` that follow on `own`; `undefined` if the two do not fit together. */
function continued(own: Log, theirs: Log, sameEpoch: boolean): readonly ChatMessage[] | undefined {
  const last = lastId(own);
  if (last === undefined) {
    if (own.size === 0) return undefined;
    // Private messages have no ids, so the longer log counts as newer.
    return lastId(theirs) === undefined && own.size >= theirs.size ? [] : undefined;
  }
  const end = lastId(theirs);
  if (!sameEpoch || end === undefined) return undefined;
  if (end > last && findId(theirs, last) === undefined) return undefined;
  return [...itemsOf(theirs)].filter((item): item is ChatMessage => {
    return item.kind === "said" && (item.id ?? 0) > last;
  });
}

/** The id of the newest message of a log; `undefined` without one, or after a gap. */
export function lastId(log: Log): number | undefined {
  for (const { items } of log.chunks.toReversed()) {
    const last = items.findLast((item) => item.kind === "said" || item.tone === "gap");
    // Before a gap, ids may belong to another epoch.
    if (last !== undefined) return last.kind === "said" ? last.id : undefined;
  }
  return undefined;
}

/** Whether this tab has applied an action of another tab already. */
export function isAlreadyApplied({ threads }: ChatState, action: Action): boolean {
  switch (action.type) {
    case "sending":
      return isPending(threads.get(action.key), action.pending.ref);
    case "delivered":
      return !isPending(threads.get(action.key), action.ref);
    case "event": {
      const { event } = action;
      const thread = event.type === "message" ? threads.get(roomKey(event.room)) : undefined;
      const last = thread === undefined ? undefined : lastId(thread.log);
      return event.type === "message" && last !== undefined && event.id <= last;
    }
    default:
      return false;
  }
}

function isPending(thread: Thread | undefined, ref: string): boolean {
  return thread?.pending.some((each) => each.ref === ref) === true;
}

/** The action for other tabs; `undefined` if it concerns one tab only. */
export function sharedAction(action: Action): Action | undefined {
  if (action.type === "close") return { type: "closed-elsewhere", key: action.key };
  return SHARED.has(action.type) ? action : undefined;
}

const SHARED: ReadonlySet<Action["type"]> = new Set<Action["type"]>([
  "closed-elsewhere",
  "event",
  "connection",
  "me",
  "sending",
  "acked",
  "delivered",
  "failed",
  "trust",
  "discard",
  "begin",
  "entering",
]);
