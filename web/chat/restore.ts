import { itemsOf } from "../state/log.ts";
import { directKey, newThread, roomKey, withItems, withThread } from "../state/threads.ts";
import type { ChatMessage, ChatState, ReadMarker, Thread } from "../state/types.ts";
import type { TabMemory } from "./saved_state.ts";

/** The error of private messages that were pending when the page was reloaded. */
const UNKNOWN_FATE =
  "The page was loaded again before the hub answered: it may have been delivered";

/** Restores the state of a tab after a reload. */
export function restoredState(state: ChatState, tab: TabMemory): ChatState {
  let next = state;
  for (const room of tab.rooms) {
    const key = roomKey(room);
    const pending = tab.pending[key] ?? [];
    next = withThread(next, { ...newThread(key, room), complete: false, pending });
  }
  for (const { name, said, unread } of tab.directs) {
    const key = directKey(name);
    // Their keys are lost, so the hub could not recognize a repeat: they are not sent again.
    const pending = (tab.pending[key] ?? []).map((each) => ({ error: UNKNOWN_FATE, ...each }));
    const thread = asUnread(withItems(newThread(key, name), said), unread);
    next = withThread(next, { ...thread, pending });
  }
  return tab.current === undefined ? next : { ...next, current: tab.current };
}

/** The parts of the state to store. */
export function savedState(
  state: ChatState,
  places: TabMemory["places"],
  session: string | undefined,
): {
  readonly tab: TabMemory;
  readonly markers: ReadonlyMap<string, ReadMarker>;
  readonly rooms: readonly string[];
} {
  const threads = [...state.threads.values()];
  const inRooms = threads.filter(({ key }) => key.startsWith("#"));
  const markers = new Map(state.readMarkers);
  for (const { name, room, unread } of inRooms) {
    if (room !== undefined && unread === 0) {
      markers.set(name, { epoch: room.epoch, id: room.last });
    }
  }
  return {
    rooms: inRooms.filter(({ closedReason }) => closedReason === undefined)
      .map(({ name }) => name),
    markers,
    tab: {
      // Closed rooms, too, because they have drafts.
      rooms: inRooms.map(({ name }) => name),
      places,
      session,
      name: state.me,
      current: state.current,
      directs: threads.filter(({ key }) => key.startsWith("@")).map(({ name, log, unread }) => ({
        name,
        said: [...itemsOf(log)].filter((item): item is ChatMessage => item.kind === "said"),
        unread,
      })),
      pending: Object.fromEntries(threads.map(({ key, pending }) => [key, pending])),
    },
  };
}

/** Marks the newest `unread` messages of the other person as unread. */
function asUnread(thread: Thread, unread = 0): Thread {
  const theirs = [...itemsOf(thread.log)].filter((item) => item.kind === "said" && !item.mine);
  const first = unread === 0 ? undefined : theirs.slice(-unread)[0];
  return first === undefined ? thread : { ...thread, unread, mentions: unread, newFrom: first.seq };
}
