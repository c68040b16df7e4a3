import { assert, assertEquals } from "@std/assert";
import { openSqliteBroker } from "../../broker/sqlite/sqlite_broker.ts";
import { encode, MAX_HISTORY_PAGE } from "../../protocol.ts";
import { readPage } from "../../server/history.ts";
import fc from "../kit/fast_check.ts";

/** Lengths of messages, small ones and some that fill a page alone. */
const lengths = fc.array(
  fc.oneof(
    { arbitrary: fc.integer({ min: 1, max: 200 }), weight: 20 },
    { arbitrary: fc.integer({ min: 50_000, max: 300_000 }), weight: 1 },
  ),
  { maxLength: 200 },
);

Deno.test("pages of history hold every message once, in both directions, also of a search", async () => {
  await fc.assert(
    fc.asyncProperty(
      lengths,
      fc.integer({ min: 1, max: MAX_HISTORY_PAGE }),
      fc.boolean(),
      fc.boolean(),
      async (sizes, limit, forward, searches) => {
        await using broker = await openSqliteBroker({ path: ":memory:" });
        await broker.append(sizes.map((size, n) => ({
          room: "lobby",
          sender: "Alice",
          content: { message: `${n % 2 === 0 ? "even" : "odd"} ${"x".repeat(size)}` },
        })));
        const all = sizes.map((_, n) => n + 1);
        const expected = searches ? all.filter((id) => id % 2 === 1) : all;
        const seen: number[] = [];
        let position: { readonly after?: number; readonly before?: number } = forward
          ? { after: 0 }
          : {};
        for (let more = true; more;) {
          const page = await readPage(broker, {
            type: "history",
            room: "lobby",
            limit,
            ...position,
            ...(searches ? { query: "even" } : {}),
          });
          const { epoch, messages } = page;
          assertEquals(epoch, (await broker.head("lobby")).epoch);
          const length = messages.reduce((sum, message) => sum + encode(message).length, 0);
          assert(messages.length <= limit && (messages.length < 2 || length <= 256 * 1024));
          const ids = messages.map(({ id }) => id);
          if (forward) seen.push(...ids);
          else seen.unshift(...ids);
          more = page.more;
          assert(!more || messages.length > 0);
          position = forward ? { after: ids.at(-1) ?? 0 } : { before: ids[0] ?? 0 };
        }
        assertEquals(seen, expected);
      },
    ),
    { numRuns: 30 },
  );
});
