import type { RoomPosition } from "../../protocol.ts";
import { lastId } from "../state/tab_sync.ts";
import { roomKey } from "../state/threads.ts";
import type { ChatState, ThreadKey } from "../state/types.ts";
import type { SavedPosition, TabMemory } from "./saved_state.ts";

/** Messages of a room to begin with: a screenful or two. */
export const FIRST_PAGE = 60;

/** Messages above the place where the user was reading that come with it. */
const ABOVE_PLACE = 40;

/** Where the user was reading in each thread, and so where to begin. */
export class ReadPositions {
  #all: TabMemory["places"];

  constructor(all: TabMemory["places"]) {
    this.#all = all;
  }

  get all(): TabMemory["places"] {
    return this.#all;
  }

  /** Keeps a place; `undefined` at the end of a thread. */
  keep(key: ThreadKey, epoch: string | undefined, place: SavedPosition | undefined): void {
    const { [key]: _, ...others } = this.#all;
    this.#all = place === undefined || epoch === undefined
      ? others
      : { ...others, [key]: { ...place, epoch } };
  }

  /** Where to begin in a room: where the user was reading, if that was not the end. */
  position(room: string): RoomPosition {
    const place = this.#all[roomKey(room)];
    if (place === undefined) return { room, history: FIRST_PAGE };
    const after = Math.max(0, place.id - ABOVE_PLACE);
    return { room, epoch: place.epoch, after, history: FIRST_PAGE };
  }

  /** Where to continue in the rooms of `state`; in `otherwise`, where it has none. */
  positions({ threads }: ChatState, otherwise: readonly string[]): readonly RoomPosition[] {
    const rooms = [...threads.values()].filter(({ key, closedReason }) => {
      return key.startsWith("#") && closedReason === undefined;
    });
    if (rooms.length === 0) return otherwise.map((room) => this.position(room));
    return rooms.map(({ name, room, log }) => {
      if (room === undefined) return this.position(name);
      return { room: name, epoch: room.epoch, after: lastId(log) ?? room.last };
    });
  }
}
