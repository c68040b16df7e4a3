import { type History, MAX_HISTORY_PAGE, type Message } from "../protocol.ts";

/** What of a room's past is wanted; all that is given must hold. */
export interface HistoryQuery {
  /** Only messages above this id. */
  readonly after?: number;
  /** Only messages below this id. */
  readonly before?: number;
  /** Only messages from this moment on, in milliseconds since 1970. */
  readonly since?: number;
  /** Only messages before this moment. */
  readonly until?: number;
  /** Only messages that hold all of these words. */
  readonly query?: string;
  /**
   * Messages at most; absent: all. The first of them where there is a beginning (`after` or
   * `since`), else the newest.
   */
  readonly limit?: number;
}

/** Asks a hub for one page of a room's past. */
export type LoadPage = (page: {
  readonly before?: number;
  readonly after?: number;
  readonly limit?: number;
  readonly query?: string;
}) => Promise<History>;

/** A room's past, oldest first, a page at a time; what is said meanwhile is not in it. */
export async function* fetchHistory(
  ask: LoadPage,
  wanted: HistoryQuery,
): AsyncGenerator<readonly Message[]> {
  const [newest] = (await ask({ limit: 1 })).messages;
  if (newest === undefined) return;
  const { since, until, query, limit = Infinity } = wanted;
  let after = wanted.after ?? 0;
  let before = Math.min(wanted.before ?? Infinity, newest.id + 1);
  if (since !== undefined) after = Math.max(after, await halve(ask, since, newest.id));
  if (until !== undefined) before = Math.min(before, await halve(ask, until, newest.id) + 1);
  const hasBeginning = wanted.after !== undefined || since !== undefined;
  if (!hasBeginning && limit !== Infinity) {
    if (query !== undefined) return yield* newestMatches(ask, query, before, limit);
    // Ids have no holes: the newest so many are a range.
    after = Math.max(after, before - 1 - limit);
  }
  yield* forward(ask, { after, before, limit, ...(query === undefined ? {} : { query }) });
}

async function* forward(
  ask: LoadPage,
  range: {
    readonly after: number;
    readonly before: number;
    readonly limit: number;
    readonly query?: string;
  },
): AsyncGenerator<readonly Message[]> {
  let { after, limit: left } = range;
  while (left > 0 && after + 1 < range.before) {
    const { messages, more } = await ask({
      ...range,
      after,
      limit: Math.min(MAX_HISTORY_PAGE, left),
    });
    const last = messages.at(-1)?.id ?? after;
    if (messages.length > 0) yield messages;
    // A page that leads nowhere would be asked for without end.
    if (!more || last <= after) return;
    after = last;
    left -= messages.length;
  }
}

/** The newest matches, looked for backwards; they come at once, as the oldest is found last. */
async function* newestMatches(
  ask: LoadPage,
  query: string,
  end: number,
  limit: number,
): AsyncGenerator<readonly Message[]> {
  const pages: (readonly Message[])[] = [];
  let before = end;
  let left = limit;
  while (left > 0 && before > 1) {
    const { messages, more } = await ask({
      query,
      before,
      limit: Math.min(MAX_HISTORY_PAGE, left),
    });
    const first = messages[0]?.id ?? before;
    pages.unshift(messages);
    left -= messages.length;
    if (!more || first >= before) break;
    before = first;
  }
  for (const page of pages) if (page.length > 0) yield page;
}

/**
 * The id of the last message before a moment (milliseconds since 1970), 0 when there is none: what
 * comes after it is all there is since then.
 */
export async function findIdByTime(ask: LoadPage, moment: number): Promise<number> {
  const [newest] = (await ask({ limit: 1 })).messages;
  return newest === undefined ? 0 : await halve(ask, moment, newest.id);
}

/** Ids go without holes and times go up, so a few questions do for any number of messages. */
async function halve(ask: LoadPage, moment: number, newest: number): Promise<number> {
  let low = 0;
  let high = newest + 1;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    const { messages: [found] } = await ask({ after: middle - 1, limit: 1 });
    // Where retention has dropped messages, the next one that is left is found.
    if (found !== undefined && Date.parse(found.timestamp) < moment) {
      low = Math.min(high - 1, Math.max(middle, found.id));
    } else high = middle;
  }
  return low;
}
