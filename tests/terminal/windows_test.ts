import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import type { HistoryPage } from "../../client.ts";
import type { Direct, Message } from "../../protocol.ts";
import { SHORTCUTS } from "../../terminal/shortcuts.ts";
import { commandOf } from "../../editor/bindings.ts";
import { loadNewest } from "../../terminal/older_messages.ts";
import { MAX_ITEMS } from "../../terminal/windows.ts";
import { ChatHarness } from "../kit/chat_harness.ts";
import { chatMessage, historyPage, roomJoined, TIMESTAMP } from "../kit/fake_connection.ts";
import { temporaryFolder } from "../kit/folder.ts";
import { until } from "../kit/wait.ts";

function direct(sender: string, message: string): Direct {
  return { type: "direct", sender, to: "Alice", message, timestamp: TIMESTAMP };
}

/** Presses a key by its name, as the editor passes it on. */
function press({ chat }: ChatHarness, key: string): void {
  const command = commandOf(key, new Set(SHORTCUTS.keys()));
  assert(command?.kind === "shortcut", key);
  chat.shortcut(command.key);
}

Deno.test("every one of more than nine windows can be reached, by number, name and key", async () => {
  await using scene = await ChatHarness.joined({ columns: 200 });
  const { chat, connection, screen } = scene;
  const rooms = ["lobby", ...Array.from({ length: 11 }, (_, at) => `r-${at + 2}`)];
  for (const room of rooms.slice(1)) scene.joinRoom(room);
  connection.emit(direct("山田 太郎", "hi"));
  await screen.tells("13:@山田 太郎 1 private");
  const titles = [...rooms, "@山田 太郎"];
  const shown = (title: string | undefined): void =>
    assertEquals(screen.prompt, `[${title}] Alice> `);
  for (const [at, title] of titles.entries()) {
    chat.line(`/window ${at + 1}`);
    shown(title);
    chat.line("/window 1");
    chat.line(`/window ${title}`);
    shown(title);
    if (at >= 10) continue;
    chat.line("/window 12");
    press(scene, `M-${(at + 1) % 10}`);
    shown(title);
  }
  chat.line("/window #R-3");
  shown("r-3");
  press(scene, "M-1");
  for (const title of [...titles.slice(1), "lobby"]) {
    press(scene, "M-n");
    shown(title);
  }
  press(scene, "M-p");
  shown("@山田 太郎");
  assertEquals(chat.complete("/window @"), [["@山田 太郎 "], "@"]);
  assertEquals(chat.complete("/window r-1")[0], ["r-10 ", "r-11 ", "r-12 "]);
  chat.line("/window 14");
  assertEquals(screen.lines.at(-1), "! There is no window 14: /rooms lists yours");
  chat.line("/window");
  assertStringIncludes(screen.text, "  13 @山田 太郎 (you are here)");
});

Deno.test("a badge of a private message goes when it was answered from another window", async () => {
  for (const answer of ["/reply yes", '/msg "e\u0301va-2" yes']) {
    await using scene = await ChatHarness.joined({ columns: 200 });
    const { chat, connection, screen } = scene;
    chat.line("/help quit");
    connection.emit(direct("éva-2", "one\nmore of it"), direct("éva-2", "two"));
    await screen.tells("2:@éva-2 2 private");
    chat.line(answer);
    await until("no badge", () => screen.status.length === 0);
    // All of it is shown all the same.
    chat.line("/window 2");
    assertStringIncludes(screen.text, "more of it");
    assertEquals(screen.text.includes("unread"), false);
  }
});

Deno.test("a badge stays where the answer was refused", async () => {
  await using scene = await ChatHarness.joined();
  const { chat, connection, screen } = scene;
  connection.emit(direct("Bob", "psst"));
  await screen.tells("2:@Bob 1 private");
  connection.refuseDirect = "No one here is called Bob";
  chat.line("/reply yes");
  await screen.has("! Not sent: No one here is called Bob");
  assertEquals(screen.status, ["2:@Bob 1 private"]);
});

Deno.test("unread private messages that a window cannot hold are counted, as no hub has them", async () => {
  await using scene = await ChatHarness.joined();
  const { chat, connection, screen } = scene;
  const count = 3 * MAX_ITEMS;
  for (let n = 1; n <= count; n++) connection.emit(direct("Bob", `private ${n}`));
  await screen.tells(`2:@Bob ${count.toLocaleString("en-US")} private`);
  chat.line("/window 2");
  const [, skipped = ""] = /! The first ([\d,]+) lines of them are not shown: a window keeps the/
    .exec(screen.text) ?? [];
  const first = Number(skipped.replaceAll(",", "")) + 1;
  assert(first > 1 && first <= count - MAX_ITEMS + 1, skipped);
  const shown = screen.lines.filter((line) => /: private \d+$/.test(line));
  assertEquals(shown.length, count - first + 1);
  assert(shown[0]?.endsWith(`: private ${first}`), shown[0]);
});

Deno.test("what was never shown is printed, also where it does not count as unread", async () => {
  await using scene = await ChatHarness.joined({ rows: 12 });
  const { connection, screen } = scene;
  scene.joinRoom("ops");
  await scene.settle();
  for (let n = 1; n <= 40; n++) {
    // One's own, from another session: no news, and yet never seen here.
    connection.emit(chatMessage("Alice", `mine ${n}`, { room: "ops", id: n }));
  }
  await scene.settle();
  assertEquals(screen.status.filter((row) => row.includes("unread")), []);
  press(scene, "M-2");
  assertEquals(screen.lines.filter((line) => /: mine \d+$/.test(line)).length, 40);
});

Deno.test("an announcement to a room that is not shown counts as unread", async () => {
  await using scene = await ChatHarness.joined();
  const { connection, screen } = scene;
  scene.joinRoom("ops");
  const message = "back in five minutes";
  const system = { type: "system", event: "announcement", timestamp: TIMESTAMP } as const;
  connection.emit({ ...system, message, room: "ops" });
  await screen.tells("2:ops 1 unread");
});

Deno.test("a gap after a reconnect says how many messages it has, and how to see them", async () => {
  await using scene = await ChatHarness.joined();
  const { chat, connection, screen } = scene;
  for (let id = 1; id <= 5; id++) connection.emit(chatMessage("Bob", `m${id}`, { id }));
  const messages = [
    chatMessage("Bob", "m499", { id: 499 }),
    chatMessage("Bob", "m500", { id: 500 }),
  ];
  const again = roomJoined("lobby", { rejoined: true, first: 101, messages, reset: "trimmed" });
  connection.emit(again, ...messages);
  await screen.has("! 95 messages of lobby are missing: the hub no longer has them");
  await screen.has("! 398 messages of lobby are not shown here: /older 398 shows them");
  connection.requests.splice(0);
  chat.line("/older 398");
  assertEquals(connection.requests, ["history lobby 398 before 499"]);
  // A room that began anew has other messages under the same numbers.
  connection.emit({ ...again, epoch: "another", last: 0, messages: [], reset: "epoch" });
  await screen.has("Messages may be missing in lobby: the hub has started a new log");
});

Deno.test("/clear takes nothing from what /export writes of a private talk", async () => {
  await using folder = await temporaryFolder();
  await using scene = await ChatHarness.joined();
  const { chat, connection, screen } = scene;
  connection.emit(direct("Bob", "one"));
  await screen.has("one");
  chat.line("/window @Bob");
  chat.line("/clear");
  connection.emit(direct("Bob", "two"));
  await screen.has("two");
  chat.line(`/export ${folder.path}/talk.jsonl`);
  await screen.has("Wrote 2 messages of @Bob");
  // And what was cleared away does not come back by itself.
  chat.line("/window 1");
  chat.line("/window 2");
  assertEquals([screen.text.includes("one"), screen.text.includes("two")], [false, true]);
});

Deno.test("what was asked of the past while a window was shown waits in it", async () => {
  await using scene = await ChatHarness.joined({ rows: 12 });
  const { chat, connection, screen } = scene;
  scene.joinRoom("ops");
  await scene.settle();
  connection.pages.push(Array.from({ length: 50 }, (_, at) => chatMessage("Bob", `old ${at + 1}`)));
  chat.line("/history");
  press(scene, "M-2");
  await scene.settle();
  assertEquals(screen.text.includes("old"), false);
  press(scene, "M-1");
  assertEquals(screen.lines.filter((line) => /: old \d+$/.test(line)).length, 50);
});

Deno.test("/history says how many of it are of people who are ignored", async () => {
  await using scene = await ChatHarness.joined();
  const { chat, connection, screen } = scene;
  chat.line("/ignore Bob");
  connection.pages.push([
    chatMessage("Bob", "spam", { id: 1 }),
    chatMessage("éva", "ham", { id: 2 }),
  ]);
  chat.line("/history");
  await screen.has(
    "The last 1 message in lobby, without 1 of people you ignore, which is all there is:",
  );
  assertEquals(screen.text.includes("spam"), false);
});

Deno.test("loadNewest() reads the newest messages before an id, whatever pages a hub gives", async () => {
  await fc.assert(fc.asyncProperty(
    fc.record({
      count: fc.nat(1500),
      limit: fc.integer({ min: 1, max: 2000 }),
      before: fc.option(fc.integer({ min: 1, max: 1600 }), { nil: undefined }),
      // A hub may give less than was asked for: its pages are limited in bytes, too.
      most: fc.integer({ min: 1, max: 500 }),
    }),
    async ({ count, limit, before, most }) => {
      const log = Array.from({ length: count }, (_, at) => chatMessage("Bob", "", { id: at + 1 }));
      const ask = (
        page: { readonly before?: number; readonly limit?: number },
      ): Promise<HistoryPage> => {
        assert((page.limit ?? 0) <= 500);
        const left: readonly Message[] = log.slice(0, (page.before ?? Infinity) - 1);
        const messages = left.slice(-Math.min(page.limit ?? 50, most));
        const more = messages.length < left.length;
        return Promise.resolve(historyPage("lobby", messages, more));
      };
      const range = before === undefined ? { limit } : { limit, before };
      const { messages, more } = await loadNewest(ask, range);
      const left = log.slice(0, (before ?? Infinity) - 1);
      const expected = left.slice(-limit);
      assertEquals(messages.map(({ id }) => id), expected.map(({ id }) => id));
      assertEquals(more, expected.length < left.length);
    },
  ));
});

Deno.test("loadNewest() ends where a hub says that there is more and has none", async () => {
  let asked = 0;
  const ask = (): Promise<HistoryPage> => {
    asked++;
    return Promise.resolve(historyPage("r", [chatMessage("B", "x")], true));
  };
  assertEquals((await loadNewest(ask, { limit: 1000 })).more, false);
  assertEquals(asked, 2);
});

Deno.test("loadNewest() passes over pages without anything to show", async () => {
  const asked: (number | undefined)[] = [];
  const ask = ({ before }: { readonly before?: number }): Promise<HistoryPage> => {
    asked.push(before);
    const page = asked.length === 3 ? [chatMessage("Bob", "found", { id: 7 })] : [];
    const at = { oldest: (before ?? 100) - 10, newest: (before ?? 100) - 1 };
    return Promise.resolve({ ...historyPage("lobby", page, asked.length < 3), ...at });
  };
  const { messages, more } = await loadNewest(ask, { limit: 5 });
  assertEquals([messages.map(({ id }) => id), more, asked], [[7], false, [undefined, 90, 80]]);
});
