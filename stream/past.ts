import { connect, type ConnectOptions, type Conversation } from "../client.ts";
import { MAX_HISTORY_PAGE, type Message } from "../protocol.ts";

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
  constructor(private readonly options: ConnectOptions) {}

  async *between(room: string, after: number, before: number): AsyncGenerator<Message> {
    await using reader = this.#connect();
    for (let last = after; last + 1 < before;) {
      const limit = Math.min(MAX_HISTORY_PAGE, before - last - 1);
      // deno-lint-ignore no-await-in-loop -- page by page
      const { messages } = await reader.history(room, { after: last, limit });
      for (const message of messages) {
        if (message.id >= before) return;
        yield message;
        last = message.id;
      }
      if (messages.length === 0) return;
    }
  }

  async before(room: string, time: number): Promise<number> {
    await using reader = this.#connect();
    const newest = (await reader.history(room, { limit: 1 })).messages.at(-1);
    // By halves: ids go without holes and times go up, so a few questions do for any number.
    let [older, younger] = [0, (newest?.id ?? 0) + 1];
    while (older + 1 < younger) {
      const middle = Math.floor((older + younger) / 2);
      // deno-lint-ignore no-await-in-loop -- each question depends on the last answer
      const { messages } = await reader.history(room, { after: middle - 1, limit: 1 });
      // The first that is kept from the middle on.
      const [found] = messages;
      if (found === undefined || Date.parse(found.timestamp) >= time) younger = middle;
      else older = found.id;
    }
    return older;
  }

  #connect(): Conversation {
    // It was there a moment ago: should it be away now, it will come back.
    return connect({ ...this.options, rooms: [], retryFirst: true });
  }
}
