import type { RoomPosition } from "../../protocol.ts";
import { lastId } from "../state/tab_sync.ts";
import { roomKey } from "../state/threads.ts";
import type { ChatState, ThreadKey } from "../state/types.ts";
import type { SavedPosition, TabMemory } from "./saved_state.ts";

/** Messages of a room that are loaded first: a screenful or two. */
export const FIRST_PAGE = 60;

/** Messages above the saved position that are loaded with it. */
const ABOVE_PLACE = 40;

/** The saved scroll positions, from which rooms resume. */
export class ReadPositions {
  #all: TabMemory["places"];

  constructor(all: TabMemory["places"]) {
    this.#all = all;
  }

  get all(): TabMemory["places"] {
    return this.#all;
  }

  /** Saves a position; `undefined` at the end of a thread. */
  keep(key: ThreadKey, epoch: string | undefined, place: SavedPosition | undefined): void {
    const { [key]: _, ...others } = this.#all;
    this.#all = place === undefined || epoch === undefined
      ? others
      : { ...others, [key]: { ...place, epoch } };
  }

  /** The position from which to enter a room. */
  position(room: string): RoomPosition {
    const place = this.#all[roomKey(room)];
    if (place === undefined) return { room, recent: FIRST_PAGE };
    const after = Math.max(0, place.id - ABOVE_PLACE);
    return { room, epoch: place.epoch, after, recent: FIRST_PAGE };
  }

  /** The positions from which to resume the rooms of `state`; without any, `otherwise`. */
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
