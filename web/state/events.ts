import { errorInRoom, gapText } from "../../chat/room_errors.ts";
import { withoutTypists, withTypist } from "../../chat/typing.ts";
import type { ClientEvent, RoomJoined } from "../../client.ts";
import { type Direct, type Message, nameKey, type System } from "../../protocol.ts";
import { lastItem, updated } from "./log.ts";
import { withMissingRooms, withRefusal, withRoomClosed } from "./membership.ts";
import { directItem, messageItem } from "./message_items.ts";
import { partnerAfterDirect, partnersAfterJoin } from "./partner.ts";
import { sorted, withPresence } from "./presence.ts";
import {
  directKey,
  isSeen,
  newThread,
  note,
  roomKey,
  withChanged,
  withDirect,
  withItems,
  withRoom,
  withShown,
  withThread,
} from "./threads.ts";
import type { ChatState, Note, ReadMarker, RoomFacts } from "./types.ts";

/**
 * The state after an event of the client.
 *
 * @param told a private message as the hub sent it; `event` has its sanitized form.
 */
export function afterEvent(
  state: ChatState,
  event: ClientEvent,
  now: number,
  told?: Direct,
): ChatState {
  switch (event.type) {
    case "connecting":
      return { ...state, connection: { state: "connecting", attempt: event.attempt } };
    case "online":
      return withMissingRooms({
        ...state,
        me: event.welcome.sender,
        limits: event.welcome.limits,
        connection: event.reconnected
          ? { state: "online", missed: 0, returning: event.welcome.rooms }
          : { state: "online" },
      }, event.welcome);
    case "offline": {
      const { reason, retryIn } = event;
      return { ...state, connection: { state: "offline", reason, until: now + retryIn } };
    }
    case "joined":
      return partnersAfterJoin(state, withReturned(joined(state, event, now), event), now);
    case "renamed":
      return { ...state, me: event.name };
    case "live":
      return withRoom(state, event.room, (facts) => ({
        ...facts,
        last: Math.max(facts.last, event.id),
      }));
    case "left":
      return withRoomClosed(state, event.room);
    case "message":
      return message(state, event);
    case "direct":
      return direct(state, event, now, told);
    case "presence":
      return withPresence(state, event, now);
    case "typing":
      return withRoom(state, event.room, (facts) => ({
        ...facts,
        typing: event.active
          ? withTypist(facts.typing, event.sender, now)
          : withoutTypists(facts.typing, event.sender),
      }));
    case "system":
      return systemNote(state, event, now);
    case "error":
      return withRefusal(state, event) ?? withNote(state, errorInRoom(event), now, "error");
  }
}

/** Adds a note to the current thread. */
function withNote(state: ChatState, text: string, now: number, tone: Note["tone"]): ChatState {
  if (state.current === undefined) return state;
  return withChanged(state, state.current, (thread) => {
    const last = lastItem(thread.log);
    // The hub repeats an error for each typing notice: only the time of the note changes.
    if (tone === "error" && last?.kind === "note" && last.text === text) {
      return { ...thread, log: updated(thread.log, last.seq, (item) => ({ ...item, at: now })) };
    }
    return withItems(thread, [note(text, now, tone)]);
  });
}

/** Announcements to all are shown elsewhere. */
function systemNote(state: ChatState, event: System, now: number): ChatState {
  const { room, message } = event;
  if (room === undefined) {
    return event.event === "announcement" ? state : withNote(state, message, now, "info");
  }
  const next = event.event === "notice"
    ? withRoom(state, room, (facts) => ({ ...facts, notice: message }))
    : state;
  return withChanged(next, roomKey(room), (thread) => withItems(thread, [note(message, now)]));
}

function joined(state: ChatState, event: RoomJoined, now: number): ChatState {
  const key = roomKey(event.room);
  const known = state.threads.get(key);
  const facts: RoomFacts = {
    epoch: event.epoch,
    last: continuesAfter(known?.room, event),
    entered: event.last,
    online: event.online,
    members: event.members && sorted(event.members),
    typing: [],
  };
  if (known?.room === undefined) {
    const first = withThread(state, {
      ...newThread(key, event.room, facts),
      complete: event.last < event.first,
      unread: unreadSince(state.readMarkers.get(event.room), event),
      pending: known?.pending ?? [],
    });
    const isOpen = first.current !== undefined && first.threads.has(first.current);
    return isOpen ? first : withShown(first, key);
  }
  // Messages that came while the connection was lost are news, not history.
  const { closedReason: _, joining: _asked, ...open } = known;
  const thread = { ...open, room: { ...facts, entered: known.room.last } };
  if (event.recovered) return withThread(state, thread);
  const reset = known.room.epoch === event.epoch ? event.reset : "epoch";
  // Older messages of another epoch, or before a gap, do not fit to those that are here.
  return withThread(state, {
    ...withItems(thread, [note(gapText("here", reset), now, "gap")]),
    complete: true,
  });
}

/** The last id before the messages that follow. */
function continuesAfter(
  known: RoomFacts | undefined,
  { epoch, recovered, last, messages: [first] }: RoomJoined,
): number {
  if (first !== undefined) return first.id - 1;
  return recovered && known?.epoch === epoch ? known.last : last;
}

/** Counts the messages that a room missed while the connection was lost. */
function withReturned(state: ChatState, { room, recovered, missed }: RoomJoined): ChatState {
  const { connection } = state;
  if (connection.state !== "online" || !connection.returning?.includes(room)) return state;
  return {
    ...state,
    connection: {
      ...connection,
      returning: connection.returning.filter((each) => each !== room),
      missed: (connection.missed ?? 0) + missed,
      hasGap: connection.hasGap === true || !recovered,
    },
  };
}

/** Messages that an earlier visit had not read. */
function unreadSince(marker: ReadMarker | undefined, event: RoomJoined): number {
  return marker?.epoch === event.epoch ? Math.max(0, event.last - marker.id) : 0;
}

function message(state: ChatState, event: Message): ChatState {
  const key = roomKey(event.room);
  const thread = state.threads.get(key);
  if (thread?.room === undefined) return state;
  const { epoch, entered, last, typing } = thread.room;
  const item = messageItem(event, state.me, state.mention);
  const marker = state.readMarkers.get(event.room);
  const hasMarker = marker?.epoch === epoch;
  const isNews = event.id > entered;
  const counts = isNews && !isSeen(state, key) && !item.mine;
  const isNew = counts || (!isNews && hasMarker && event.id > marker.id && !item.mine);
  const grown = withItems(thread, [item]);
  const place = grown.log.next - 1;
  const next = withThread(state, {
    ...grown,
    complete: grown.complete || event.id === 1,
    unread: thread.unread + (counts ? 1 : 0),
    // The unread messages of an earlier visit were counted when the room was entered.
    mentions: thread.mentions + ((counts || (isNew && thread.unread > 0)) && item.mention ? 1 : 0),
    // The first unseen message; the line moves on once all before it are read.
    newFrom: counts && thread.unread === 0 ? place : thread.newFrom ?? (isNew ? place : undefined),
    room: {
      ...thread.room,
      last: Math.max(last, event.id),
      typing: withoutTypists(typing, event.sender),
    },
  });
  // After a reload, the position cannot be found from the loaded messages.
  if (!counts || (thread.unread > 0 && hasMarker)) return next;
  const stopped = { epoch, id: event.id - 1 };
  return { ...next, readMarkers: new Map(state.readMarkers).set(event.room, stopped) };
}

function direct(
  state: ChatState,
  event: Direct,
  now: number,
  told: Direct | undefined,
): ChatState {
  const mine = state.me !== undefined && nameKey(event.sender) === nameKey(state.me);
  const name = mine ? event.to : event.sender;
  const key = directKey(name);
  const begun = withDirect(state, key, name);
  const next = mine ? begun : partnerAfterDirect(begun, event, now);
  const counts = !mine && !isSeen(state, key);
  return withChanged(next, key, (before) => {
    const thread = withItems(before, [directItem(event, mine, told)]);
    return {
      ...thread,
      name,
      unread: thread.unread + (counts ? 1 : 0),
      mentions: thread.mentions + (counts ? 1 : 0),
      newFrom: counts && thread.unread === 0 ? thread.log.next - 1 : thread.newFrom,
    };
  });
}
