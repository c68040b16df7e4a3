import type { AskPage } from "../client/past.ts";
import { MAX_HISTORY_PAGE, type Message } from "../protocol.ts";

/** Messages that are shown at once: more would only run through. */
export const MAX_SHOWN = 10_000;

/** The newest `limit` messages below the id `before`, oldest first, over as many pages as it takes. */
export async function readBack(
  ask: AskPage,
  { limit, ...range }: {
    readonly limit: number;
    readonly before?: number;
    readonly query?: string;
  },
): Promise<{ readonly messages: readonly Message[]; readonly more: boolean }> {
  const pages: (readonly Message[])[] = [];
  let { before } = range;
  for (let left = limit;;) {
    // deno-lint-ignore no-await-in-loop -- page after page
    const page = await ask({
      ...range,
      ...before === undefined ? {} : { before },
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
