import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { connect, ConnectError, RequestError } from "../../client.ts";
import { FakeClock } from "../kit/fake_clock.ts";
import { EventLog } from "../kit/event_log.ts";
import { joined, message, messages, ScriptedHub } from "../kit/scripted_hub.ts";
import { until } from "../kit/until.ts";
import { within } from "../kit/within.ts";

Deno.test("`connect()` says in its hello who it is, where it stopped, and whether it wants its echo", async () => {
  await using hub = new ScriptedHub();
  await using conversation = connect({
    url: hub.url,
    sender: "Alice",
    token: "t0ken",
    session: "earlier",
    rooms: [{ room: "news", epoch: "e7", after: 41 }, { room: "lobby", history: 5 }],
    echo: false,
  });
  const side = await hub.accept();
  assertEquals(await side.hello(), {
    type: "hello",
    sender: "Alice",
    token: "t0ken",
    session: "earlier",
    rooms: [{ room: "news", epoch: "e7", after: 41 }, { room: "lobby", history: 5 }],
    echo: false,
  });
  assertEquals(conversation.state, "connecting");
});

Deno.test("`connect()` leaves everything to the hub when it was told nothing", async () => {
  await using hub = new ScriptedHub();
  await using _conversation = connect({ url: hub.url });
  assertEquals(await (await hub.accept()).hello(), { type: "hello" });
});

Deno.test("`connect()` yields online, the rooms, and their history as messages, in order", async () => {
  await using hub = new ScriptedHub();
  await using conversation = connect({ url: hub.url });
  const log = new EventLog(conversation);
  const side = await hub.welcome({
    sender: "Alice-2",
    rooms: [
      joined("lobby", { history: messages(3, 4), online: 7 }),
      joined("news", { history: messages(1, 1, "news") }),
    ],
  });
  side.say(message(5));
  assertEquals((await log.expect("connecting")).attempt, 1);
  const online = await log.expect("online");
  assertEquals([online.reconnected, online.missed, online.welcome.sender], [false, 0, "Alice-2"]);
  const lobby = await log.expect("joined");
  assertEquals([lobby.room, lobby.rejoined, lobby.online], ["lobby", false, 7]);
  assertEquals((await log.expect("message")).id, 3);
  assertEquals((await log.expect("message")).id, 4);
  assertEquals((await log.expect("joined")).room, "news");
  assertEquals((await log.expect("message")).room, "news");
  assertEquals((await log.expect("message")).id, 5);
  assertEquals(conversation.state, "online");
  assertEquals(conversation.sender, "Alice-2");
  assertEquals(conversation.session, "secret-1");
  assertEquals(conversation.limits?.maxMessageBytes, 65536);
  assertEquals(conversation.positions, [
    { room: "lobby", epoch: "e1", after: 5 },
    { room: "news", epoch: "e1", after: 1 },
  ]);
});

Deno.test("`connect()` passes on whatever else the hub tells, and over what it does not know", async () => {
  await using hub = new ScriptedHub();
  await using conversation = connect({ url: hub.url });
  const log = new EventLog(conversation);
  const side = await hub.welcome();
  await log.until("joined");
  const timestamp = "2026-01-02T03:04:05.678Z";
  side.sayRaw('{"type":"of-a-newer-hub","x":1}\n\n{"type":"pong"}');
  side.say(
    { type: "presence", room: "lobby", online: 2, joined: ["Bob"] },
    { type: "typing", room: "lobby", sender: "Bob", typing: true },
    { type: "direct", sender: "Bob", to: "Alice", timestamp, message: "psst" },
    { type: "system", message: "Hello", timestamp, event: "notice" },
    { type: "error", code: "internal", message: "Something is wrong" },
    { type: "error", code: "internal", message: "about a ref long gone", ref: "nobody" },
    { type: "left", room: "lobby" },
  );
  assertEquals((await log.expect("presence")).joined, ["Bob"]);
  await log.expect("typing");
  assertEquals((await log.expect("direct")).message, "psst");
  await log.expect("system");
  assertEquals((await log.expect("error")).message, "Something is wrong");
  await log.expect("left");
  assertEquals(conversation.positions, []);
});

Deno.test("`connect()` tells when the hub sends what cannot be read", async () => {
  await using hub = new ScriptedHub();
  await using conversation = connect({ url: hub.url });
  const log = new EventLog(conversation);
  const side = await hub.welcome();
  side.sayRaw('{"type":"presence","room":7}');
  const error = await log.until("error");
  assertEquals(error.code, "bad_frame");
  assert(error.message.startsWith("The hub sent an invalid frame: presence"));
});

Deno.test("`connect()` throws a TypeError for an address that is none", () => {
  assertThrows(() => connect({ url: "ftp://example.org" }), TypeError, "use HOST");
});

Deno.test("`history()`, `who()`, `ping()` and `direct()` resolve with the answer to their own request", async () => {
  await using hub = new ScriptedHub();
  await using conversation = connect({ url: hub.url });
  const history = conversation.history("lobby", { before: 9, limit: 2, query: "tea" });
  const who = conversation.who("lobby");
  const ping = conversation.ping();
  const direct = conversation.direct("Bob", { message: "psst", data: [1] });
  const side = await hub.welcome();
  const asked = await side.expect("history");
  assertEquals([asked.before, asked.limit, asked.query], [9, 2, "tea"]);
  const askedWho = await side.expect("who");
  const { ref: pingRef = "" } = await side.expect("ping");
  const sent = await side.expect("direct");
  const timestamp = "2026-01-02T03:04:05.678Z";
  // In another order, and with an answer to something never asked.
  side.say(
    { type: "pong", ref: "never" },
    { type: "direct", sender: "Alice", timestamp, to: "Bob", message: "psst", ref: sent.ref ?? "" },
    { type: "pong", ref: pingRef },
    { type: "who", room: "lobby", online: 1, members: ["Alice"], ref: askedWho.ref ?? "" },
    {
      type: "history",
      room: "lobby",
      messages: messages(7, 8),
      more: true,
      ref: asked.ref ?? "",
    },
  );
  assertEquals((await within(history, "history")).messages.map(({ id }) => id), [7, 8]);
  assertEquals((await within(who, "who")).members, ["Alice"]);
  assertEquals((await within(ping, "pong")).ref, pingRef);
  assertEquals((await within(direct, "direct")).to, "Bob");
  const refused = conversation.direct("Nobody", { message: "?" });
  const { ref = "" } = await side.expect("direct");
  side.say({ type: "error", code: "no_such_user", message: "There is no Nobody", ref });
  const error = await assertRejects(() => refused, RequestError, "There is no Nobody");
  assertEquals(error.code, "no_such_user");
});

Deno.test("`join()`, `leave()`, `nick()` and `typing()` go to the hub and come back as events", async () => {
  await using hub = new ScriptedHub();
  await using conversation = connect({ url: hub.url });
  const log = new EventLog(conversation);
  const side = await hub.welcome();
  await log.until("joined");
  conversation.join({ room: "news", history: 3 });
  assertEquals(await side.expect("join"), { type: "join", room: "news", history: 3 });
  side.say({ ...joined("news", { history: messages(5, 6, "news") }), type: "joined" });
  const entered = await log.expect("joined");
  assertEquals([entered.room, entered.rejoined], ["news", false]);
  assertEquals(await log.ids(2), [5, 6]);
  conversation.typing("news", true);
  assertEquals(await side.expect("typing"), { type: "typing", room: "news", typing: true });
  conversation.nick("Ann");
  assertEquals(await side.expect("nick"), { type: "nick", sender: "Ann" });
  await side.expect("ping");
  const renamed = [{ from: "Alice", to: "Ann" }];
  side.say({ type: "presence", room: "news", online: 1, renamed });
  await log.expect("presence");
  assertEquals(conversation.sender, "Ann");
  conversation.leave("news");
  assertEquals(await side.expect("leave"), { type: "leave", room: "news" });
  side.say({ type: "left", room: "news" });
  assertEquals((await log.expect("left")).room, "news");
  conversation.leave("news");
  assertEquals((await log.expect("error")).code, "not_in_room");
  conversation.join({ room: "No Such Room" });
  assertEquals((await log.expect("error")).code, "bad_room");
});

Deno.test("`join()` before the first welcome adds to the hub's own rooms", async () => {
  await using hub = new ScriptedHub();
  await using conversation = connect({ url: hub.url });
  conversation.join({ room: "news" });
  const side = await hub.accept();
  assertEquals(await side.hello(), { type: "hello" });
  side.welcome();
  assertEquals(await side.expect("join"), { type: "join", room: "news" });
  assertEquals(conversation.positions.map(({ room }) => room), ["news", "lobby"]);
  side.say({ ...joined("news"), type: "joined" });
  await new EventLog(conversation).until("online");
  void conversation.send({ message: "hi" }).catch(() => {});
  assertEquals((await side.expect("message")).room, "lobby");
});

Deno.test("`join()` of a room that the hub refuses is not asked for again", async () => {
  await using hub = new ScriptedHub();
  const clock = new FakeClock();
  await using conversation = connect({ url: hub.url }, { clock });
  const log = new EventLog(conversation);
  const side = await hub.welcome();
  conversation.join({ room: "board" });
  await side.expect("join");
  side.say({ type: "error", code: "forbidden", message: "Not for you" });
  await log.until("error");
  side.close(1011);
  clock.advance((await log.until("offline")).retryIn);
  const { rooms } = await (await hub.accept()).hello();
  assertEquals(rooms, [{ room: "lobby", epoch: "e1", after: 0 }]);
});

Deno.test("`close()` says goodbye with 1000, ends the iteration and rejects what is open", async () => {
  await using hub = new ScriptedHub();
  const conversation = connect({ url: hub.url });
  const log = new EventLog(conversation);
  const side = await hub.welcome();
  await log.until("joined");
  side.say(message(1));
  const sent = conversation.send({ message: "lost" });
  await side.expect("message");
  assertEquals(conversation.pending, 1);
  const closing = conversation.close();
  assertEquals(conversation.state, "closed");
  const error = await assertRejects(() => sent, ConnectError, "closed");
  assertEquals(error.failure, "closed");
  assertEquals(await side.closeCode(), 1000);
  await within(closing, "the end");
  await log.rest();
  const later = await assertRejects(() => conversation.send({ message: "late" }), ConnectError);
  assertEquals(later.failure, "closed");
  await assertRejects(() => conversation.flush(), ConnectError);
  assertEquals(conversation.pending, 0);
  conversation.join({ room: "news" });
  await conversation.close();
});

Deno.test("`close()` still yields what came before it", async () => {
  await using hub = new ScriptedHub();
  const conversation = connect({ url: hub.url });
  const side = await hub.welcome({ rooms: [joined("lobby", { history: messages(1, 2) })] });
  const ping = conversation.ping();
  side.say({ type: "pong", ref: (await side.expect("ping")).ref ?? "" });
  await within(ping, "pong");
  await conversation.close();
  const types = ["connecting", "online", "joined", "message", "message"];
  assertEquals(await new EventLog(conversation).rest(), types);
});

Deno.test("`close()` before the connection is there leaves nothing behind", async () => {
  await using hub = new ScriptedHub();
  const conversation = connect({ url: hub.url });
  const sent = conversation.send({ message: "never" });
  const refused = assertRejects(() => sent, ConnectError, "closed");
  await conversation.close();
  await refused;
});

Deno.test("`close()` does not wait for a hub that never answers", async () => {
  const clock = new FakeClock();
  // A socket whose close event never comes.
  class Mute extends EventTarget {
    readonly readyState = WebSocket.CONNECTING;
    readonly bufferedAmount = 0;
    close(): void {}
  }
  const conversation = connect({ url: "ws://localhost" }, {
    clock,
    socket: () => new Mute() as unknown as WebSocket,
  });
  const closing = conversation.close();
  clock.advance(2000);
  await within(closing, "the end");
});

Deno.test("`signal` closes the conversation as `close()` does", async () => {
  await using hub = new ScriptedHub();
  const controller = new AbortController();
  const conversation = connect({ url: hub.url, signal: controller.signal });
  const log = new EventLog(conversation);
  const side = await hub.welcome();
  await log.until("online");
  controller.abort();
  assertEquals(conversation.state, "closed");
  await log.rest();
  assertEquals(await side.closeCode(), 1000);
  await conversation.close();
  const never = connect({ url: hub.url, signal: controller.signal });
  assertEquals(never.state, "closed");
  assertEquals(await new EventLog(never).rest(), []);
  assertEquals(hub.unexpected, 0);
});

Deno.test("a loop that is left ends nothing: the next one goes on where it stopped", async () => {
  await using hub = new ScriptedHub();
  await using conversation = connect({ url: hub.url });
  await hub.welcome({ rooms: [joined("lobby", { history: messages(1, 3) })] });
  const seen: number[] = [];
  for (let round = 0; round < 3; round++) {
    for await (const event of conversation) {
      if (event.type !== "message") continue;
      seen.push(event.id);
      break;
    }
  }
  assertEquals(seen, [1, 2, 3]);
  assertEquals(conversation.state, "online");
});

Deno.test("`nick()` takes effect when the hub says nothing against it, even if nobody is told", async () => {
  await using hub = new ScriptedHub();
  await using conversation = connect({ url: hub.url });
  const log = new EventLog(conversation);
  const side = await hub.welcome();
  await log.until("joined");
  conversation.nick("  Ann  of   Green Gables ");
  assertEquals((await side.expect("nick")).sender, "Ann of Green Gables");
  side.say({ type: "pong", ref: (await side.expect("ping")).ref ?? "" }, message(1));
  await log.until("message");
  assertEquals(conversation.sender, "Ann of Green Gables");
});

Deno.test("`nick()` that the hub found too fast is not taken for granted, but asked again", async () => {
  await using hub = new ScriptedHub();
  const clock = new FakeClock();
  await using conversation = connect({ url: hub.url }, { clock });
  const log = new EventLog(conversation);
  const side = await hub.welcome();
  await log.until("joined");
  conversation.nick("Ann");
  await side.expect("nick");
  const { ref = "" } = await side.expect("ping");
  side.say(
    { type: "error", code: "rate_limited", message: "Slower", retryAfter: 1 },
    { type: "pong", ref },
    message(1),
  );
  await log.until("message");
  assertEquals(conversation.sender, "Alice");
  clock.advance(1000);
  await side.expect("nick");
  await side.expect("ping");
  side.say({ type: "pong", ref }, message(2));
  await log.until("message");
  assertEquals(conversation.sender, "Ann");
});

Deno.test("`join()` takes back a `leave()` that was not said yet, and follows one that was", async () => {
  await using hub = new ScriptedHub();
  await using conversation = connect({ url: hub.url });
  const log = new EventLog(conversation);
  const side = await hub.welcome();
  await log.until("joined");
  conversation.leave("lobby");
  conversation.join({ room: "lobby" });
  assertEquals(await side.expect("join"), { type: "join", room: "lobby", epoch: "e1", after: 0 });
  side.say({ ...joined("lobby", { recovered: true }), type: "joined" });
  await log.until("joined");
  assertEquals(side.unread, 0);
  conversation.leave("lobby");
  await side.expect("leave");
  conversation.join({ room: "lobby", history: 5 });
  await side.expect("join");
  side.say({ type: "left", room: "lobby" }, { ...joined("lobby"), type: "joined" });
  await log.expect("left");
  await log.expect("joined");
  assertEquals(conversation.positions, [{ room: "lobby", epoch: "e1", after: 0 }]);
});

Deno.test("`connect()` asks a token's source at every connection, and again when the hub says it expired", async () => {
  await using hub = new ScriptedHub();
  const tokens = ["t1", "t2", "t2", "t3"];
  let asked = 0;
  const clock = new FakeClock();
  await using conversation = connect({
    url: hub.url,
    token: () => Promise.resolve(tokens[asked++] ?? "t9"),
  }, { clock });
  const log = new EventLog(conversation);
  const first = await hub.accept();
  assertEquals((await first.hello()).token, "t1");
  first.welcome();
  await log.expect("connecting");
  await log.expect("online");
  const expired = { type: "error", code: "unauthorized", message: "expired" } as const;
  first.say(expired);
  assertEquals(await first.hello(), { type: "hello", token: "t2" });
  // There is no newer one at first: it is asked for until there is.
  first.say(expired);
  await until("the third question", () => asked === 3);
  await until("the fourth question", () => {
    clock.advance(5000);
    return asked === 4;
  });
  assertEquals(await first.hello(), { type: "hello", token: "t3" });
});

Deno.test("`connect()` says why it has no token, and does not go on without", async () => {
  await using hub = new ScriptedHub();
  await using conversation = connect({
    url: hub.url,
    token: () => Promise.reject(new Error("the safe is locked")),
  });
  const error = await assertRejects(() => conversation.send({ message: "x" }), ConnectError);
  assert(error.message.includes("Cannot get a token: the safe is locked"), error.message);
  assertEquals((await hub.accept()).unread, 0);
});
