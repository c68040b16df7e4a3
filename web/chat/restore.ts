import { itemsOf } from "../state/log.ts";
import { directKey, extended, newThread, roomKey, withThread } from "../state/threads.ts";
import type { ChatMessage, ChatState, ReadMarker, Thread } from "../state/types.ts";
import type { TabMemory } from "./saved_state.ts";

/** `state` with what the tab remembers of before it was loaded again. */
export function restored(state: ChatState, tab: TabMemory): ChatState {
  let next = state;
  for (const room of tab.rooms) {
    const key = roomKey(room);
    const pending = tab.pending[key] ?? [];
    next = withThread(next, { ...newThread(key, room), complete: false, pending });
  }
  for (const { name, said, unread } of tab.directs) {
    next = withThread(next, asUnread(extended(newThread(directKey(name), name), said), unread));
  }
  for (const { name } of tab.directs) {
    const key = directKey(name);
    const thread = next.threads.get(key);
    // Nobody can tell whether they arrived, and sending them again might do it twice.
    const error = "The page was loaded again before the hub answered: it may have been delivered";
    const pending = (tab.pending[key] ?? []).map((each) => ({
      ...each,
      error: each.error ?? error,
    }));
    if (thread !== undefined) next = withThread(next, { ...thread, pending });
  }
  return tab.current === undefined ? next : { ...next, current: tab.current };
}

/** What is to be remembered of `state`. */
export function saved(
  state: ChatState,
  places: TabMemory["places"],
  session: string | undefined,
): {
  readonly tab: TabMemory;
  readonly marks: ReadonlyMap<string, ReadMarker>;
  readonly rooms: readonly string[];
} {
  const threads = [...state.threads.values()];
  const inRooms = threads.filter(({ key }) => key.startsWith("#"));
  const rooms = inRooms.filter(({ closedReason }) => closedReason === undefined).map(({ name }) =>
    name
  );
  const marks = new Map(state.readMarkers);
  for (const { name, room, unread } of threads) {
    if (room === undefined || unread > 0) continue;
    marks.set(name, { epoch: room.epoch, id: room.last });
  }
  return {
    rooms,
    marks,
    tab: {
      // Those, too, from which the hub removed the user: their drafts are still there.
      rooms: inRooms.map(({ name }) => name),
      places,
      ...(session === undefined ? {} : { session }),
      ...(state.me === undefined ? {} : { name: state.me }),
      ...(state.current === undefined ? {} : { current: state.current }),
      directs: threads.filter(({ key }) => key.startsWith("@")).map(({ name, log, unread }) => ({
        name,
        said: [...itemsOf(log)].filter((item): item is ChatMessage => item.kind === "said"),
        ...(unread === 0 ? {} : { unread }),
      })),
      pending: Object.fromEntries(
        threads.filter(({ pending }) => pending.length > 0).map((
          { key, pending },
        ) => [key, pending]),
      ) as TabMemory["pending"],
    },
  };
}

/** `thread`, a private one, with the newest `unread` messages of the other person not read yet. */
function asUnread(thread: Thread, unread = 0): Thread {
  const theirs = [...itemsOf(thread.log)].filter((item) => item.kind === "said" && !item.mine);
  const first = unread === 0 ? undefined : theirs.slice(-unread)[0];
  return first === undefined ? thread : { ...thread, unread, mentions: unread, newFrom: first.seq };
}
