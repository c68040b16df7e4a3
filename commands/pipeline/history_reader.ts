import {
  type ClientConnection,
  connect,
  type ConnectOptions,
  type Environment,
} from "../../client.ts";
import { fetchHistory, findIdByTime } from "../../client/history.ts";
import type { Message } from "../../protocol.ts";

/** What the hub keeps of a room's past. */
export interface RoomHistory {
  /** The messages that are kept with ids above `after` and below `before`, oldest first. */
  between(room: string, after: number, before: number): AsyncIterable<Message>;
  /** The id after which everything is younger than `time` (milliseconds since the Unix epoch). */
  before(room: string, time: number): Promise<number>;
}

/**
 * Reads the past through a conversation of its own, which is there only while it is needed: the one
 * that follows the rooms may have to be paused meanwhile.
 */
export class HubHistoryReader implements RoomHistory {
  constructor(
    private readonly options: ConnectOptions,
    private readonly seams: Partial<Environment> = {},
  ) {}

  async *between(room: string, after: number, before: number): AsyncGenerator<Message> {
    await using reader = this.#connect();
    const pages = fetchHistory((page) => reader.history(room, page), { after, before });
    for await (const page of pages) yield* page;
  }

  async before(room: string, time: number): Promise<number> {
    await using reader = this.#connect();
    return await findIdByTime((page) => reader.history(room, page), time);
  }

  #connect(): ClientConnection {
    // It was there a moment ago: should it be away now, it will come back.
    return connect({ ...this.options, rooms: [], retryFirst: true }, this.seams);
  }
}
