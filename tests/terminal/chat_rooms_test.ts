import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Direct } from "../../protocol.ts";
import { RequestError } from "../../client/types.ts";
import { ChatHarness } from "../kit/chat_harness.ts";
import { chatMessage, errorFrame, TIMESTAMP } from "../kit/fake_connection.ts";
import { temporaryFolder } from "../kit/folder.ts";
import { until } from "../kit/wait.ts";

function direct(sender: string, message: string, to = "Alice"): Direct {
  return { type: "direct", sender, to, message, timestamp: TIMESTAMP };
}

/** The lines in sight without their times. */
function timeless(scene: ChatHarness): readonly string[] {
  return scene.screen.lines.map((line) => line.replace(/^\[[\d:]{8}\] /, "").replace(/ ─+$/, ""));
}

/** Alice in the lobby, in ops and in dev; nothing in the status. */
async function threeRooms(): Promise<ChatHarness> {
  const scene = await ChatHarness.joined();
  scene.joinRoom("ops");
  scene.joinRoom("dev");
  await scene.settle();
  scene.chat.line("/clear");
  return scene;
}

Deno.test("Chat counts what is said in other rooms, and shows it when they are shown", async () => {
  await using scene = await threeRooms();
  const { chat, screen } = scene;
  scene.receive("Bob", "one", "ops");
  scene.receive("Bob", "two", "ops");
  scene.receive("Bob", "@alice, look", "dev");
  scene.receive("Bob", "here", "lobby");
  await scene.settle();
  assertEquals(timeless(scene), ["Bob: here"]);
  assertEquals(screen.status, ["2:ops 2 unread, 3:dev 1 mention"]);
  chat.line("/rooms");
  assertEquals(screen.lines.slice(1), [
    "* 1 lobby (2 online, you are here)",
    "  2 ops (2 online, 2 unread)",
    "  3 dev (2 online, 1 unread, 1 mention)",
  ]);
  const clears = screen.clears;
  // What is for oneself comes first.
  chat.chord({ kind: "activity" });
  assertEquals(screen.clears, clears + 1);
  assertEquals(screen.prompt, "[dev] Alice> ");
  // What was cleared away does not come back.
  assertEquals(timeless(scene), [
    "── dev",
    "* 2 in dev: Alice, Bob",
    "── 1 unread line",
    "Bob: @alice, look",
  ]);
  chat.chord({ kind: "activity" });
  assertEquals(timeless(scene).slice(2), ["── 2 unread lines", "Bob: one", "Bob: two"]);
  chat.chord({ kind: "activity" });
  assertEquals(screen.status, ["Nothing new in any other room"]);
  // Read: no mark any more.
  chat.chord({ kind: "room", number: 1 });
  chat.chord({ kind: "room", number: 2 });
  assertEquals(timeless(scene), [
    "── ops, shown before",
    "* 2 in ops: Alice, Bob",
    "Bob: one",
    "Bob: two",
  ]);
  chat.chord({ kind: "room", number: 7 });
  assertEquals(screen.prompt, "[ops] Alice> ");
  assertEquals(screen.status, [
    "There is no room 7: /rooms lists yours, /join ROOM enters one",
  ]);
  chat.edited("x");
  chat.line("/join lobby");
  assertEquals([screen.prompt, screen.status], ["[lobby] Alice> ", []]);
});

Deno.test("Chat prints all that is unread, and else no more than a screen", async () => {
  await using scene = await threeRooms();
  const { chat, screen } = scene;
  for (let n = 1; n <= 50; n++) scene.receive("Bob", `old ${n}`, "lobby");
  await scene.settle();
  chat.chord({ kind: "room", number: 2 });
  for (let n = 1; n <= 60; n++) scene.receive("Bob", `new ${n}`, "lobby");
  await scene.settle();
  chat.chord({ kind: "room", number: 1 });
  assertEquals(timeless(scene).slice(0, 5), [
    "── lobby, shown before",
    "Bob: old 49",
    "Bob: old 50",
    "── 60 unread lines",
    "Bob: new 1",
  ]);
  assertEquals(screen.lines.length, 64);
  chat.chord({ kind: "room", number: 2 });
  chat.chord({ kind: "room", number: 1 });
  assertEquals([screen.lines.length, timeless(scene).at(-1)], [screen.rows - 4, "Bob: new 60"]);
  // Another size moves nothing: what was printed is the terminal's.
  const clears = screen.clears;
  screen.columns -= 10;
  scene.chat.resized();
  scene.clock.advance(1000);
  assertEquals(screen.clears, clears);
});

Deno.test("Chat keeps a draft with the room it was typed in", async () => {
  await using scene = await threeRooms();
  const { chat, screen } = scene;
  screen.draft = "for the lobby";
  chat.chord({ kind: "room", number: 2 });
  assertEquals(screen.draft, "");
  screen.draft = "for ops";
  chat.chord({ kind: "room", number: 1 });
  assertEquals(screen.draft, "for the lobby");
  chat.chord({ kind: "room", number: 2 });
  assertEquals(screen.draft, "for ops");
  // Who leaves a room keeps what was typed there.
  chat.chord({ kind: "room", number: 1 });
  chat.line("/leave ops");
  assertEquals(screen.lines.slice(-2), ["* Your draft in ops was: for ops", "* You left ops"]);
});

Deno.test("Chat enters and leaves rooms", async () => {
  await using scene = await ChatHarness.joined();
  const { chat, connection, screen } = scene;
  chat.line("/join dev");
  assertEquals(connection.requests.splice(0), ["join dev"]);
  assertEquals(screen.prompt, "[dev] Alice> ");
  // What is said before the hub answers is meant for the new room already.
  chat.line("for dev");
  assertEquals(connection.sent[0]?.message, {
    message: "for dev",
    room: "dev",
    format: "markdown",
  });
  scene.joinRoom("dev");
  await screen.has("2 in dev: Alice, Bob");
  chat.line("/leave lobby");
  assertEquals(connection.requests.splice(0), ["leave lobby"]);
  // At once: when the hub answers, the user may be typing something else.
  assertEquals(screen.lines.at(-1), "* You left lobby");
  scene.receive("Bob", "still on its way");
  connection.emit({ type: "left", room: "lobby" });
  await scene.settle();
  assertEquals([screen.prompt, screen.lines.at(-1)], ["[dev] Alice> ", "* You left lobby"]);

  chat.line("/join secret");
  connection.emit(
    errorFrame("forbidden", "You may not enter secret", { re: "join", room: "secret" }),
  );
  await screen.has("! You may not enter secret");
  assertEquals(screen.prompt, "[secret] Alice (closed)> ");
  chat.line("/leave");
  chat.line("/rooms");
  assertEquals(screen.lines.at(-1), "* 1 dev (2 online, you are here)");

  connection.requests.splice(0);
  chat.line("/leave");
  assertEquals(connection.requests.splice(0), ["leave dev"]);
  assertEquals(screen.lines.slice(-2), ["* You left dev", "* You are in no room: /join ROOM"]);
  assertEquals(screen.prompt, "Alice> ");
  connection.emit({ type: "left", room: "dev" });
  chat.line("hello?");
  assertEquals(screen.lines.at(-1), "! You are in no room: /join ROOM");
  assertEquals(screen.draft, "hello?");
  screen.draft = "";
  chat.line("/join dev");
  scene.joinRoom("dev");
  await screen.has("2 in dev: Alice, Bob");
  assertEquals(screen.prompt, "[dev] Alice> ");
});

Deno.test("Chat makes a window of a private conversation, and misses no private message", async () => {
  await using scene = await threeRooms();
  const { chat, connection, screen } = scene;
  chat.line("/reply nobody");
  assertEquals(screen.lines, ["! You have no private message to answer: /msg NAME TEXT"]);
  connection.emit(direct("Bob", "psst\nsecond line"));
  await screen.has("Bob @you: psst second line");
  assertEquals(screen.status, ["4:@Bob 1 private"]);
  chat.line("/reply yes?");
  await screen.has("you @Bob: yes?");
  assertEquals(connection.requests.splice(0), ["direct Bob yes?"]);
  // Read and answered, in one line each: nothing is unread, and yet all is shown.
  assertEquals(screen.status, []);
  chat.line("/window @BOB");
  assertEquals(screen.prompt, "[@Bob] Alice> ");
  assertEquals(timeless(scene), [
    "── @Bob",
    "Bob: psst",
    "           second line",
    "Alice: yes?",
  ]);
  chat.line("what is it?");
  await screen.has("Alice: what is it?");
  assertEquals(connection.requests.splice(0), ["direct Bob what is it?"]);
  chat.line("/me waves");
  assertEquals(screen.lines.at(-1), "! This works in rooms only");

  // The talk goes on under another name.
  connection.emit({
    type: "presence",
    room: "lobby",
    online: 2,
    renamed: [{ from: "Bob", to: "Rob" }],
  });
  await until("the new name", () => screen.prompt === "[@Rob] Alice> ");
  connection.emit(direct("Rob", "it is me"));
  await screen.has("Rob: it is me");
  chat.line("/leave");
  assertEquals(screen.prompt, "[dev] Alice> ");

  chat.line("/msg Zoe");
  assertEquals(screen.prompt, "[@Zoe] Alice> ");
  assertEquals(timeless(scene), [
    "── @Zoe",
    "* Only Zoe sees what you write here. /leave closes it",
  ]);
});

Deno.test("Chat shows nothing of people who are ignored, whatever they are called", async () => {
  await using scene = await ChatHarness.joined({ others: ["Bob", "Mallory"] });
  const { chat, connection, screen } = scene;
  chat.line("/ignore mallory");
  const talk = (name: string): void => {
    scene.receive(name, "Alice! Alice!");
    connection.emit(
      direct(name, "buy this"),
      { type: "typing", room: "lobby", sender: name, active: true },
      { type: "presence", room: "lobby", online: 2, left: [name] },
    );
  };
  talk("Mallory");
  await scene.settle();
  connection.emit({
    type: "presence",
    room: "lobby",
    online: 3,
    renamed: [{ from: "Mallory", to: "Nice" }],
  });
  talk("Nice");
  connection.pages.push([chatMessage("Nice", "spam"), chatMessage("Bob", "ham")]);
  await scene.settle();
  chat.line("/history");
  await screen.has("Bob: ham");
  assert(!/Alice! Alice!|buy this|spam/.test(screen.text), screen.text);
  assertEquals([screen.status, screen.rings], [[], 0]);
  assertEquals(chat.complete("ni"), [[], "ni"]);
  chat.line("/unignore nice");
  talk("Nice");
  await screen.has("Nice @you: buy this");
  chat.line("/ignore alice");
  assertEquals(screen.lines.at(-1), "! That is you");
});

Deno.test("Chat answers for one who is away, once a person, and tells what was missed", async () => {
  await using scene = await threeRooms();
  const { chat, clock, connection, screen } = scene;
  chat.line("/away at lunch");
  connection.emit(direct("Bob", "lunch?"), direct("Bob", "hello?"), direct("Carol", "hi"));
  scene.receive("Bob", "where is @Alice?", "ops");
  await scene.settle();
  assertEquals(connection.requests.splice(0), [
    "direct Bob Away: at lunch",
    "direct Carol Away: at lunch",
  ]);
  assertStringIncludes(
    screen.status.at(-1) ?? "",
    'Away: "at lunch", 4 messages for you. /back ends it',
  );
  clock.advance(20 * 60_000);
  chat.line("I am back");
  assertEquals(screen.lines.slice(-5), [
    "* Back after 20 min; 4 messages for you:",
    "  in private, Bob: lunch?",
    "  in private, Bob: hello?",
    "  in private, Carol: hi",
    "  ops, Bob: where is @Alice?",
  ]);
  assertEquals(connection.sent[0]?.message.message, "I am back");
  chat.line("/back");
  assertEquals(screen.lines.at(-1), "! You are not away");
});

Deno.test("Chat shows pages of the past, and what was searched", async () => {
  await using scene = await ChatHarness.joined({ color: true });
  const { chat, connection, screen } = scene;
  const old = chatMessage("Bob", "the build is green", { timestamp: "2026-01-02T08:00:00.000Z" });
  const hits = Array.from({ length: 50 }, (_, at) => ({ ...old, id: 7 + at }));
  connection.pages.push(hits, [{ ...old, id: 3 }], []);
  chat.line("/search green Build*");
  await screen.has("Now:");
  assertEquals(connection.requests.splice(0), ["history lobby 50 green Build*"]);
  assertStringIncludes(
    screen.text,
    'The newest 50 messages with "green Build*" in lobby (/older shows earlier ones):',
  );
  chat.line("/older");
  await screen.has('1 message with "green Build*" before that in lobby');
  assertEquals(connection.requests.splice(0), [
    "history lobby 50 before 7 green Build*",
    "history lobby 49 before 3 green Build*",
  ]);
  const mark = (word: string): string => `\x1b[1;7m${word}\x1b[22;27m`;
  assertStringIncludes(screen.text, `the ${mark("build")} is ${mark("green")}`);
  // The day is told: nothing else beside it is from then.
  assertStringIncludes(screen.text, "[2026-01-02 ");
  connection.pages.push([]);
  chat.line("/search gren");
  await screen.has('No message with "gren" in lobby');
  connection.pages.push([old]);
  chat.line("/history 5");
  await screen.has("The last 1 message in lobby, which is all there is:");
  chat.line("/history");
  await screen.has("Bob\x1b[39m: earlier");
});

Deno.test("Chat tells how the connection is", async () => {
  await using scene = await ChatHarness.joined();
  const { chat, clock, connection, screen } = scene;
  clock.advance(3 * 3_600_000);
  chat.line("/status");
  await screen.has("private conversation");
  const shown = screen.lines.slice(-4).map((line) => line.replace(/[\d:]{8}/, "TIME"));
  assertEquals(shown, [
    "* Connected to ws://hub.test as Alice",
    "  Online since TIME, for 3 h; latency 0 ms",
    "  Reconnected 0 times, 0 missed messages recovered",
    "  1 room, 0 private conversations, 0 messages on the way",
  ]);
  connection.emit({ type: "offline", code: 1006, reason: "gone", retryIn: 1000 });
  await screen.tells("gone");
  chat.line("/status");
  await screen.has("Not connected to ws://hub.test as Alice");
});

Deno.test("Chat exports all of a room page by page, and what there is of a private talk", async () => {
  await using folder = await temporaryFolder();
  await using scene = await ChatHarness.joined({ home: folder.path });
  const { chat, connection, screen } = scene;
  const file = `${folder.path}/talk.jsonl`;
  const messages = [1, 2, 3].map((id) => chatMessage("Bob", `m${id}`, { id }));
  connection.pages.push(messages.slice(0, 2), messages.slice(2));
  chat.line("/export ~/talk.jsonl");
  await screen.has('Wrote 3 messages of lobby to "~/talk.jsonl"');
  assertEquals(connection.requests.splice(0), [
    "history lobby 500 after 0",
    "history lobby 500 after 2",
  ]);
  const lines = (await Deno.readTextFile(file)).trimEnd().split("\n");
  assertEquals(lines.map((line) => JSON.parse(line)), messages);
  chat.line("/export ~/talk.jsonl");
  await screen.has('! Not written: "~/talk.jsonl" already exists: /export! FILE replaces it');

  connection.emit(direct("Bob", "psst"));
  await screen.has("psst");
  chat.line("/msg Bob");
  chat.line("/export! ~/talk.jsonl");
  await screen.has("Wrote 1 message of @Bob");
  assertEquals(JSON.parse(await Deno.readTextFile(file)), direct("Bob", "psst"));
});

Deno.test("Chat tells whom a private message waits for, and gives it back when that is in vain", async () => {
  await using scene = await threeRooms();
  const { chat, clock, connection, screen } = scene;
  const { promise, reject } = Promise.withResolvers<never>();
  connection.direct = () => promise;
  chat.line("/msg Bob see you");
  clock.advance(200);
  assertEquals(screen.status, ["… @Bob: see you (sending)"]);
  clock.advance(2000);
  chat.edited("");
  assertEquals(screen.status, ["… @Bob: see you (waiting for Bob)"]);
  const message = "No one here is called Bob: check who is online";
  reject(new RequestError(errorFrame("no_such_user", message)));
  await screen.has(`! Not sent: ${message}. You have it back below`);
  assertEquals([screen.draft, screen.status], ["/msg Bob see you", []]);
});
