import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { connect, ConnectError, RequestError } from "../../client.ts";
import { FakeClock } from "../kit/fake_clock.ts";
import { EventLog } from "../kit/event_log.ts";
import { helloWith, joined, message, messages, refusal, ScriptedHub } from "../kit/scripted_hub.ts";
import { until, within } from "../kit/wait.ts";

Deno.test("`connect()` sends name, session, positions and echo in `hello`", async () => {
  await using hub = new ScriptedHub();
  await using connection = connect({
    url: hub.url,
    sender: "Alice",
    token: "t0ken",
    client: { name: "watcher", version: "7" },
    session: "earlier",
    rooms: [{ room: "news", epoch: "e7", after: 41 }, { room: "lobby", recent: 5 }],
    echo: false,
  });
  const side = await hub.accept();
  assertEquals(
    await side.hello(),
    helloWith({
      sender: "Alice",
      token: "t0ken",
      client: { name: "watcher", version: "7" },
      session: "earlier",
      rooms: [{ room: "news", epoch: "e7", after: 41 }, { room: "lobby", recent: 5 }],
      echo: false,
    }),
  );
  assertEquals(connection.state, "connecting");
});

Deno.test("`connect()` without options sends an empty `hello`", async () => {
  await using hub = new ScriptedHub();
  await using _conversation = connect({ url: hub.url });
  assertEquals(await (await hub.accept()).hello(), helloWith({}));
});

Deno.test("`connect()` yields `online`, the rooms and their history as messages, in order", async () => {
  await using hub = new ScriptedHub();
  await using connection = connect({ url: hub.url });
  const log = new EventLog(connection);
  const side = await hub.welcome({
    sender: "Alice-2",
    rooms: [
      joined("lobby", { messages: messages(3, 4), online: 7 }),
      joined("news", { messages: messages(1, 1, "news") }),
    ],
  });
  side.say(message(5));
  assertEquals((await log.expect("connecting")).attempt, 1);
  const online = await log.expect("online");
  assertEquals([online.reconnected, online.welcome.sender], [false, "Alice-2"]);
  assertEquals(online.welcome.rooms, ["lobby", "news"]);
  const lobby = await log.expect("joined");
  assertEquals([lobby.room, lobby.rejoined, lobby.online], ["lobby", false, 7]);
  assertEquals([lobby.missed, lobby.messages.map(({ id }) => id)], [0, [3, 4]]);
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
    { type: "typing", room: "lobby", sender: "Bob", active: true },
    { type: "direct", sender: "Bob", to: "Alice", timestamp, message: "psst" },
    { type: "system", message: "Hello", timestamp, event: "notice" },
    { type: "live", room: "lobby", id: 0 },
    refusal({ message: "Something is wrong" }),
    refusal({ message: "about a ref long gone", ref: "nobody" }),
    { type: "ok", re: "nick", ref: 99 },
    { type: "left", room: "lobby" },
  );
  assertEquals((await log.expect("presence")).joined, ["Bob"]);
  await log.expect("typing");
  assertEquals((await log.expect("direct")).message, "psst");
  await log.expect("system");
  await log.expect("live");
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

Deno.test("`history()`, `members()`, `ping()` and `direct()` resolve with the response to their own request", async () => {
  await using hub = new ScriptedHub();
  await using connection = connect({ url: hub.url });
  const history = connection.history("lobby", { before: 9, limit: 2, query: "tea" });
  const members = connection.members("lobby");
  const ping = connection.ping();
  const direct = connection.direct("Bob", { message: "psst", data: [1] });
  const side = await hub.welcome();
  const asked = await side.expect("history");
  assertEquals([asked.before, asked.limit, asked.query], [9, 2, "tea"]);
  const askedMembers = await side.expect("members");
  const { ref: pingRef = "" } = await side.expect("ping");
  const sent = await side.expect("direct");
  const timestamp = "2026-01-02T03:04:05.678Z";
  // In another order, and with a response to no request.
  side.say(
    { type: "pong", ref: "never" },
    { type: "direct", sender: "Alice", timestamp, to: "Bob", message: "psst", ref: sent.ref ?? "" },
    { type: "pong", ref: pingRef },
    { type: "members", room: "lobby", online: 1, members: ["Alice"], ref: askedMembers.ref ?? "" },
    {
      type: "history",
      room: "lobby",
      epoch: "e1",
      messages: messages(7, 8),
      more: true,
      ref: asked.ref ?? "",
    },
  );
  assertEquals((await within(history, "history")).messages.map(({ id }) => id), [7, 8]);
  assertEquals((await within(members, "members")).members, ["Alice"]);
  assertEquals((await within(ping, "pong")).ref, pingRef);
  assertEquals((await within(direct, "direct")).to, "Bob");
  const refused = connection.direct("Nobody", { message: "?" });
  const { ref = "" } = await side.expect("direct");
  side.refuse({ code: "no_such_user", message: "There is no Nobody", ref });
  const error = await assertRejects(() => refused, RequestError, "There is no Nobody");
  assertEquals(error.code, "no_such_user");
});

Deno.test("`join()`, `leave()`, `nick()` and `typing()` are sent to the hub and result in events", async () => {
  await using hub = new ScriptedHub();
  await using connection = connect({ url: hub.url });
  const log = new EventLog(connection);
  const side = await hub.welcome();
  await log.until("joined");
  connection.join({ room: "news", recent: 3 });
  const { ref: joinRef = "", ...join } = await side.expect("join");
  assertEquals(join, { type: "join", room: "news", recent: 3 });
  const news = joined("news", { messages: messages(5, 6, "news") });
  side.say({ ...news, type: "joined", ref: joinRef });
  const entered = await log.expect("joined");
  assertEquals([entered.room, entered.rejoined], ["news", false]);
  assertEquals(await log.ids(2), [5, 6]);
  connection.typing("news", true);
  const { room, active } = await side.expect("typing");
  assertEquals([room, active], ["news", true]);
  connection.nick("Ann");
  assertEquals((await side.expect("nick")).name, "Ann");
  // That of another person, who had the name before.
  const renamed = [{ from: "Alice", to: "Someone" }];
  side.say({ type: "presence", room: "news", online: 1, renamed });
  await log.expect("presence");
  assertEquals(connection.sender, "Alice");
  side.say({ type: "renamed", from: "Alice", name: "Ann" });
  await log.expect("renamed");
  assertEquals(connection.sender, "Ann");
  connection.leave("news");
  const { ref: leaveRef = "", ...leave } = await side.expect("leave");
  assertEquals(leave, { type: "leave", room: "news" });
  side.say({ type: "left", room: "news", ref: leaveRef });
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
  assertEquals(await side.hello(), helloWith({}));
  side.welcome();
  const { ref = "" } = await side.expect("join");
  assertEquals(connection.positions.map(({ room }) => room), ["news", "lobby"]);
  side.say({ ...joined("news"), type: "joined", ref });
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
  const { ref = "" } = await side.expect("join");
  side.refuse({ code: "forbidden", message: "Not for you", re: "join", room: "board", ref });
  assertEquals((await log.until("error")).message, "Not for you");
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
  const side = await hub.welcome({ rooms: [joined("lobby", { messages: messages(1, 2) })] });
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
  await hub.welcome({ rooms: [joined("lobby", { messages: messages(1, 3) })] });
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

Deno.test("`nick()` takes effect without a `presence` frame once the hub accepts it", async () => {
  await using hub = new ScriptedHub();
  await using connection = connect({ url: hub.url });
  const log = new EventLog(connection);
  const side = await hub.welcome();
  await log.until("joined");
  connection.nick("  Ann  of   Green Gables ");
  const { name, ref = "" } = await side.expect("nick");
  assertEquals(name, "Ann of Green Gables");
  side.say(message(1));
  await log.until("message");
  assertEquals(connection.sender, "Alice");
  // The hub's spelling counts.
  side.say({ type: "ok", re: "nick", name: "Ann of Green Gables", ref }, message(2));
  await log.until("message");
  assertEquals(connection.sender, "Ann of Green Gables");
  connection.nick("Bob");
  side.refuse({ code: "name_taken", re: "nick", ref: (await side.expect("nick")).ref ?? "" });
  assertEquals((await log.expect("error")).code, "name_taken");
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
  const { ref = "" } = await side.expect("nick");
  side.say(
    refusal({ code: "rate_limited", re: "nick", ref, final: false, retryAfter: 1 }),
    message(1),
  );
  await log.expect("message");
  assertEquals(connection.sender, "Alice");
  clock.advance(1000);
  assertEquals((await side.expect("nick")).ref, ref);
  side.say({ type: "ok", re: "nick", ref }, message(2));
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
  const { ref: joinRef = "", ...join } = await side.expect("join");
  assertEquals(join, { type: "join", room: "lobby", epoch: "e1", after: 0 });
  side.say({ ...joined("lobby", { recovered: true }), type: "joined", ref: joinRef });
  await log.until("joined");
  assertEquals(side.unread, 0);
  connection.leave("lobby");
  const { ref: leaveRef = "" } = await side.expect("leave");
  connection.join({ room: "lobby", recent: 5 });
  const { ref = "" } = await side.expect("join");
  side.say(
    { type: "left", room: "lobby", ref: leaveRef },
    { ...joined("lobby"), type: "joined", ref },
  );
  await log.expect("left");
  await log.expect("joined");
  assertEquals(connection.positions, [{ room: "lobby", recent: 5, epoch: "e1", after: 0 }]);
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
  const expired = refusal({ code: "unauthorized", message: "expired", final: true });
  first.say(expired);
  const second = await first.expect("token");
  assertEquals(second.token, "t2");
  // A request that the token does not permit says nothing about its age.
  first.say(
    { type: "ok", re: "token", ref: second.ref ?? "" },
    refusal({ code: "unauthorized", message: "not yours", re: "history" }),
  );
  assertEquals((await log.until("error")).message, "not yours");
  // The source has no newer token at first, and is called until it has.
  first.say(expired);
  await until("the third question", () => asked === 3);
  await until("the fourth question", () => {
    clock.advance(5000);
    return asked === 4;
  });
  const third = await first.expect("token");
  assertEquals(third.token, "t3");
  first.refuse({ code: "unauthorized", message: "wrong", re: "token", ref: third.ref ?? "" });
  assertEquals((await log.until("error")).message, "wrong");
  await until("the fifth question", () => {
    clock.advance(5000);
    return asked === 5;
  });
  const fifth = await first.expect("token");
  assertEquals(fifth.token, "t9");
  // The hub cannot check it for the moment.
  const script = { code: "rate_limited", final: false, re: "token" } as const;
  first.refuse({ ...script, ref: fifth.ref ?? "" });
  await until("the sixth question", () => {
    clock.advance(5000);
    return asked === 6;
  });
  const sixth = await first.expect("token");
  assertEquals(sixth.token, "t9");
  // Two questions at once, of which the second brings nothing new.
  tokens.push("t9", "t9", "t10", "t10");
  asked = 6;
  first.say(expired, expired, message(1));
  const seventh = await first.expect("token");
  assertEquals(seventh.token, "t10");
  first.say({ type: "ok", re: "token", ref: seventh.ref ?? "" }, message(2));
  assertEquals(await log.ids(2), [1, 2]);
  clock.advance(60_000);
  assertEquals(asked, 8);
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
