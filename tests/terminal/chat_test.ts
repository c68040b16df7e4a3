import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ConnectError, type RoomJoined } from "../../client/types.ts";
import { DEFAULT_LIMITS } from "../../protocol.ts";
import { DEFAULT_SETTINGS, type TerminalSettings, writeSettings } from "../../terminal/settings.ts";
import { ChatHarness } from "../kit/chat_harness.ts";
import { connectedEvents, onlineEvent, roomJoined, TIMESTAMP } from "../kit/fake_connection.ts";
import { temporaryFolder } from "../kit/folder.ts";
import { until } from "../kit/wait.ts";

const offline = { type: "offline", code: 1006, reason: "Nothing listens.", retryIn: 4000 } as const;

Deno.test("Chat shows events and sends lines to the room", async () => {
  const names: string[] = [];
  await using scene = await ChatHarness.joined({
    wanted: "Alice",
    onName: (name) => names.push(name),
  });
  const { chat, connection, screen } = scene;
  assertEquals(screen.lines, ["* You are Alice", "* 2 in lobby: Alice, Bob"]);
  assertEquals(screen.prompt, "[lobby] Alice> ");
  assertEquals(names, ["Alice"]);
  scene.receive("Bob", "hi Alice");
  await screen.has("Bob: hi Alice");
  chat.line("hi Bob");
  assertEquals(connection.sent[0]?.message, {
    message: "hi Bob",
    room: "lobby",
    format: "markdown",
  });
  connection.sent[0]?.ack();
  await scene.settle();
  // Shown when it comes back from the hub, not before.
  assert(!screen.text.includes("hi Bob"));
  scene.receive("Alice", "hi Bob");
  await screen.has("Alice: hi Bob");
  chat.line("/quit");
  assertEquals(await scene.ended, 0);
  assertEquals(screen.status, []);
});

Deno.test("Chat tells a newcomer what to do, until something was typed", async () => {
  await using scene = ChatHarness.unconnected({
    wanted: "Alice",
    invite: (room) => `bcast connect hub.test (${room})`,
  });
  const { chat, connection, screen } = scene;
  assertEquals(screen.status, [
    "Connecting to ws://hub.test",
    "Type a message and press Enter. /help lists commands, Ctrl-C leaves.",
  ]);
  connection.sender = "Alice-2";
  connection.emit(...connectedEvents("Alice-2", ["Alice-2"]));
  await screen.has("Others can join with");
  assertEquals(screen.lines, [
    "* You are Alice-2, because Alice is taken",
    "* 1 in lobby: Alice-2",
    "* No one else is here yet. Others can join with: bcast connect hub.test (lobby)",
  ]);
  assertEquals(screen.status.length, 1);
  chat.edited("hi");
  assertEquals(screen.status.length, 1);
  chat.line("hi");
  assertEquals(screen.status, []);
});

Deno.test("Chat shows what waits for the hub in the status until it is acked", async () => {
  await using scene = await ChatHarness.joined();
  const { chat, clock, connection, screen } = scene;
  for (const text of ["one", "two\nlines", "three", "four", "five"]) chat.line(text);
  // A hub that is near answers before anybody could read it.
  assertEquals(screen.status, []);
  clock.advance(100);
  assertEquals(screen.status, [
    "… one (sending)",
    "… two lines (sending)",
    "… three (sending)",
    "… and 2 more",
  ]);
  connection.sent[0]?.ack();
  connection.sent[1]?.ack();
  await until("two less", () => screen.status.length === 3);
  assertEquals(screen.status, ["… three (sending)", "… four (sending)", "… five (sending)"]);
  connection.state = "offline";
  connection.emit(offline);
  await screen.tells("Reconnecting");
  chat.line("later");
  assertEquals(screen.status, [
    "… three (waiting for the hub)",
    "… four (waiting for the hub)",
    "… five (waiting for the hub)",
    "… and 1 more",
    "Reconnecting in 4 s: Nothing listens",
  ]);
  assertEquals(screen.prompt, "[lobby] Alice (offline)> ");
});

Deno.test("Chat gives back what the hub refused, where it was typed", async () => {
  await using scene = await ChatHarness.joined();
  const { chat, connection, screen } = scene;
  chat.line("too fast");
  connection.sent[0]?.reject("rate_limited", "Wait 2 s.");
  await screen.has("! Not sent: Wait 2 s. You have it back below");
  assertEquals(screen.draft, "too fast");

  screen.draft = "something else";
  chat.line("/me waves");
  connection.sent[1]?.reject("rate_limited", "Wait 2 s.");
  await screen.has('! Not sent: Wait 2 s. The up arrow brings it back: "waves"');
  assertEquals(screen.draft, "something else");

  screen.draft = "";
  chat.line("/me waves");
  connection.sent[2]?.reject("rate_limited", "no");
  await until("the action again", () => screen.draft === "/me waves");
  screen.draft = "";
  chat.line("//slash");
  assertEquals(connection.sent[3]?.message.message, "/slash");
  connection.sent[3]?.reject("rate_limited", "no");
  await until("both slashes again", () => screen.draft === "//slash");

  // Said in one room, refused while another is shown.
  screen.draft = "";
  scene.joinRoom("dev");
  await scene.settle();
  chat.line("for the lobby");
  chat.chord({ kind: "room", number: 2 });
  connection.sent[4]?.reject("rate_limited", "no");
  await screen.has("! Not sent to lobby: no. The text is there again");
  assertEquals(screen.draft, "");
  chat.chord({ kind: "room", number: 1 });
  assertEquals(screen.draft, "for the lobby");

  screen.draft = "";
  connection.refuseDirect = "There is no Zoe";
  chat.line("/msg Zoe hi there");
  await screen.has("! Not sent: There is no Zoe. You have it back below");
  assertEquals(screen.draft, "/msg Zoe hi there");
});

Deno.test("Chat does not claim to know what became of a private message that got lost", async () => {
  await using scene = await ChatHarness.joined();
  const { chat, connection, screen } = scene;
  const lost = new ConnectError("lost", "The connection broke: it may have been delivered");
  connection.direct = () => Promise.reject(lost);
  chat.line("/msg Bob hi");
  await screen.has("! Perhaps not sent: The connection broke: it may have been delivered.");
  assertEquals(screen.draft, "/msg Bob hi");
});

Deno.test("Chat counts bytes near the hub's limit, and refuses what is over it", async () => {
  await using scene = await ChatHarness.joined();
  const { chat, connection, screen } = scene;
  connection.limits = { ...DEFAULT_LIMITS, maxMessageBytes: 1024 };
  const type = (text: string): void => {
    screen.draft = text;
    chat.edited(text);
  };
  const hint = screen.status;
  type("ä".repeat(200));
  assertEquals(screen.status, hint);
  type("ä".repeat(430));
  assert(/^9\d\d of 1,024 bytes$/.test(screen.status[0] ?? ""), screen.status[0]);
  type("ä".repeat(600));
  assert(/^2\d\d bytes too long$/.test(screen.status[0] ?? ""), screen.status[0]);
  screen.draft = "";
  chat.line("ä".repeat(600));
  assertEquals(screen.draft, "ä".repeat(600));
  assertStringIncludes(screen.text, "bytes too long, 1,024 are allowed. You have it back below");
  assertEquals(connection.sent, []);
});

Deno.test("Chat asks before it sends many lines", async () => {
  await using scene = await ChatHarness.joined();
  const { chat, connection, screen } = scene;
  const paste = "1\n2\n3\n4\n5\n6\n7";
  chat.line(paste);
  assertEquals([screen.draft, connection.sent.length], [paste, 0]);
  assertEquals(screen.status, [
    "Send 7 lines as one message? Enter sends, any other key continues editing",
  ]);
  chat.edited(paste + "x");
  assertEquals(screen.status, []);
  chat.line(paste + "x");
  assertEquals(connection.sent.length, 0);
  chat.line(paste + "x");
  assertEquals(connection.sent[0]?.message.message, paste + "x");
  chat.line("1\n2\n3\n4\n5\n");
  assertEquals(connection.sent.length, 2);
});

Deno.test("Chat gives several lines back that are no command", async () => {
  await using scene = await ChatHarness.joined();
  const { chat, screen } = scene;
  chat.line("/* a comment\n */");
  assertStringIncludes(screen.text, "! Unknown command /*.");
  assertEquals(screen.draft, "/* a comment\n */");
});

Deno.test("Chat counts down to the next try, and says why once", async () => {
  await using scene = await ChatHarness.joined();
  const { chat, clock, connection, screen } = scene;
  chat.line("/help quit");
  connection.state = "offline";
  connection.emit(offline);
  await screen.tells("Reconnecting in 4 s: Nothing listens");
  for (const seconds of [3, 2, 1]) {
    clock.advance(1000);
    assertEquals(screen.status, [`Reconnecting in ${seconds} s: Nothing listens`]);
  }
  connection.emit({ type: "connecting", attempt: 1 });
  await screen.tells("Reconnecting now: Nothing listens");
  const before = screen.lines.length;
  connection.emit(offline, { type: "connecting", attempt: 2 }, offline);
  await screen.tells("in 4 s");
  clock.advance(2000);
  connection.state = "online";
  connection.emit(
    { ...onlineEvent("Alice", ["lobby"]), reconnected: true },
    roomJoined("lobby", { rejoined: true, recovered: true, missed: 3 }),
  );
  await screen.has("* Connected again after 5 s; 3 missed messages follow");
  // The status told the rest.
  assertEquals(screen.lines.length, before + 1);
  assertEquals(screen.status, []);
  assertEquals(screen.prompt, "[lobby] Alice> ");
});

Deno.test("Chat says that nothing was missed only where the hub can know it", async () => {
  await using scene = await ChatHarness.joined();
  const { chat, connection, screen } = scene;
  const returns = async (...rooms: readonly RoomJoined[]): Promise<readonly string[]> => {
    const before = screen.lines.length;
    const online = onlineEvent("Alice", rooms.map(({ room }) => room));
    connection.emit({ ...online, reconnected: true }, ...rooms);
    await scene.settle();
    return screen.lines.slice(before);
  };
  const again = (room: string, more: Partial<RoomJoined>): RoomJoined =>
    roomJoined(room, { rejoined: true, recovered: true, ...more });
  assertEquals(await returns(again("lobby", {})), ["* Connected again; nothing was missed"]);
  assertEquals(await returns(again("lobby", { recovered: false, reset: "ahead" })), [
    "* Connected again",
    "! Messages may be missing in lobby: the hub has lost the last ones that you received",
  ]);
  // Each room tells about its own messages.
  scene.joinRoom("ops");
  await scene.settle();
  const [one, two] = [again("lobby", { missed: 2 }), again("ops", { missed: 1 })];
  assertEquals(await returns(two, one), ["* Connected again; 2 missed messages follow"]);
  chat.line("/window ops");
  assertEquals(screen.lines.at(-1), "* 1 missed message follows");
  chat.line("/status");
  await screen.has("Reconnected 3 times, 3 missed messages recovered");
});

Deno.test("Chat leaves at once when nothing waits, and else waits for the hub", async () => {
  await using scene = await ChatHarness.joined();
  const { chat, connection, screen } = scene;
  chat.line("last words");
  chat.interrupt();
  await screen.has("Waiting for the hub to receive 1 message. Ctrl-C leaves at once");
  assertEquals(connection.state, "online");
  connection.sent[0]?.ack();
  assertEquals(await scene.ended, 0);
  assertEquals(connection.state, "closed");
});

Deno.test("Chat leaves a hub that does not answer after two seconds", async () => {
  await using scene = await ChatHarness.joined();
  scene.chat.line("last words");
  scene.chat.end();
  scene.clock.advance(1999);
  assertEquals(scene.connection.state, "online");
  scene.clock.advance(1);
  assertEquals(await scene.ended, 1);
});

Deno.test("Chat counts what the hub never had when Ctrl-C is pressed twice", async () => {
  await using scene = await ChatHarness.joined();
  const { chat } = scene;
  chat.line("one");
  chat.line("two");
  chat.interrupt();
  chat.interrupt();
  assertEquals(await scene.ended, 2);
  // Nothing is left that would keep the program alive.
  assertEquals(scene.clock.waiting, 0);
});

Deno.test("Chat ends with why the hub sends one away who is about to leave", async () => {
  await using scene = await ChatHarness.joined();
  const { chat, connection } = scene;
  chat.line("last words");
  chat.interrupt();
  connection.fail(new ConnectError("rejected", "A moderator kicked you", { code: 4503 }));
  // The real one gives up what waits at the same time.
  await connection.close();
  await assertRejects(() => scene.ended, ConnectError, "A moderator kicked you");
});

Deno.test("Chat ends with what the conversation ends with", async () => {
  await using scene = await ChatHarness.joined();
  scene.connection.fail(new ConnectError("rejected", "No token", { code: 4501 }));
  await scene.screen.has("! No token. Nothing is sent any more; /quit or Ctrl-C leaves");
  scene.chat.interrupt();
  const error = await assertRejects(() => scene.ended, ConnectError);
  assertEquals([error.failure, error.message], ["rejected", "No token"]);
});

Deno.test("Chat ends at once with what keeps it from beginning", async () => {
  await using scene = ChatHarness.unconnected();
  scene.connection.fail(new ConnectError("rejected", "No token", { code: 4501 }));
  await assertRejects(() => scene.ended, ConnectError, "No token");
});

Deno.test("Chat tells of a new name, whoever gave it", async () => {
  const names: string[] = [];
  await using scene = await ChatHarness.joined({
    wanted: "Alice",
    onName: (name) => names.push(name),
  });
  const { chat, connection, screen } = scene;
  chat.line("/nick Al");
  assertEquals(connection.requests, ["nick Al"]);
  connection.sender = "Al";
  connection.emit({
    type: "presence",
    room: "lobby",
    online: 2,
    renamed: [{ from: "Alice", to: "Al" }],
  });
  await screen.has("* You are now Al");
  assertEquals([screen.prompt, names], ["[lobby] Al> ", ["Alice", "Al"]]);
  assertEquals(screen.status.filter((row) => row.includes("is now")), []);
});

Deno.test("Chat folds the comings and goings of those who are silent", async () => {
  await using scene = await ChatHarness.joined();
  const { clock, connection, screen } = scene;
  const presence = { type: "presence", room: "lobby", online: 3 } as const;
  const before = screen.lines.length;
  connection.emit({ ...presence, joined: ["Carol"] }, { ...presence, joined: ["Dan"] });
  await screen.tells("* Carol, Dan joined (3 online)");
  connection.emit({ ...presence, left: ["Dan"] }, { ...presence, left: ["Bob"] });
  await screen.tells("* Carol joined, Bob left, 1 came and went (3 online)");
  connection.emit({ ...presence, joined: ["Bob"] });
  await screen.tells("* Carol joined, 1 came and went (3 online)");
  assertEquals(screen.lines.length, before);
  scene.receive("Carol", "hi");
  await screen.has("Carol: hi");
  // Now it is for good, above what was said then.
  assertEquals(screen.lines.slice(before).map((line) => line.replace(/^\[.*?\] /, "")), [
    "* Carol joined, 1 came and went (3 online)",
    "Carol: hi",
  ]);
  // Who talks is missed.
  connection.emit({ ...presence, online: 2, left: ["Carol"] });
  await screen.has("* Carol left (2 online)");
  connection.emit({ ...presence, joined: ["Carol"] });
  await screen.has("* Carol joined (3 online)");
  // It comes a moment after what he said first, or again after the hub restarted: no news.
  scene.receive("Eve", "hello");
  connection.emit({ ...presence, joined: ["Eve", "Carol"] });
  await scene.settle();
  assert(screen.lines.at(-1)?.endsWith("Eve: hello"), screen.lines.at(-1));
  assertEquals(screen.status.filter((row) => row.startsWith("*")), []);
  clock.advance(5 * 60_000 + 1);
  connection.emit({ ...presence, online: 2, left: ["Carol"] });
  await screen.tells("* Carol left (2 online)");
});

Deno.test("Chat shows who is typing, for a while", async () => {
  await using scene = await ChatHarness.joined({ others: ["Bob", "Carol", "Dan", "Eve"] });
  const { chat, clock, connection, screen } = scene;
  chat.line("/help quit");
  const typing = (sender: string, on = true): void =>
    connection.emit({ type: "typing", room: "lobby", sender, active: on });
  typing("Bob");
  await screen.tells("Bob is typing…");
  typing("Carol");
  await screen.tells("Bob and Carol are typing…");
  typing("Dan");
  typing("Eve");
  await screen.tells("Bob, Carol and 2 others are typing…");
  typing("Dan", false);
  scene.receive("Eve", "hi");
  await screen.tells("Bob and Carol are typing…");
  clock.advance(5999);
  typing("Bob");
  await scene.settle();
  clock.advance(1);
  assertEquals(screen.status, ["Bob is typing…"]);
  clock.advance(6000);
  assertEquals(screen.status, []);
});

Deno.test("Chat tells that one is typing, at most every three seconds", async () => {
  await using scene = await ChatHarness.joined();
  const { chat, clock, connection: { requests } } = scene;
  chat.edited("/h");
  chat.edited("  ");
  assertEquals(requests, []);
  chat.edited("h");
  chat.edited("hi");
  assertEquals(requests.splice(0), ["typing lobby true"]);
  clock.advance(3000);
  chat.edited("hi ");
  assertEquals(requests.splice(0), ["typing lobby true"]);
  clock.advance(4999);
  assertEquals(requests, []);
  clock.advance(1);
  assertEquals(requests.splice(0), ["typing lobby false"]);
  chat.edited("//x");
  chat.line("//x");
  assertEquals(requests.splice(0), ["typing lobby true", "typing lobby false"]);
  // Three seconds are three seconds, whatever was sent in between.
  chat.edited("y");
  assertEquals(requests, []);
  clock.advance(3000);
  chat.edited("yy");
  chat.edited("");
  assertEquals(requests.splice(0), ["typing lobby true", "typing lobby false"]);
});

Deno.test("Chat rings for what is for oneself, not for what was said before", async () => {
  await using scene = await ChatHarness.joined();
  const { chat, clock, connection, screen } = scene;
  const ringsFor = async (task: () => void): Promise<number> => {
    const before = screen.rings;
    clock.advance(1000);
    task();
    await scene.settle();
    return screen.rings - before;
  };
  const whisper = (): void =>
    connection.emit({
      type: "direct",
      sender: "Bob",
      to: "Alice",
      message: "psst",
      timestamp: TIMESTAMP,
    });
  assertEquals(await ringsFor(() => scene.receive("Bob", "anybody?")), 0);
  assertEquals(await ringsFor(() => scene.receive("Bob", "@alice?")), 1);
  assertEquals(await ringsFor(() => scene.receive("Alice", "I am Alice")), 0);
  assertEquals(await ringsFor(whisper), 1);
  // A burst is one alarm.
  assertEquals(
    await ringsFor(() => [1, 2, 3].forEach((n) => scene.receive("Bob", `@Alice ${n}`))),
    1,
  );
  const history = await ringsFor(() => {
    for (const event of connectedEvents("Alice", ["Alice", "Bob"])) {
      if (event.type === "joined") connection.emit({ ...event, room: "dev", last: 500 });
    }
    scene.receive("Bob", "@Alice, in the past", "dev");
  });
  assertEquals(history, 0);
  for (const all of ["all", "always"]) {
    chat.line(`/bell ${all}`);
    assertEquals(await ringsFor(() => scene.receive("Bob", "anybody?")), 1);
  }
  chat.line("/bell never");
  assertEquals(await ringsFor(() => scene.receive("Bob", "@Alice?")), 0);
  assertEquals(await ringsFor(whisper), 0);
});

Deno.test("Chat shows and keeps what was set", async () => {
  const kept: Partial<TerminalSettings>[] = [];
  await using scene = await ChatHarness.joined({
    color: true,
    onSettings: (changed) => {
      kept.push(changed);
      return Promise.resolve(true);
    },
  });
  const { chat, screen } = scene;
  scene.receive("Bob", "hi");
  await screen.has("hi");
  const last = (): string => screen.lines.find((line) => line.endsWith(": hi")) ?? "";
  assert(last().includes("\x1b[38;5;"), last());
  chat.line("/theme none");
  assert(/^\[[\d:]{8}\] Bob: hi$/.test(last()), last());
  chat.line("/timestamp datetime");
  assert(/^\[2026-01-31 [\d:]{8}\] Bob: hi$/.test(last()), last());
  chat.line("/timestamp off");
  assertEquals(last(), "Bob: hi");
  assertEquals(kept, [{ theme: "none" }, { timestamp: "datetime" }, { timestamp: "off" }]);
});

Deno.test("Chat tells when what was set cannot be remembered", async () => {
  await using folder = await temporaryFolder();
  // A file where the data directory would be: read-only for everybody, root included.
  const directory = `${folder.path}/a file`;
  await Deno.writeTextFile(directory, "");
  await using scene = await ChatHarness.joined({
    onSettings: (changed) => writeSettings(directory, { ...DEFAULT_SETTINGS, ...changed }),
  });
  for (const line of ["/theme dark", "/timestamp datetime", "/bell all", "/mention name"]) {
    scene.chat.line(line);
    await scene.screen.has("! Not remembered: the data directory cannot be written");
    scene.chat.line("/clear");
  }
});

Deno.test("Chat marks a new day, also while nothing is said", async () => {
  await using scene = await ChatHarness.joined();
  const { clock, screen } = scene;
  scene.receive("Bob", "late");
  await screen.has("late");
  clock.advance(26 * 3_600_000);
  const days = screen.lines.filter((line) => line.startsWith("── "));
  assertEquals(days.map((line) => line.replace(/ ─+$/, "")), ["── Sunday, 1 February 2026"]);
  assertEquals(screen.lines.at(-1)?.length, screen.columns - 1);
});

Deno.test("complete() offers what the chat knows, but not oneself", async () => {
  await using scene = await ChatHarness.joined({ others: ["Bob", "Alan"] });
  const { chat, screen } = scene;
  assertEquals(chat.complete("/msg B"), [["Bob "], "B"]);
  assertEquals(chat.complete("al"), [["Alan: "], "al"]);
  assertEquals(chat.complete("/leave "), [["lobby "], ""]);
  scene.receive("Zoe", "hi");
  scene.receive("Alba", "hi");
  await screen.has("Alba: hi");
  assertEquals(chat.complete("z"), [["Zoe: "], "z"]);
  assertEquals(chat.complete("a"), [["Alba: ", "Alan: "], "a"]);
  assert(chat.complete("/")[0].includes("/quit"));
});
