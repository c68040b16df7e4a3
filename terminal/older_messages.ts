import type { LoadPage } from "../client/history.ts";
import { MAX_HISTORY_PAGE, type Message } from "../protocol.ts";
import type { ChatContext } from "./chat_context.ts";
import type { ChatWindow } from "./windows.ts";

/** Messages that are shown at once: more would only run through. */
export const MAX_SHOWN = 10_000;

/** Which messages of a room's past are wanted. */
export interface PastRange {
  readonly limit: number;
  /** Only messages below this id. */
  readonly before?: number;
  readonly query?: string;
}

/** What the user asked of a room's past, and how the answer begins. */
export interface PastRequest extends PastRange {
  readonly room: string;
  readonly what: (count: number, more: boolean) => string;
  /** The whole answer, where there is nothing. */
  readonly none: string;
}

/** Messages of the past, oldest first; `more`: there are older ones. */
export interface PastMessages {
  readonly messages: readonly Message[];
  readonly more: boolean;
}

/** The newest messages of a range, over as many pages as it takes. */
export async function readBack(
  ask: LoadPage,
  { limit, before: end, query }: PastRange,
): Promise<PastMessages> {
  const pages: (readonly Message[])[] = [];
  let before = end;
  for (let left = limit;;) {
    const page = await ask({
      ...before === undefined ? {} : { before },
      ...query === undefined ? {} : { query },
      limit: Math.min(MAX_HISTORY_PAGE, left),
    });
    pages.unshift(page.messages);
    left -= page.messages.length;
    const first = page.messages[0]?.id;
    // Said to be more, but nothing further back: no reason to ask for ever.
    const ends = !page.more || first === undefined || first >= (before ?? Infinity);
    if (ends || left <= 0) return { messages: pages.flat(), more: page.more && !ends };
    before = first;
  }
}

/** Shows what was asked for; `/older` goes on from there. */
export function showPast(
  { windows, ignored }: Pick<ChatContext, "windows" | "ignored">,
  window: ChatWindow,
  { query, what, none }: PastRequest,
  { messages, more }: PastMessages,
): void {
  const note = (text: string): void => windows.add({ kind: "note", text }, window);
  const [first] = messages;
  if (first === undefined) return note(none);
  window.olderFrom = { before: first.id, ...query === undefined ? {} : { query } };
  const seen = messages.filter(({ sender }) => !ignored.has(sender));
  const hidden = messages.length - seen.length;
  const left = hidden === 0 ? "" : `, without ${hidden} of people you ignore`;
  const all = query === undefined ? ", which is all there is" : "";
  note(`${what(seen.length, more)}${left}${more ? " (/older shows those before)" : all}:`);
  const words = query === undefined ? {} : { words: query };
  for (const message of seen) windows.add({ kind: "past", message, ...words }, window);
  note("Now:");
}
