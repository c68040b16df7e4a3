import { MAX_HISTORY_PAGE, type Message } from "../protocol.ts";
import type { HistoryPage } from "./types.ts";

/** Which stored messages to read; all given conditions must hold. */
export interface HistoryQuery {
  /** Only messages above this id. */
  readonly after?: number | undefined;
  /** Only messages below this id. */
  readonly before?: number | undefined;
  /** Only messages from this time on, in milliseconds since 1970. */
  readonly since?: number | undefined;
  /** Only messages before this time. */
  readonly until?: number | undefined;
  /** Only messages that contain all of these words. */
  readonly query?: string | undefined;
  /**
   * The most messages; default: all. The first ones if there is a start (`after` or `since`), else
   * the newest.
   */
  readonly limit?: number | undefined;
}

/** Loads one page of a room's history. */
export type LoadPage = (page: {
  readonly before?: number;
  readonly after?: number;
  readonly limit?: number;
  readonly query?: string;
}) => Promise<HistoryPage>;

/** Yields the matching messages, oldest first, page by page; later messages are not included. */
export async function* fetchHistory(
  load: LoadPage,
  wanted: HistoryQuery,
): AsyncGenerator<readonly Message[]> {
  const newest = await newestId(load);
  if (newest === 0) return;
  const { since, until, query, limit = Infinity } = wanted;
  let after = wanted.after ?? 0;
  let before = Math.min(wanted.before ?? Infinity, newest + 1);
  if (since !== undefined) after = Math.max(after, await lastIdBefore(load, since, newest));
  if (until !== undefined) before = Math.min(before, await lastIdBefore(load, until, newest) + 1);
  const hasStart = wanted.after !== undefined || since !== undefined;
  const filter = query === undefined ? {} : { query };
  if (!hasStart && limit !== Infinity) return yield* backward(load, filter, before, limit);
  yield* forward(load, { after, before, limit, ...filter });
}

/** The id of the last message before a time (milliseconds since 1970), 0 if there is none. */
export async function findIdByTime(load: LoadPage, time: number): Promise<number> {
  const newest = await newestId(load);
  return newest === 0 ? 0 : await lastIdBefore(load, time, newest);
}

async function newestId(load: LoadPage): Promise<number> {
  return (await load({ limit: 1 })).newest ?? 0;
}

async function* forward(
  load: LoadPage,
  range: {
    readonly after: number;
    readonly before: number;
    readonly limit: number;
    readonly query?: string;
  },
): AsyncGenerator<readonly Message[]> {
  let { after, limit: left } = range;
  while (left > 0 && after + 1 < range.before) {
    const { messages, newest = after, more } = await load({
      ...range,
      after,
      limit: Math.min(MAX_HISTORY_PAGE, left),
    });
    if (messages.length > 0) yield messages;
    // Without progress, the same page would be loaded forever.
    if (!more || newest <= after) return;
    after = newest;
    left -= messages.length;
  }
}

/** Reads backwards, and yields everything at the end, since the oldest message is found last. */
async function* backward(
  load: LoadPage,
  filter: { readonly query?: string },
  end: number,
  limit: number,
): AsyncGenerator<readonly Message[]> {
  const pages: (readonly Message[])[] = [];
  let before = end;
  let left = limit;
  while (left > 0 && before > 1) {
    const { messages, oldest = before, more } = await load({
      ...filter,
      before,
      limit: Math.min(MAX_HISTORY_PAGE, left),
    });
    pages.push(messages);
    left -= messages.length;
    if (!more || oldest >= before) break;
    before = oldest;
  }
  for (const page of pages.reverse()) if (page.length > 0) yield page;
}

/** Binary search: ids have no holes and timestamps increase with them. */
async function lastIdBefore(load: LoadPage, time: number, newest: number): Promise<number> {
  let low = 0;
  let high = newest + 1;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    const found = await firstFrom(load, middle);
    // If retention dropped `middle`, or it shows nothing, `found` is the next message.
    if (found !== undefined && Date.parse(found.timestamp) < time) {
      low = Math.min(high - 1, Math.max(middle, found.id));
    } else high = middle;
  }
  return low;
}

/** The first message with this id or a later one. */
async function firstFrom(load: LoadPage, id: number): Promise<Message | undefined> {
  let after = id - 1;
  let limit = 1;
  for (;;) {
    const { messages: [found], newest = after, more } = await load({ after, limit });
    if (found !== undefined || !more || newest <= after) return found;
    after = newest;
    limit = MAX_HISTORY_PAGE;
  }
}
