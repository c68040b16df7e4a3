import type { ClientEvent, RoomJoined } from "../../client.ts";
import type { MentionRule } from "../../chat/mention.ts";
import { type Direct, type Message, nameKey, type System } from "../../protocol.ts";
import { directItem, messageItem } from "./message_items.ts";
import { findId, lastItem, prepend, updated } from "./log.ts";
import { closedElsewhere, entering, missingRooms, refusedRoom, removed } from "./membership.ts";
import { presence, sorted } from "./presence.ts";
import { absent, met, proved, reacquainted, trusted } from "./partner.ts";
import {
  isAlreadyApplied,
  mergeSnapshot,
  readElsewhere,
  type Snapshot,
  withDirect,
} from "./tab_sync.ts";
import {
  changed,
  changedRoom,
  directKey,
  extended,
  newThread,
  note,
  roomKey,
  withThread,
} from "./threads.ts";
import { newFromWith } from "./unread.ts";
import type {
  ChatMessage,
  ChatState,
  LinkStatus,
  Note,
  ReadMarker,
  RoomFacts,
  Thread,
  ThreadKey,
  UnsentMessage,
} from "./types.ts";

/** Milliseconds after which somebody who said to be typing no longer counts as doing so. */
export const TYPING_FOR = 6000;

/** Everything that changes what the page shows. */
export type Action =
  | {
    readonly type: "event";
    readonly event: ClientEvent;
    /** A private message as it came: `event` is what the page may show of it. */
    readonly told?: Direct;
    readonly now: number;
  }
  | { readonly type: "connection"; readonly connection: LinkStatus }
  | { readonly type: "me"; readonly name: string }
  | { readonly type: "show"; readonly key: ThreadKey; readonly name?: string }
  | { readonly type: "attention"; readonly attentive: boolean }
  | { readonly type: "sending"; readonly key: ThreadKey; readonly pending: UnsentMessage }
  | { readonly type: "acked"; readonly key: ThreadKey; readonly ref: string; readonly id: number }
  | {
    readonly type: "delivered";
    readonly key: ThreadKey;
    readonly ref: string;
    readonly direct: Direct;
    /** As in an event. */
    readonly told?: Direct;
  }
  | {
    readonly type: "failed";
    readonly key: ThreadKey;
    readonly ref: string;
    readonly error: string;
    /** Whether nobody has the name of a private conversation. */
    readonly absent?: true;
  }
  /** The user was told that the other person may be another one than before. */
  | { readonly type: "trust"; readonly key: ThreadKey }
  | { readonly type: "discard"; readonly key: ThreadKey; readonly ref: string }
  | {
    readonly type: "older";
    readonly key: ThreadKey;
    readonly messages: readonly Message[];
    readonly more: boolean;
  }
  | {
    readonly type: "note";
    readonly key: ThreadKey;
    readonly text: string;
    readonly tone: Note["tone"];
    readonly now: number;
  }
  | { readonly type: "clear"; readonly key: ThreadKey }
  /** Lets what was cleared be loaded again. */
  | { readonly type: "uncover"; readonly key: ThreadKey }
  | { readonly type: "close"; readonly key: ThreadKey }
  /** The user wants to enter a room. */
  | { readonly type: "entering"; readonly room: string }
  /** A private conversation begins; it is not shown by that. */
  | { readonly type: "begin"; readonly key: ThreadKey; readonly name: string }
  /** What the tab that has the connection did. */
  | { readonly type: "shared"; readonly action: Action }
  /** What another tab of the same person closed, or read. */
  | { readonly type: "closed-elsewhere" | "read-elsewhere"; readonly key: ThreadKey }
  | { readonly type: "adopt"; readonly snapshot: Snapshot }
  | { readonly type: "comings"; readonly comings: boolean }
  | { readonly type: "mention"; readonly mention: MentionRule }
  | { readonly type: "tick"; readonly now: number };

/** What `action` makes of `state`. */
export function reduce(state: ChatState, action: Action): ChatState {
  switch (action.type) {
    case "event":
      return onEvent(state, action.event, action.now, action.told);
    case "connection":
      return { ...state, connection: action.connection };
    case "me":
      return state.me === action.name ? state : { ...state, me: action.name };
    case "show":
      return show(state, action.key, action.name);
    case "attention":
      return setFocused(state, action.attentive);
    case "sending":
      return changed(state, action.key, (thread) => ({
        ...thread,
        newFrom: undefined,
        pending: [...thread.pending, action.pending],
      }));
    case "acked":
      return changed(state, action.key, (thread) => acked(thread, action.ref, action.id));
    case "delivered":
      return changed(
        state,
        action.key,
        (thread) =>
          extended(without(thread, action.ref), [
            directItem(action.direct, true, action.told),
          ]),
      );
    case "failed":
      return failed(state, action);
    case "trust":
      return withKnown(state, action.key, trusted);
    case "discard":
      return changed(state, action.key, (thread) => without(thread, action.ref));
    case "older":
      return changed(state, action.key, (thread) => older(thread, state, action));
    case "note":
      return changed(
        state,
        action.key,
        (thread) => extended(thread, [note(action.text, action.now, action.tone)]),
      );
    case "clear":
      return changed(state, action.key, (thread) => ({
        ...thread,
        // The places go on: those of what is said from now on are new.
        log: { ...thread.log, chunks: [], size: 0 },
        complete: true,
        cleared: thread.room !== undefined,
        newFrom: undefined,
      }));
    case "uncover":
      return changed(state, action.key, (thread) => {
        return thread.cleared ? { ...thread, cleared: false, complete: false } : thread;
      });
    case "entering":
      return entering(state, action.room);
    case "close":
      return close(state, action.key);
    case "begin":
      return withDirect(state, action.key, action.name);
    case "shared":
      return isAlreadyApplied(state, action.action) ? state : reduce(state, action.action);
    case "closed-elsewhere":
      return closedElsewhere(state, action.key);
    case "read-elsewhere":
      return readElsewhere(state, action.key);
    case "adopt":
      return mergeSnapshot(state, action.snapshot);
    case "comings":
      return { ...state, presenceNotes: action.comings };
    case "mention":
      return { ...state, mention: action.mention };
    case "tick":
      return tick(state, action.now);
  }
}

function onEvent(
  state: ChatState,
  event: ClientEvent,
  now: number,
  told: Direct | undefined,
): ChatState {
  switch (event.type) {
    case "connecting":
      return { ...state, connection: { state: "connecting", attempt: event.attempt } };
    case "online":
      return missingRooms({
        ...state,
        me: event.welcome.sender,
        limits: event.welcome.limits,
        connection: { state: "online", ...(event.reconnected ? { missed: event.missed } : {}) },
      }, event.welcome);
    case "offline": {
      const { reason, retryIn } = event;
      return { ...state, connection: { state: "offline", reason, until: now + retryIn } };
    }
    case "joined":
      return reacquainted(state, joined(state, event, now), event.room, now);
    case "left":
      return removed(state, event.room);
    case "message":
      return message(state, event);
    case "direct":
      return proved(direct(met(state, event, now), event, told), event);
    case "presence":
      return presence(state, event, now);
    case "typing":
      return changedRoom(state, event.room, (facts) => ({
        ...facts,
        typing: [
          ...facts.typing.filter(({ name }) => nameKey(name) !== nameKey(event.sender)),
          ...(event.typing ? [{ name: event.sender, until: now + TYPING_FOR }] : []),
        ],
      }));
    case "system":
      return systemNote(state, event, now);
    case "error":
      return refusedRoom(state, event) ?? noted(state, event.message, now, "error");
  }
}

function noted(state: ChatState, text: string, now: number, tone: Note["tone"]): ChatState {
  if (state.current === undefined) return state;
  return changed(state, state.current, (thread) => {
    const last = lastItem(thread.log);
    // The hub says it to each sign of typing: what stands there already is only said later.
    if (tone === "error" && last?.kind === "note" && last.text === text) {
      return { ...thread, log: updated(thread.log, last.seq, (item) => ({ ...item, at: now })) };
    }
    return extended(thread, [note(text, now, tone)]);
  });
}

/** What the hub tells about a room stands there; an announcement to all has its own place. */
function systemNote(state: ChatState, event: System, now: number): ChatState {
  const { room, message } = event;
  if (room === undefined) {
    return event.event === "announcement" ? state : noted(state, message, now, "info");
  }
  const next = event.event === "notice"
    ? changedRoom(state, room, (facts) => ({ ...facts, notice: message }))
    : state;
  return changed(next, roomKey(room), (thread) => extended(thread, [note(message, now)]));
}

function joined(state: ChatState, event: RoomJoined, now: number): ChatState {
  const key = roomKey(event.room);
  const known = state.threads.get(key);
  const facts: RoomFacts = {
    epoch: event.epoch,
    last: Math.max(event.last, event.history.at(-1)?.id ?? 0),
    entered: event.last,
    online: event.online,
    ...(event.members === undefined ? {} : { members: sorted(event.members) }),
    typing: [],
  };
  if (known?.room === undefined) {
    const mark = state.readMarkers.get(event.room);
    const thread = {
      ...newThread(key, event.room, facts),
      complete: event.last === 0,
      unread: unreadSince(mark, event),
    };
    const first = withThread(state, { ...thread, pending: known?.pending ?? [] });
    // Nothing is open, or something that is no longer there: the first room is.
    const open = first.current !== undefined && first.threads.has(first.current);
    return open ? first : shown(first, key);
  }
  // What came while the connection was gone is not history: it is missed.
  const { closedReason: _, joining: _asked, ...alive } = known;
  const thread = { ...alive, room: { ...facts, entered: known.room.last } };
  if (event.recovered) return withThread(state, thread);
  const text = known.room.epoch === event.epoch
    ? "Messages may be missing here: the hub no longer had them"
    : "The hub began a new log: what was said in between, if anything, is not here";
  // Older ones of another life, or beyond a hole, would not fit to what is here.
  return withThread(state, { ...extended(thread, [note(text, now, "gap")]), complete: true });
}

/** How many messages an earlier visit had not read. */
function unreadSince(mark: ReadMarker | undefined, event: RoomJoined): number {
  return mark?.epoch === event.epoch ? Math.max(0, event.last - mark.id) : 0;
}

function message(state: ChatState, event: Message): ChatState {
  const key = roomKey(event.room);
  const thread = state.threads.get(key);
  if (thread?.room === undefined) return state;
  const item = messageItem(event, state.me, state.mention);
  const mark = state.readMarkers.get(event.room);
  const isNews = event.id > thread.room.entered;
  const seen = isSeen(state, key) || item.mine;
  const counts = isNews && !seen;
  const isNew = counts ||
    (!isNews && mark?.epoch === thread.room.epoch && event.id > mark.id && !item.mine);
  const grown = extended(thread, [item]);
  const next = withThread(state, {
    ...grown,
    complete: grown.complete || event.id === 1,
    unread: thread.unread + (counts ? 1 : 0),
    // What an earlier visit had not read counts since the room was entered.
    mentions: thread.mentions + ((counts || (isNew && thread.unread > 0)) && item.mention ? 1 : 0),
    // The first one that nobody saw; the line moves on when all before it was read.
    newFrom: counts && thread.unread === 0
      ? grown.log.next - 1
      : thread.newFrom ?? (isNew ? grown.log.next - 1 : undefined),
    room: {
      ...thread.room,
      last: Math.max(thread.room.last, event.id),
      typing: thread.room.typing.filter(({ name }) => name !== event.sender),
    },
  });
  // Where reading stopped is not to be found again from what is loaded.
  if (!counts || (thread.unread > 0 && mark?.epoch === thread.room.epoch)) return next;
  const stopped = { epoch: thread.room.epoch, id: event.id - 1 };
  return { ...next, readMarkers: new Map(state.readMarkers).set(event.room, stopped) };
}

function direct(state: ChatState, event: Direct, told: Direct | undefined): ChatState {
  const mine = state.me !== undefined && nameKey(event.sender) === nameKey(state.me);
  const other = mine ? event.to : event.sender;
  const key = directKey(other);
  const thread = extended(state.threads.get(key) ?? newThread(key, other), [
    directItem(event, mine, told),
  ]);
  const counts = !mine && !isSeen(state, key);
  return withThread(state, {
    ...thread,
    name: other,
    unread: thread.unread + (counts ? 1 : 0),
    mentions: thread.mentions + (counts ? 1 : 0),
    newFrom: counts && thread.unread === 0 ? thread.log.next - 1 : thread.newFrom,
  });
}

function show(state: ChatState, key: ThreadKey, name?: string): ChatState {
  let next = state;
  if (!next.threads.has(key)) {
    if (name === undefined) return state;
    next = withThread(next, newThread(key, name));
  }
  const { current } = next;
  // Read by now: the line has done its work.
  if (current !== undefined && current !== key) {
    next = changed(
      next,
      current,
      (thread) => thread.unread > 0 ? thread : { ...thread, newFrom: undefined },
    );
  }
  return current === key ? seen(next) : shown(next, key);
}

/** With another thread on the screen, of which nobody has seen the end yet. */
function shown(state: ChatState, current: ThreadKey | undefined): ChatState {
  return { ...state, current, focused: false };
}

function setFocused(state: ChatState, focused: boolean): ChatState {
  return focused === state.focused ? state : seen({ ...state, focused });
}

/** What is looked at is read. */
function seen(state: ChatState): ChatState {
  const thread = state.current === undefined ? undefined : state.threads.get(state.current);
  if (!state.focused || thread === undefined || thread.unread + thread.mentions === 0) {
    return state;
  }
  return withThread(state, { ...thread, unread: 0, mentions: 0 });
}

function isSeen(state: ChatState, key: ThreadKey): boolean {
  return state.focused && state.current === key;
}

function acked(thread: Thread, ref: string, id: number): Thread {
  const said = findId(thread.log, id);
  const log = said === undefined || said.mine
    ? thread.log
    : updated(thread.log, said.seq, (item) =>
      ({ ...item, mine: true, mention: false }) as ChatMessage);
  return { ...without(thread, ref), log };
}

function failed(
  state: ChatState,
  { key, ref, error, absent: nobody }: Extract<Action, { type: "failed" }>,
): ChatState {
  const next = changed(state, key, (thread) => ({
    ...thread,
    pending: thread.pending.map((each) => each.ref === ref ? { ...each, error } : each),
  }));
  return nobody === true ? withKnown(next, key, absent) : next;
}

function withKnown(
  state: ChatState,
  key: ThreadKey,
  change: (state: ChatState, thread: Thread) => ChatState,
): ChatState {
  const thread = state.threads.get(key);
  return thread === undefined ? state : change(state, thread);
}

function without(thread: Thread, ref: string): Thread {
  return { ...thread, pending: thread.pending.filter((each) => each.ref !== ref) };
}

function older(
  thread: Thread,
  { me, readMarkers, mention }: ChatState,
  { messages, more }: { readonly messages: readonly Message[]; readonly more: boolean },
): Thread {
  const first = [...thread.log.chunks].flatMap(({ items }) => items)
    .find((item): item is ChatMessage => item.kind === "said" && item.id !== undefined)?.id ??
    Infinity;
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
  return state.current === key ? shown(rest, threads.keys().next().value) : rest;
}

function tick(state: ChatState, now: number): ChatState {
  let next = state;
  for (const { room, name } of state.threads.values()) {
    if (room?.typing.some(({ until }) => until <= now)) {
      next = changedRoom(next, name, (facts) => ({
        ...facts,
        typing: facts.typing.filter(({ until }) => until > now),
      }));
    }
  }
  return next;
}
