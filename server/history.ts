import type { Broker } from "../broker/broker.ts";
import { DEFAULT_HISTORY_PAGE, type HistoryRequest, type Message } from "../protocol.ts";

/** UTF-16 units of one page of history: well under any outbox. */
const MAX_PAGE_LENGTH = 1024 * 1024;

/** A part of a room's past. */
export interface HistoryPage {
  /** Oldest first. */
  readonly messages: readonly Message[];
  /** Whether there is more in the direction in which one reads. */
  readonly more: boolean;
}

/** Reads the page that was asked for: of so many messages at most, and no longer than an answer may be. */
export async function readPage(
  broker: Broker,
  { room, query, before, after, limit = DEFAULT_HISTORY_PAGE }: HistoryRequest,
): Promise<HistoryPage> {
  const range = {
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
    // One more than wanted tells whether there is more.
    limit: limit + 1,
  };
  const found = query === undefined
    ? await broker.read(room, range)
    : await broker.search(room, query, range);
  const forward = after !== undefined;
  let messages = found.length <= limit
    ? found
    : forward
    ? found.slice(0, limit)
    : found.slice(found.length - limit);
  let length = 0;
  const fitting = (forward ? messages : messages.toReversed()).findIndex((message) => {
    length += (message.message?.length ?? 0) + 128;
    if (message.data !== undefined) length += JSON.stringify(message.data).length;
    return length > MAX_PAGE_LENGTH;
  });
  if (fitting > 0) {
    messages = forward ? messages.slice(0, fitting) : messages.slice(messages.length - fitting);
  }
  return { messages, more: messages.length < found.length };
}
