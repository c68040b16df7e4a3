import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { connect, ConnectError, RequestError } from "../../client.ts";
import { FakeClock } from "../kit/fake_clock.ts";
import { EventLog } from "../kit/event_log.ts";
import { joined, message, messages, ScriptedHub } from "../kit/scripted_hub.ts";
import { until, within } from "../kit/wait.ts";

Deno.test("`connect()` sends name, session, positions and echo in `hello`", async () => {
  await using hub = new ScriptedHub();
  await using connection = connect({
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
  assertEquals(connection.state, "connecting");
});

Deno.test("`connect()` without options sends an empty `hello`", async () => {
  await using hub = new ScriptedHub();
  await using _conversation = connect({ url: hub.url });
  assertEquals(await (await hub.accept()).hello(), { type: "hello" });
});

Deno.test("`connect()` yields `online`, the rooms and their history as messages, in order", async () => {
  await using hub = new ScriptedHub();
  await using connection = connect({ url: hub.url });
  const log = new EventLog(connection);
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
  assertEquals(connection.state, "online");
  assertEquals(connection.sender, "Alice-2");
  assertEquals(connection.session, "secret-1");
  assertEquals(connection.limits?.maxMessageBytes, 65536);
  assertEquals(connection.positions, [
    { room: "lobby", epoch: "e1", after: 5 },
    { room: "news", epoch: "e1", after: 1 },
  ]);
});

Deno.test("`connect()` yields other frames as events and ignores unknown types", async () => {
  await using hub = new ScriptedHub();
  await using connection = connect({ url: hub.url });
  const log = new EventLog(connection);
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
  assertEquals(connection.positions, []);
});

Deno.test("`connect()` yields an error for an invalid frame of the hub", async () => {
  await using hub = new ScriptedHub();
  await using connection = connect({ url: hub.url });
  const log = new EventLog(connection);
  const side = await hub.welcome();
  side.sayRaw('{"type":"presence","room":7}');
  const error = await log.until("error");
  assertEquals(error.code, "bad_frame");
  assert(error.message.startsWith("The hub sent an invalid frame: presence"));
});

Deno.test("`connect()` throws a TypeError for an invalid address", () => {
  assertThrows(() => connect({ url: "ftp://example.org" }), TypeError, "use HOST");
});

Deno.test("`history()`, `who()`, `ping()` and `direct()` resolve with the response to their own request", async () => {
  await using hub = new ScriptedHub();
  await using connection = connect({ url: hub.url });
  const history = connection.history("lobby", { before: 9, limit: 2, query: "tea" });
  const who = connection.who("lobby");
  const ping = connection.ping();
  const direct = connection.direct("Bob", { message: "psst", data: [1] });
  const side = await hub.welcome();
  const asked = await side.expect("history");
  assertEquals([asked.before, asked.limit, asked.query], [9, 2, "tea"]);
  const askedWho = await side.expect("who");
  const { ref: pingRef = "" } = await side.expect("ping");
  const sent = await side.expect("direct");
  const timestamp = "2026-01-02T03:04:05.678Z";
  // In another order, and with a response to no request.
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
  const refused = connection.direct("Nobody", { message: "?" });
  const { ref = "" } = await side.expect("direct");
  side.say({ type: "error", code: "no_such_user", message: "There is no Nobody", ref });
  const error = await assertRejects(() => refused, RequestError, "There is no Nobody");
  assertEquals(error.code, "no_such_user");
});

Deno.test("`join()`, `leave()`, `nick()` and `typing()` are sent to the hub and result in events", async () => {
  await using hub = new ScriptedHub();
  await using connection = connect({ url: hub.url });
  const log = new EventLog(connection);
  const side = await hub.welcome();
  await log.until("joined");
  connection.join({ room: "news", history: 3 });
  assertEquals(await side.expect("join"), { type: "join", room: "news", history: 3 });
  side.say({ ...joined("news", { history: messages(5, 6, "news") }), type: "joined" });
  const entered = await log.expect("joined");
  assertEquals([entered.room, entered.rejoined], ["news", false]);
  assertEquals(await log.ids(2), [5, 6]);
  connection.typing("news", true);
  assertEquals(await side.expect("typing"), { type: "typing", room: "news", typing: true });
  connection.nick("Ann");
  assertEquals(await side.expect("nick"), { type: "nick", sender: "Ann" });
  await side.expect("ping");
  const renamed = [{ from: "Alice", to: "Ann" }];
  side.say({ type: "presence", room: "news", online: 1, renamed });
  await log.expect("presence");
  assertEquals(connection.sender, "Ann");
  connection.leave("news");
  assertEquals(await side.expect("leave"), { type: "leave", room: "news" });
  side.say({ type: "left", room: "news" });
  assertEquals((await log.expect("left")).room, "news");
  connection.leave("news");
  assertEquals((await log.expect("error")).code, "not_in_room");
  connection.join({ room: "No Such Room" });
  assertEquals((await log.expect("error")).code, "bad_room");
});

Deno.test("`join()` before the first `welcome` adds to the hub's own rooms", async () => {
  await using hub = new ScriptedHub();
  await using connection = connect({ url: hub.url });
  connection.join({ room: "news" });
  const side = await hub.accept();
  assertEquals(await side.hello(), { type: "hello" });
  side.welcome();
  assertEquals(await side.expect("join"), { type: "join", room: "news" });
  assertEquals(connection.positions.map(({ room }) => room), ["news", "lobby"]);
  side.say({ ...joined("news"), type: "joined" });
  await new EventLog(connection).until("online");
  void connection.send({ message: "hi" }).catch(() => {});
  assertEquals((await side.expect("message")).room, "lobby");
});

Deno.test("`join()` is not repeated after the hub rejected it", async () => {
  await using hub = new ScriptedHub();
  const clock = new FakeClock();
  await using connection = connect({ url: hub.url }, { clock });
  const log = new EventLog(connection);
  const side = await hub.welcome();
  connection.join({ room: "board" });
  await side.expect("join");
  side.say({ type: "error", code: "forbidden", message: "Not for you" });
  await log.until("error");
  side.close(1011);
  clock.advance((await log.until("offline")).retryIn);
  const { rooms } = await (await hub.accept()).hello();
  assertEquals(rooms, [{ room: "lobby", epoch: "e1", after: 0 }]);
});

Deno.test("`close()` closes with 1000, ends the iteration and rejects open requests", async () => {
  await using hub = new ScriptedHub();
  const connection = connect({ url: hub.url });
  const log = new EventLog(connection);
  const side = await hub.welcome();
  await log.until("joined");
  side.say(message(1));
  const sent = connection.send({ message: "lost" });
  await side.expect("message");
  assertEquals(connection.pending, 1);
  const closing = connection.close();
  assertEquals(connection.state, "closed");
  const error = await assertRejects(() => sent, ConnectError, "closed");
  assertEquals(error.failure, "closed");
  assertEquals(await side.closeCode(), 1000);
  await within(closing, "the end");
  await log.rest();
  const later = await assertRejects(() => connection.send({ message: "late" }), ConnectError);
  assertEquals(later.failure, "closed");
  await assertRejects(() => connection.flush(), ConnectError);
  assertEquals(connection.pending, 0);
  connection.join({ room: "news" });
  await connection.close();
});

Deno.test("`close()` still yields earlier events", async () => {
  await using hub = new ScriptedHub();
  const connection = connect({ url: hub.url });
  const side = await hub.welcome({ rooms: [joined("lobby", { history: messages(1, 2) })] });
  const ping = connection.ping();
  side.say({ type: "pong", ref: (await side.expect("ping")).ref ?? "" });
  await within(ping, "pong");
  await connection.close();
  const types = ["connecting", "online", "joined", "message", "message"];
  assertEquals(await new EventLog(connection).rest(), types);
});

Deno.test("`close()` while connecting leaves nothing open", async () => {
  await using hub = new ScriptedHub();
  const connection = connect({ url: hub.url });
  const sent = connection.send({ message: "never" });
  const refused = assertRejects(() => sent, ConnectError, "closed");
  await connection.close();
  await refused;
});

Deno.test("`close()` does not wait for a hub that never answers", async () => {
  const clock = new FakeClock();
  // A socket that never emits its close event.
  class Mute extends EventTarget {
    readonly readyState = WebSocket.CONNECTING;
    readonly bufferedAmount = 0;
    close(): void {}
  }
  const connection = connect({ url: "ws://localhost" }, {
    clock,
    socket: () => new Mute() as unknown as WebSocket,
  });
  const closing = connection.close();
  clock.advance(2000);
  await within(closing, "the end");
});

Deno.test("aborting `signal` closes the connection", async () => {
  await using hub = new ScriptedHub();
  const controller = new AbortController();
  const connection = connect({ url: hub.url, signal: controller.signal });
  const log = new EventLog(connection);
  const side = await hub.welcome();
  await log.until("online");
  controller.abort();
  assertEquals(connection.state, "closed");
  await log.rest();
  assertEquals(await side.closeCode(), 1000);
  await connection.close();
  const never = connect({ url: hub.url, signal: controller.signal });
  assertEquals(never.state, "closed");
  assertEquals(await new EventLog(never).rest(), []);
  assertEquals(hub.unexpected, 0);
});

Deno.test("leaving a loop does not close the connection, and the next loop continues", async () => {
  await using hub = new ScriptedHub();
  await using connection = connect({ url: hub.url });
  await hub.welcome({ rooms: [joined("lobby", { history: messages(1, 3) })] });
  const seen: number[] = [];
  for (let round = 0; round < 3; round++) {
    for await (const event of connection) {
      if (event.type !== "message") continue;
      seen.push(event.id);
      break;
    }
  }
  assertEquals(seen, [1, 2, 3]);
  assertEquals(connection.state, "online");
});

Deno.test("`nick()` takes effect without a `presence` frame if no error follows", async () => {
  await using hub = new ScriptedHub();
  await using connection = connect({ url: hub.url });
  const log = new EventLog(connection);
  const side = await hub.welcome();
  await log.until("joined");
  connection.nick("  Ann  of   Green Gables ");
  assertEquals((await side.expect("nick")).sender, "Ann of Green Gables");
  side.say({ type: "pong", ref: (await side.expect("ping")).ref ?? "" }, message(1));
  await log.until("message");
  assertEquals(connection.sender, "Ann of Green Gables");
});

Deno.test("`nick()` is repeated after `rate_limited`", async () => {
  await using hub = new ScriptedHub();
  const clock = new FakeClock();
  await using connection = connect({ url: hub.url }, { clock });
  const log = new EventLog(connection);
  const side = await hub.welcome();
  await log.until("joined");
  connection.nick("Ann");
  await side.expect("nick");
  const { ref = "" } = await side.expect("ping");
  side.say(
    { type: "error", code: "rate_limited", message: "Slower", retryAfter: 1 },
    { type: "pong", ref },
    message(1),
  );
  await log.until("message");
  assertEquals(connection.sender, "Alice");
  clock.advance(1000);
  await side.expect("nick");
  await side.expect("ping");
  side.say({ type: "pong", ref }, message(2));
  await log.until("message");
  assertEquals(connection.sender, "Ann");
});

Deno.test("`join()` cancels a `leave()` that was not sent, and follows one that was", async () => {
  await using hub = new ScriptedHub();
  await using connection = connect({ url: hub.url });
  const log = new EventLog(connection);
  const side = await hub.welcome();
  await log.until("joined");
  connection.leave("lobby");
  connection.join({ room: "lobby" });
  assertEquals(await side.expect("join"), { type: "join", room: "lobby", epoch: "e1", after: 0 });
  side.say({ ...joined("lobby", { recovered: true }), type: "joined" });
  await log.until("joined");
  assertEquals(side.unread, 0);
  connection.leave("lobby");
  await side.expect("leave");
  connection.join({ room: "lobby", history: 5 });
  await side.expect("join");
  side.say({ type: "left", room: "lobby" }, { ...joined("lobby"), type: "joined" });
  await log.expect("left");
  await log.expect("joined");
  assertEquals(connection.positions, [{ room: "lobby", epoch: "e1", after: 0 }]);
});

Deno.test("`connect()` calls the token source for each connection and when the token expires", async () => {
  await using hub = new ScriptedHub();
  const tokens = ["t1", "t2", "t2", "t3"];
  let asked = 0;
  const clock = new FakeClock();
  await using connection = connect({
    url: hub.url,
    token: () => Promise.resolve(tokens[asked++] ?? "t9"),
  }, { clock });
  const log = new EventLog(connection);
  const first = await hub.accept();
  assertEquals((await first.hello()).token, "t1");
  first.welcome();
  await log.expect("connecting");
  await log.expect("online");
  const expired = { type: "error", code: "unauthorized", message: "expired" } as const;
  first.say(expired);
  assertEquals(await first.hello(), { type: "hello", token: "t2" });
  // The source has no newer token at first, and is called until it has.
  first.say(expired);
  await until("the third question", () => asked === 3);
  await until("the fourth question", () => {
    clock.advance(5000);
    return asked === 4;
  });
  assertEquals(await first.hello(), { type: "hello", token: "t3" });
});

Deno.test("`connect()` fails with the error of the token source", async () => {
  await using hub = new ScriptedHub();
  await using connection = connect({
    url: hub.url,
    token: () => Promise.reject(new Error("the safe is locked")),
  });
  const error = await assertRejects(() => connection.send({ message: "x" }), ConnectError);
  assert(error.message.includes("Cannot get a token: the safe is locked"), error.message);
  assertEquals((await hub.accept()).unread, 0);
});
