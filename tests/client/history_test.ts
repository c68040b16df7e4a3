import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { fetchHistory, type HistoryQuery, type LoadPage } from "../../client/history.ts";
import { MAX_HISTORY_PAGE, type Message } from "../../protocol.ts";

const START = Date.parse("2026-01-01T00:00:00.000Z");

/** Whether an entry is one that this version cannot show. */
type IsSkipped = (id: number) => boolean;

/** A fake history with the ids `first` to `last`, ten per second, every third with "x". */
function room(
  first: number,
  last: number,
  largest = MAX_HISTORY_PAGE,
  isSkipped: IsSkipped = () => false,
): LoadPage {
  const all = Array.from({ length: last - first + 1 }, (_, n): Message => ({
    type: "message",
    room: "lobby",
    id: first + n,
    sender: "Alice",
    timestamp: new Date(START + (first + n) * 100).toISOString(),
    message: (first + n) % 3 === 0 ? "x" : "o",
  }));
  return ({ before = Infinity, after, limit = 50, query }) => {
    const found = all.filter(({ id, message }) =>
      id > (after ?? 0) && id < before && (query === undefined || message === query)
    );
    const size = Math.min(limit, largest);
    const page = after === undefined ? found.slice(-size) : found.slice(0, size);
    const [oldest, newest] = [page[0]?.id, page.at(-1)?.id];
    return Promise.resolve({
      type: "history",
      room: "lobby",
      epoch: "e1",
      messages: page.filter(({ id }) => !isSkipped(id)),
      more: page.length < found.length,
      ...(oldest === undefined ? {} : { oldest }),
      ...(newest === undefined ? {} : { newest }),
    });
  };
}

async function ids(ask: LoadPage, wanted: HistoryQuery): Promise<readonly number[]> {
  const found: number[] = [];
  for await (const page of fetchHistory(ask, wanted)) found.push(...page.map(({ id }) => id));
  return found;
}

for (
  const [what, wanted, expected] of [
    ["the newest", { limit: 3 }, [10, 11, 12]],
    ["all", {}, [4, 5, 6, 7, 8, 9, 10, 11, 12]],
    ["following messages", { after: 9 }, [10, 11, 12]],
    ["the first that follow", { after: 5, limit: 2 }, [6, 7]],
    ["the newest before", { before: 7, limit: 2 }, [5, 6]],
    ["more than there is", { limit: 100 }, [4, 5, 6, 7, 8, 9, 10, 11, 12]],
    ["since a moment", { since: START + 1050 }, [11, 12]],
    ["since the very moment of one", { since: START + 1000, limit: 2 }, [10, 11]],
    ["since before the first", { since: 0, limit: 2 }, [4, 5]],
    ["since after the last", { since: START + 1e9 }, []],
    ["until the very moment of one", { until: START + 500 }, [4]],
    ["between", { since: START + 600, until: START + 800 }, [6, 7]],
    ["matches", { query: "x" }, [6, 9, 12]],
    ["the newest matches", { query: "x", limit: 2 }, [9, 12]],
    ["the first matches after", { query: "x", after: 4, limit: 1 }, [6]],
    ["no match", { query: "none", limit: 5 }, []],
  ] as const
) {
  Deno.test(`\`fetchHistory()\` finds ${what}: ${JSON.stringify(wanted)}`, async () => {
    assertEquals(await ids(room(4, 12), wanted), expected);
  });
}

Deno.test("`fetchHistory()` sends one request for an empty room", async () => {
  let asked = 0;
  const nothing: LoadPage = () => {
    asked++;
    return room(1, 0)({});
  };
  assertEquals(await ids(nothing, { since: 1, query: "x" }), []);
  assertEquals(asked, 1);
});

Deno.test("`fetchHistory()` finds a time among ten thousand messages with few requests", async () => {
  let asked = 0;
  const hub = room(1, 10_000);
  const counting: LoadPage = (page) => (asked++, hub(page));
  assertEquals((await ids(counting, { since: START + 999_950 })).length, 1);
  assert(asked <= 17, `asked ${asked} times`);
});

Deno.test("`fetchHistory()` is not stopped by pages of entries that it cannot show", async () => {
  const hub = room(1, 3000, MAX_HISTORY_PAGE, (id) => id > 100 && id < 2900);
  assertEquals((await ids(hub, {})).length, 201);
  assertEquals((await ids(hub, { after: 100 })).length, 101);
  assertEquals((await ids(hub, { limit: 150 })).slice(0, 2), [52, 53]);
  assertEquals((await ids(hub, { query: "x", limit: 40 })).length, 40);
  const hidden = START + 1000 * 100;
  assertEquals((await ids(hub, { until: hidden })).at(-1), 100);
  assertEquals((await ids(hub, { since: hidden }))[0], 2900);
});

Deno.test("`fetchHistory()` ends for any response of the hub", async () => {
  const stuck: LoadPage = () => room(5, 5)({}).then((page) => ({ ...page, more: true }));
  assertEquals(await ids(stuck, { after: 0 }), [5]);
  assert((await ids(stuck, { query: "o", limit: 9 })).length < 9);
  await ids(stuck, { since: START, until: START + 1e6 });
});

Deno.test("`fetchHistory()` finds all matches, however small the pages", async () => {
  const bound = fc.option(fc.integer({ min: 0, max: 70 }), { nil: undefined });
  const moment = fc.option(fc.integer({ min: START - 100, max: START + 7000 }), { nil: undefined });
  await fc.assert(
    fc.asyncProperty(
      fc.record({ first: fc.integer({ min: 1, max: 30 }), count: fc.integer({ min: 0, max: 40 }) }),
      fc.record({ after: bound, before: bound, since: moment, until: moment }),
      fc.option(fc.constant("x"), { nil: undefined }),
      fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
      fc.integer({ min: 1, max: 7 }),
      fc.uniqueArray(fc.integer({ min: 1, max: 70 })),
      async ({ first, count }, bounds, query, limit, largest, skipped) => {
        const isSkipped: IsSkipped = (id) => skipped.includes(id);
        const hub = (size: number) => room(first, first + count - 1, size, isSkipped);
        const all = await hub(100)({ limit: 100, after: 0 });
        const matching = all.messages.filter(({ id, timestamp, message }) =>
          id > (bounds.after ?? 0) && id < (bounds.before ?? Infinity) &&
          Date.parse(timestamp) >= (bounds.since ?? 0) &&
          Date.parse(timestamp) < (bounds.until ?? Infinity) &&
          (query === undefined || message === query)
        ).map(({ id }) => id);
        const fromStart = bounds.after !== undefined || bounds.since !== undefined;
        const expected = limit === undefined
          ? matching
          : fromStart
          ? matching.slice(0, limit)
          : matching.slice(-limit);
        const given = { ...bounds, query, limit };
        const wanted = Object.fromEntries(
          Object.entries(given).filter(([, value]) => value !== undefined),
        );
        assertEquals(await ids(hub(largest), wanted), expected);
      },
    ),
    { numRuns: 300 },
  );
});
