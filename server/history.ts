import type { Broker } from "../broker/broker.ts";
import { DEFAULT_HISTORY_PAGE, type HistoryRequest, type Message } from "../protocol.ts";

/** UTF-16 units of one page of history: well under any outbox. */
const MAX_PAGE_LENGTH = 1024 * 1024;

/** UTF-16 units counted for a message beside its content. */
const MESSAGE_OVERHEAD = 128;

export interface HistoryPage {
  /** Oldest first. */
  readonly messages: readonly Message[];
  /** Whether there are more messages in the direction of reading. */
  readonly more: boolean;
}

/** Reads or searches a room's history. The page is limited in number and in length. */
export async function readPage(
  broker: Pick<Broker, "read" | "search">,
  { room, query, before, after, limit = DEFAULT_HISTORY_PAGE }: HistoryRequest,
): Promise<HistoryPage> {
  // One more than requested shows whether there are more.
  const range = { before, after, limit: limit + 1 };
  const found = query === undefined
    ? await broker.read(room, range)
    : await broker.search(room, query, range);
  const forward = after !== undefined;
  const kept = (count: number): readonly Message[] =>
    forward ? found.slice(0, count) : found.slice(found.length - count);
  let count = Math.min(limit, found.length);
  let length = 0;
  const fitting = (forward ? kept(count) : kept(count).toReversed()).findIndex((message) => {
    length += (message.message?.length ?? 0) + MESSAGE_OVERHEAD;
    if (message.data !== undefined) length += JSON.stringify(message.data).length;
    return length > MAX_PAGE_LENGTH;
  });
  if (fitting > 0) count = fitting;
  return { messages: kept(count), more: count < found.length };
}
