import { connect, type ConnectOptions, type Conversation, type Seams } from "../../client.ts";
import { lastBefore, past } from "../../client/history.ts";
import type { Message } from "../../protocol.ts";

/** What the hub keeps of a room's past. */
export interface Past {
  /** The messages that are kept with ids above `after` and below `before`, oldest first. */
  between(room: string, after: number, before: number): AsyncIterable<Message>;
  /** The id after which everything is younger than `time` (milliseconds since the Unix epoch). */
  before(room: string, time: number): Promise<number>;
}

/**
 * Reads the past through a conversation of its own, which is there only while it is needed: the one
 * that follows the rooms may have to be paused meanwhile.
 */
export class HubPast implements Past {
  constructor(
    private readonly options: ConnectOptions,
    private readonly seams: Partial<Seams> = {},
  ) {}

  async *between(room: string, after: number, before: number): AsyncGenerator<Message> {
    await using reader = this.#connect();
    const pages = past((page) => reader.history(room, page), { after, before });
    for await (const page of pages) yield* page;
  }

  async before(room: string, time: number): Promise<number> {
    await using reader = this.#connect();
    return await lastBefore((page) => reader.history(room, page), time);
  }

  #connect(): Conversation {
    // It was there a moment ago: should it be away now, it will come back.
    return connect({ ...this.options, rooms: [], retryFirst: true }, this.seams);
  }
}
