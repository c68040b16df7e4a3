import { getLogger } from "@logtape/logtape";
import type { Clock } from "../lib/clock.ts";
import { ConnectError } from "../client/types.ts";
import type { RoomReport } from "../protocol.ts";

const logger = getLogger(["bcast", "client"]);

/** Milliseconds for which an answer of the hub is fresh. Tab may be pressed often. */
const FRESH_FOR = 5000;
/** Rooms that are listed. Tab also knows the others. */
const MAX_LISTED = 20;

/** Asks the hub for its rooms. */
export type LoadRooms = () => Promise<readonly RoomReport[]>;

/** The rooms that the hub lists. */
export class RoomDirectory {
  #rooms: readonly RoomReport[] = [];
  #loadedAt = -Infinity;
  #loading: Promise<void> | undefined;

  /** @param ask absent if there is no hub to ask. */
  constructor(private readonly clock: Clock, private readonly ask: LoadRooms | undefined) {}

  /** The latest answer: the rooms with most people first. */
  get rooms(): readonly RoomReport[] {
    return this.#rooms;
  }

  /** Asks the hub, unless its last answer is fresh. If it does not answer, nothing changes. */
  refresh(): Promise<void> {
    const age = this.clock.now() - this.#loadedAt;
    if (this.ask === undefined || (age >= 0 && age < FRESH_FOR)) return Promise.resolve();
    return this.#loading ??= this.#load(this.ask).finally(() => this.#loading = undefined);
  }

  /** One line for the rooms that are not in `own`; `undefined` if there are none. */
  textWithout(own: readonly string[]): string | undefined {
    const others = this.#rooms.filter(({ room }) => !own.includes(room));
    if (others.length === 0) return undefined;
    const listed = others.slice(0, MAX_LISTED)
      .map(({ room, online }) => `${room} (${online.toLocaleString("en-US")} online)`);
    const more = others.length - listed.length;
    const rest = more === 0 ? "" : ` and ${more.toLocaleString("en-US")} more`;
    return `Other rooms of the hub: ${listed.join(", ")}${rest}. /join ROOM enters one`;
  }

  async #load(ask: LoadRooms): Promise<void> {
    try {
      const rooms = await ask();
      this.#rooms = rooms.toSorted((a, b) => b.online - a.online || (a.room < b.room ? -1 : 1));
    } catch (error) {
      if (!(error instanceof ConnectError)) throw error;
      logger.debug("The hub does not list its rooms: {error}", { error });
    }
    this.#loadedAt = this.clock.now();
  }
}
