/// <reference lib="dom" />

import { assertEquals } from "@std/assert";
import { wholeRoom } from "../../chat/export.ts";
import type { HistoryPage } from "../../client.ts";
import { HistoryLoader } from "../../web/chat/history_loader.ts";
import { Store } from "../../web/chat/store.ts";
import { reduce } from "../../web/state/reduce.ts";
import { itemsOf } from "../../web/state/log.ts";
import { EMPTY } from "../../web/state/types.ts";
import { chatMessage, historyPage, roomJoined } from "../kit/fake_connection.ts";

/** A log of 1,000 entries, of which only each 300th can be shown. */
function page(range: { after?: number; before?: number; limit?: number }): Promise<HistoryPage> {
  const { after, before = 1001, limit = 50 } = range;
  const oldest = after === undefined ? Math.max(1, before - limit) : after + 1;
  const newest = Math.min(1000, oldest + limit - 1, before - 1);
  const shown = [300, 600, 900].filter((id) => id >= oldest && id <= newest)
    .map((id) => chatMessage("Bob", `#${id}`, { id }));
  const more = after === undefined ? oldest > 1 : newest < 1000;
  return Promise.resolve({ ...historyPage("lobby", shown, more), oldest, newest });
}

const joined = roomJoined("lobby", { first: 1, last: 1000, recovered: false });

Deno.test("`HistoryLoader` passes over pages without anything to show", async () => {
  const state = reduce(EMPTY, { type: "event", event: joined, now: 0 });
  const store = new Store(state, () => {});
  const loader = new HistoryLoader(store, (_room, query) => page(query));
  const texts = (): readonly string[] => {
    const log = store.state.threads.get("#lobby")?.log;
    return log === undefined ? [] : [...itemsOf(log)].map(({ text }) => text);
  };
  for (const expected of [["#900"], ["#600", "#900"], ["#300", "#600", "#900"]]) {
    await loader.loadOlder("#lobby", 20);
    assertEquals(texts(), expected);
    assertEquals(store.state.threads.get("#lobby")?.complete, false);
  }
  await loader.loadOlder("#lobby", 20);
  assertEquals(store.state.threads.get("#lobby")?.complete, true);
  const found = await loader.search("lobby", "word", 500);
  assertEquals([found.messages.map(({ id }) => id), found.more], [[300], true]);
});

Deno.test("`wholeRoom()` does not end at a page without anything to show", async () => {
  const ids = (await Array.fromAsync(wholeRoom((range) => page({ ...range, limit: 50 })))).flat()
    .map(({ id }) => id);
  assertEquals(ids, [300, 600, 900]);
});
