import type { Limits } from "../../protocol.ts";
import { closedElsewhere } from "./membership.ts";
import { findId, itemsOf, trimmed } from "./log.ts";
import type { Action } from "./reduce.ts";
import { changed, extended, newThread, roomKey, withThread } from "./threads.ts";
import type { ChatMessage, ChatState, LinkStatus, Log, Thread, ThreadKey } from "./types.ts";

/** Messages of each room that another tab gets at once; it loads older ones like any tab. */
const MAX_SHARED = 1000;

/** What a tab gets from the one that has the connection; survives a structured clone. */
export interface Snapshot {
  readonly connection: LinkStatus;
  readonly me: string | undefined;
  readonly limits: Limits | undefined;
  readonly threads: readonly Thread[];
}

/** What the other tabs are to know of `state`. */
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

/** `state` with what another tab knows. What this tab shows already stays where it is. */
export function mergeSnapshot(state: ChatState, snapshot: Snapshot): ChatState {
  const { connection, me, limits } = snapshot;
  let next: ChatState = { ...state, connection, me, limits, threads: new Map() };
  for (const theirs of snapshot.threads) {
    const { serial: _, ...rest } = theirs;
    const own = state.threads.get(theirs.key);
    next = withThread(next, own === undefined ? { ...rest, serial: 0 } : merged(own, rest));
  }
  // Never away from what the user looks at: where that is gone, it says so.
  const { current } = state;
  const open = current === undefined ? undefined : state.threads.get(current);
  if (open !== undefined && !next.threads.has(open.key)) {
    next = closedElsewhere(withThread(next, open), open.key);
  }
  const shown = open?.key ?? next.threads.keys().next().value;
  return shown === current ? next : { ...next, current: shown, focused: false };
}

function merged(own: Thread, theirs: Omit<Thread, "serial">): Thread {
  const { serial, log, complete, cleared, newFrom } = own;
  const grown = continued(log, theirs.log, own.room?.epoch === theirs.room?.epoch);
  if (grown === undefined) return { ...theirs, serial };
  const thread = extended({ ...theirs, serial, log, complete, cleared, newFrom }, grown);
  return { ...thread, complete: complete && thread.complete };
}

/** What follows on `own` in `theirs`; `undefined` when the two do not fit together. */
function continued(own: Log, theirs: Log, sameEpoch: boolean): readonly ChatMessage[] | undefined {
  const last = lastId(own);
  if (last === undefined) {
    if (own.size === 0) return undefined;
    // Private messages have no ids: the longer log is the one that knows more.
    return lastId(theirs) === undefined && own.size >= theirs.size ? [] : undefined;
  }
  const end = lastId(theirs);
  if (!sameEpoch || end === undefined) return undefined;
  if (end > last && findId(theirs, last) === undefined) return undefined;
  return [...itemsOf(theirs)].filter((item): item is ChatMessage => {
    return item.kind === "said" && (item.id ?? 0) > last;
  });
}

/** The id of the newest message of a log; `undefined` where there is none, or none is sure. */
export function lastId(log: Log): number | undefined {
  for (const { items } of log.chunks.toReversed()) {
    const last = items.findLast((item) => item.kind === "said" || item.tone === "gap");
    // Beyond a gap, ids may mean other messages.
    if (last !== undefined) return last.kind === "said" ? last.id : undefined;
  }
  return undefined;
}

/** Whether this tab has taken in already what another one tells it. */
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

/** What `action`, done in one tab, is in the others; `undefined` when it is only about that tab. */
export function sharedAction(action: Action): Action | undefined {
  switch (action.type) {
    case "closed-elsewhere":
      return action;
    case "close":
      return { type: "closed-elsewhere", key: action.key };
    case "event":
    case "connection":
    case "me":
    case "sending":
    case "acked":
    case "delivered":
    case "failed":
    case "trust":
    case "discard":
    case "begin":
    case "entering":
      return action;
    default:
      return undefined;
  }
}

/** `state` with a thread for a private conversation, which is not shown by that. */
export function withDirect(state: ChatState, key: ThreadKey, name: string): ChatState {
  return state.threads.has(key) ? state : withThread(state, newThread(key, name));
}

/** `state` with a thread that was read in another tab. */
export function readElsewhere(state: ChatState, key: ThreadKey): ChatState {
  const thread = state.threads.get(key);
  if (thread === undefined || thread.unread + thread.mentions === 0) return state;
  return changed(state, key, (each) => ({ ...each, unread: 0, mentions: 0 }));
}
