import type { Broker } from "../broker/broker.ts";
import { DEFAULT_HISTORY_PAGE, encode, type HistoryRequest, type Message } from "../protocol.ts";

/**
 * UTF-16 units of the messages of a page, as JSON. Each takes at most 3 bytes, so a page fits the
 * smallest limit on frames, 1 MiB; and that fits any single message.
 */
const MAX_PAGE_LENGTH = 256 * 1024;

export interface StoredPage {
  /** The epoch that the ids belong to. */
  readonly epoch: string;
  /** Oldest first. */
  readonly messages: readonly Message[];
  /** Whether there are more messages in the direction of reading. */
  readonly more: boolean;
}

/** Messages of the first read; each further one doubles. Large messages fill a page soon. */
const FIRST_READ = 64;

/**
 * Reads or searches a room's history. The page is limited in number and in length, but has at least
 * one message if there is any.
 */
export async function readPage(
  broker: Pick<Broker, "head" | "read" | "search">,
  { room, query, before, after, limit = DEFAULT_HISTORY_PAGE }: HistoryRequest,
): Promise<StoredPage> {
  const { epoch } = await broker.head(room);
  const forward = after !== undefined;
  const range = { before, after };
  /** In the direction of reading. */
  const page: Message[] = [];
  const result = (more: boolean): StoredPage => {
    return { epoch, messages: forward ? page : page.toReversed(), more };
  };
  let length = 0;
  for (let size = FIRST_READ;; size *= 2) {
    // One more than requested shows whether there are more.
    const wanted = Math.min(size, limit + 1 - page.length);
    const part = query === undefined
      ? await broker.read(room, { ...range, limit: wanted })
      : await broker.search(room, query, { ...range, limit: wanted });
    for (const message of forward ? part : part.toReversed()) {
      // With the comma.
      length += encode(message).length + 1;
      const full = page.length === limit || length > MAX_PAGE_LENGTH;
      if (full && page.length > 0) return result(true);
      page.push(message);
    }
    if (part.length < wanted) return result(false);
    range[forward ? "after" : "before"] = page.at(-1)?.id;
  }
}
