import { type Exported, wholeRoom } from "../chat/export.ts";
import type { LoadPage } from "../client/history.ts";
import { MAX_HISTORY_PAGE, type Message } from "../protocol.ts";
import { plural } from "../lib/words.ts";
import type { ChatContext } from "./chat_context.ts";
import type { HubRequests } from "./hub_requests.ts";
import type { ChatWindow } from "./windows.ts";

/** Messages that are shown at once; more would only scroll by. */
export const MAX_SHOWN = 10_000;
/** Search results that are shown. */
const MAX_FOUND = 50;

/** The newest `limit` messages below the id `before`. */
export interface MessageRange {
  readonly limit: number;
  readonly before?: number | undefined;
  readonly query?: string | undefined;
}

/** Messages that the user asked for, and how they are announced. */
interface OlderRequest extends MessageRange {
  readonly room: string;
  readonly heading: (count: number, more: boolean) => string;
  readonly none: string;
}

/** Messages, oldest first; `more`: there are older ones. */
export interface MessagePage {
  readonly messages: readonly Message[];
  readonly more: boolean;
}

export function showHistory(
  context: ChatContext,
  requests: HubRequests,
  room: string,
  limit: number,
): void {
  const heading = (count: number): string => `The last ${plural(count, "message")} in ${room}`;
  const none = `There are no messages in ${room} yet`;
  showMessages(context, requests, { room, limit, heading, none });
}

export function showSearch(
  context: ChatContext,
  requests: HubRequests,
  room: string,
  query: string,
): void {
  const heading = (count: number, more: boolean): string =>
    `${more ? "The newest " : ""}${plural(count, "message")} with "${query}" in ${room}`;
  const none = `No message with "${query}" in ${room}`;
  showMessages(context, requests, { room, query, limit: MAX_FOUND, heading, none });
}

/** Shows the messages before those that were shown last. */
export function showOlder(
  context: ChatContext,
  requests: HubRequests,
  room: string,
  limit: number,
): void {
  const { current } = context.windows;
  const { query, before = current.oldestId } = current.olderFrom ?? {};
  const words = query === undefined ? "" : ` with "${query}"`;
  const heading = (count: number): string =>
    `${plural(count, "message")}${words} before that in ${room}`;
  const none = `There is no older message${words} in ${room}`;
  showMessages(context, requests, { room, limit, before, query, heading, none });
}

/** All messages of a window's conversation: those of the hub, or the private ones it holds. */
export async function* wholeConversation(
  { connection }: ChatContext,
  { room, items }: ChatWindow,
): AsyncGenerator<readonly Exported[]> {
  if (room !== undefined) yield* wholeRoom((page) => connection.history(room, page));
  else yield items.flatMap((item) => item.kind === "direct" ? item.direct : []);
}

/** The newest messages of a range, over as many pages as needed. */
export async function loadNewest(
  load: LoadPage,
  { limit, before: end, query }: MessageRange,
): Promise<MessagePage> {
  const pages: (readonly Message[])[] = [];
  let before = end;
  for (let left = limit;;) {
    const page = await load({
      ...before === undefined ? {} : { before },
      ...query === undefined ? {} : { query },
      limit: Math.min(MAX_HISTORY_PAGE, left),
    });
    pages.unshift(page.messages);
    left -= page.messages.length;
    // Not the first message: a page may have none that can be shown.
    const { oldest } = page;
    // A page that leads nowhere would be asked for without end.
    const ends = !page.more || oldest === undefined || oldest >= (before ?? Infinity);
    if (ends || left <= 0) return { messages: pages.flat(), more: page.more && !ends };
    before = oldest;
  }
}

function showMessages(context: ChatContext, requests: HubRequests, request: OlderRequest): void {
  requests.assertConnected();
  const { windows, connection, ignored } = context;
  const window = windows.current;
  const { room, query, heading, none } = request;
  const note = (text: string): void => windows.add({ kind: "note", text }, window);
  const newest = loadNewest((page) => connection.history(room, page), request);
  requests.show(newest, ({ messages, more }) => {
    const [first] = messages;
    if (first === undefined) return note(none);
    // From here, `/older` continues.
    window.olderFrom = { before: first.id, query };
    const seen = messages.filter(({ sender }) => !ignored.has(sender));
    const hidden = messages.length - seen.length;
    const left = hidden === 0 ? "" : `, without ${hidden} of people you ignore`;
    const all = query === undefined ? ", which is all there is" : "";
    note(`${heading(seen.length, more)}${left}${more ? " (/older shows earlier ones)" : all}:`);
    for (const message of seen) windows.add({ kind: "past", message, words: query }, window);
    note("Now:");
  });
}
