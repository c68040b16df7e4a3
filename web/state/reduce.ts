import { partnerConfirmed } from "../../chat/partner.ts";
import { unexpired } from "../../chat/typing.ts";
import type { Message } from "../../protocol.ts";
import type { Action } from "./actions.ts";
import { afterEvent } from "./events.ts";
import { findId, firstSaid, prepend, updated } from "./log.ts";
import { withClosedElsewhere, withJoining } from "./membership.ts";
import { directItem, messageItem } from "./message_items.ts";
import { withUnknownPartner } from "./partner.ts";
import { isAlreadyApplied, mergeSnapshot } from "./tab_sync.ts";
import {
  isSeen,
  newThread,
  note,
  withChanged,
  withDirect,
  withItems,
  withRoom,
  withShown,
  withThread,
} from "./threads.ts";
import type { ChatMessage, ChatState, Thread, ThreadKey } from "./types.ts";
import { newFromWith } from "./unread.ts";

/** The state after an action. */
export function reduce(state: ChatState, action: Action): ChatState {
  switch (action.type) {
    case "event":
      return afterEvent(state, action.event, action.now, action.told);
    case "connection":
      return { ...state, connection: action.connection };
    case "me":
      return state.me === action.name ? state : { ...state, me: action.name };
    case "show":
      return show(state, action.key, action.name);
    case "attention":
      if (action.attentive === state.focused) return state;
      return withCurrentRead({ ...state, focused: action.attentive });
    case "clear":
      return withChanged(state, action.key, cleared);
    case "entering":
      return withJoining(state, action.room);
    case "close":
      return close(state, action.key);
    case "begin":
      return withDirect(state, action.key, action.name);
    case "shared":
      return isAlreadyApplied(state, action.action) ? state : reduce(state, action.action);
    case "closed-elsewhere":
      return withClosedElsewhere(state, action.key);
    case "adopt":
      return mergeSnapshot(state, action.snapshot);
    case "comings":
      return { ...state, presenceNotes: action.comings };
    case "mention":
      return { ...state, mention: action.mention };
    case "tick":
      return tick(state, action.now);
    case "failed":
      return failed(state, action);
    default:
      return withChanged(state, action.key, (thread) => afterThreadAction(thread, state, action));
  }
}

type ThreadAction = Extract<Action, {
  readonly type:
    | "sending"
    | "acked"
    | "delivered"
    | "trust"
    | "discard"
    | "older"
    | "note"
    | "uncover"
    | "read-elsewhere";
}>;

/** A thread after an action that changes nothing else. */
function afterThreadAction(thread: Thread, state: ChatState, action: ThreadAction): Thread {
  switch (action.type) {
    case "sending":
      return { ...thread, newFrom: undefined, pending: [...thread.pending, action.pending] };
    case "acked":
      return acked(thread, action.ref, action.id);
    case "delivered": {
      const item = directItem(action.direct, true, action.told);
      return withItems(withoutPending(thread, action.ref), [item]);
    }
    case "trust":
      return thread.partner === undefined
        ? thread
        : { ...thread, partner: partnerConfirmed(thread.partner) };
    case "discard":
      return withoutPending(thread, action.ref);
    case "older":
      return withOlder(thread, state, action);
    case "note":
      return withItems(thread, [note(action.text, action.now, action.tone)]);
    case "uncover":
      return thread.cleared ? { ...thread, cleared: false, complete: false } : thread;
    case "read-elsewhere":
      return read(thread);
  }
}

function show(state: ChatState, key: ThreadKey, name?: string): ChatState {
  let next = state;
  if (!next.threads.has(key)) {
    if (name === undefined) return state;
    next = withThread(next, newThread(key, name));
  }
  const { current } = next;
  if (current === key) return withCurrentRead(next);
  // The line above the new messages has served its purpose once they are read.
  if (current !== undefined) {
    next = withChanged(next, current, (thread) => {
      return thread.unread > 0 ? thread : { ...thread, newFrom: undefined };
    });
  }
  return withShown(next, key);
}

function withCurrentRead(state: ChatState): ChatState {
  const { current } = state;
  return current !== undefined && isSeen(state, current)
    ? withChanged(state, current, read)
    : state;
}

function read(thread: Thread): Thread {
  return thread.unread + thread.mentions === 0 ? thread : { ...thread, unread: 0, mentions: 0 };
}

function cleared(thread: Thread): Thread {
  return {
    ...thread,
    // Later messages get places after the cleared ones.
    log: { ...thread.log, chunks: [], size: 0 },
    complete: true,
    cleared: thread.room !== undefined,
    newFrom: undefined,
  };
}

function acked(thread: Thread, ref: string, id: number): Thread {
  const said = findId(thread.log, id);
  // The copy came first, under a name that the user no longer has.
  const log = said === undefined || said.mine
    ? thread.log
    : updated(thread.log, said.seq, (item) =>
      ({ ...item, mine: true, mention: false }) as ChatMessage);
  return { ...withoutPending(thread, ref), log };
}

function failed(
  state: ChatState,
  { key, ref, error, absent }: Extract<Action, { type: "failed" }>,
): ChatState {
  const next = withChanged(state, key, (thread) => ({
    ...thread,
    pending: thread.pending.map((each) => each.ref === ref ? { ...each, error } : each),
  }));
  return absent === true ? withUnknownPartner(next, key) : next;
}

function withoutPending(thread: Thread, ref: string): Thread {
  return { ...thread, pending: thread.pending.filter((each) => each.ref !== ref) };
}

function withOlder(
  thread: Thread,
  { me, readMarkers, mention }: ChatState,
  { messages, more }: { readonly messages: readonly Message[]; readonly more: boolean },
): Thread {
  const first = firstSaid(thread.log)?.id ?? Infinity;
  const before = messages.filter(({ id }) => id < first);
  const items = before.map((each) => messageItem(each, me, mention));
  return {
    ...thread,
    log: prepend(thread.log, items),
    complete: !more || before[0]?.id === 1,
    newFrom: newFromWith(thread, items, readMarkers.get(thread.name)),
  };
}

function close(state: ChatState, key: ThreadKey): ChatState {
  const threads = new Map(state.threads);
  threads.delete(key);
  const rest = { ...state, threads };
  return state.current === key ? withShown(rest, threads.keys().next().value) : rest;
}

function tick(state: ChatState, now: number): ChatState {
  let next = state;
  for (const { room, name } of state.threads.values()) {
    if (room?.typing.some(({ until }) => until <= now)) {
      next = withRoom(next, name, (facts) => ({ ...facts, typing: unexpired(facts.typing, now) }));
    }
  }
  return next;
}
