import { assert, assertEquals, assertMatch } from "@std/assert";
import { openSqliteBroker } from "../../broker/sqlite/sqlite_broker.ts";
import { FakeClock } from "../kit/fake_clock.ts";
import { type JoinedRoomFrame, type ReceivedFrame, TestSocket } from "../kit/test_socket.ts";
import { startTestHub } from "../kit/test_hub.ts";

const lobbyOf = ([lobby]: JoinedRoomFrame[]): JoinedRoomFrame => {
  assert(lobby !== undefined);
  return lobby;
};

const ids = (messages: ReceivedFrame[]): unknown[] => messages.map((message) => message["id"]);

Deno.test("a v1 client receives nothing before its hello", async () => {
  await using hub = await startTestHub();
  await using silent = await TestSocket.open(hub.url, "bcast.v1");
  assertEquals(silent.socket.protocol, "bcast.v1");
  await using bob = await TestSocket.plain(hub.url, "Bob");
  bob.send({ type: "message", message: "hi" });
  await bob.next("message");
  silent.send({ type: "hello", sender: "Alice" });
  const [_welcome, joined] = await silent.welcome();
  assertEquals(silent.frames[0] !== undefined && JSON.parse(silent.frames[0]).type, "welcome");
  assertEquals(lobbyOf(joined).messages.map((message) => message["message"]), ["hi"]);
});

Deno.test("a v1 client that sends anything before hello is told to say hello", async () => {
  await using hub = await startTestHub();
  await using socket = await TestSocket.open(hub.url, "bcast.v1");
  socket.send({ type: "message", message: "hi", ref: 7 });
  const error = await socket.next("error");
  assertEquals([error["code"], error["ref"]], ["unauthorized", 7]);
});

Deno.test("a v1 client without a hello within ten seconds is closed with 4002", async () => {
  const clock = new FakeClock();
  await using hub = await startTestHub({ clock });
  const socket = await TestSocket.open(hub.url, "bcast.v1");
  await using plain = await TestSocket.plain(hub.url, "Bob");
  clock.advance(10_000);
  plain.send({ type: "ping" });
  await plain.next("pong");
  assertEquals(hub.online, 2);
  clock.advance(2_000);
  assertEquals((await socket.closed).code, 4002);
  assertEquals(hub.online, 1);
});

Deno.test("a v1 frame may hold several objects in both directions", async () => {
  await using hub = await startTestHub();
  const [alice] = await TestSocket.v1(hub.url, { sender: "Alice" });
  await using _ = alice;
  const frames = [1, 2, 3].map((ref) =>
    JSON.stringify({ type: "message", message: `m${ref}`, ref })
  );
  alice.send(frames.join("\n"));
  for (const ref of [1, 2, 3]) assertEquals((await alice.next("ack"))["id"], ref);
  assertEquals(alice.all("message").map((frame) => frame["message"]), ["m1", "m2", "m3"]);
});

Deno.test("the ack contains the id of the delivered message", async () => {
  await using hub = await startTestHub();
  const [alice] = await TestSocket.v1(hub.url, { sender: "Alice" });
  await using _a = alice;
  await using bob = await TestSocket.plain(hub.url, "Bob");
  alice.send({ type: "message", message: "hi", data: { n: [1, null] }, ref: "r1" });
  const ack = await alice.next("ack");
  const seen = await bob.next("message");
  assertEquals([ack["ref"], ack["room"], ack["id"]], ["r1", "lobby", seen["id"]]);
  assertEquals(ack["timestamp"], seen["timestamp"]);
  assertEquals(seen["data"], { n: [1, null] });
});

Deno.test("a repeated key of one session is stored once", async () => {
  await using hub = await startTestHub();
  const [alice] = await TestSocket.v1(hub.url);
  await using _a = alice;
  const [bob] = await TestSocket.v1(hub.url);
  await using _b = bob;
  alice.send({ type: "message", message: "once", ref: 1, key: "r" });
  const first = await alice.next("ack");
  assertEquals(first["duplicate"], undefined);
  alice.send({ type: "message", message: "once", ref: 1, key: "r" });
  const again = await alice.next("ack");
  assertEquals([again["id"], again["duplicate"]], [first["id"], true]);
  bob.send({ type: "message", message: "another session's", ref: 1, key: "r" });
  assertEquals((await bob.next("ack"))["id"], 2);
  assertEquals(ids(bob.all("message")), [1, 2]);
});

Deno.test("a resuming client gets missed messages once, in order, before live ones", async () => {
  await using hub = await startTestHub();
  const [alice, welcome, joined] = await TestSocket.v1(hub.url, { sender: "Alice" });
  const { epoch } = lobbyOf(joined);
  await using bob = await TestSocket.plain(hub.url, "Bob");
  bob.send({ type: "message", message: "seen" });
  await alice.next("message");
  alice.socket.close(4000);
  await alice.closed;
  for (let n = 2; n <= 700; n++) bob.send({ type: "message", message: "x".repeat(1000) });
  await bob.next("message", (frame) => frame["id"] === 700);

  const [back, _welcome, again] = await TestSocket.v1(hub.url, {
    session: welcome["session"],
    rooms: [{ room: "lobby", epoch, after: 1 }],
  });
  await using _ = back;
  bob.send({ type: "message", message: "live" });
  await back.next("message", (frame) => frame["id"] === 701);
  const lobby = lobbyOf(again);
  assertEquals(lobby.recovered, true);
  assertEquals(
    [...ids(lobby.messages), ...ids(back.all("message"))],
    Array.from({ length: 700 }, (_, index) => index + 2),
  );
});

Deno.test("a client that cannot resume is told, and gets the newest messages", async (t) => {
  await using hub = await startTestHub();
  await using bob = await TestSocket.plain(hub.url, "Bob");
  for (let n = 1; n <= 3; n++) bob.send({ type: "message", message: `m${n}` });
  await bob.next("message", (frame) => frame["id"] === 3);
  const [probe, _welcome, joined] = await TestSocket.v1(hub.url);
  await probe.close();
  const { epoch } = lobbyOf(joined);

  for (
    const [what, position] of [
      ["epoch", { epoch: "elsewhere", after: 1 }],
      ["ahead", { epoch, after: 99 }],
    ] as const
  ) {
    await t.step(what, async () => {
      const [socket, _welcome, again] = await TestSocket.v1(hub.url, {
        rooms: [{ room: "lobby", ...position }],
      });
      await using _ = socket;
      assertEquals([lobbyOf(again).recovered, lobbyOf(again)["reset"]], [false, what]);
      assertEquals(ids(lobbyOf(again).messages), [1, 2, 3]);
    });
  }
});

Deno.test("a disconnect shorter than the grace time is not announced and keeps the name", async () => {
  const clock = new FakeClock();
  await using hub = await startTestHub({ clock });
  const [alice, welcome] = await TestSocket.v1(hub.url, { sender: "Alice" });
  const [bob] = await TestSocket.v1(hub.url, { sender: "Bob" });
  await using _b = bob;
  clock.advance(200);
  await bob.next("presence");
  alice.socket.close(4000);
  await alice.closed;
  clock.advance(9_000);
  await using thief = await TestSocket.plain(hub.url, "Alice");
  assertEquals(thief.all("welcome")[0]?.["sender"], "Alice-2");
  bob.send({ type: "direct", to: "Alice", message: "are you there?" });
  await bob.next("direct");

  const [back, again] = await TestSocket.v1(hub.url, { session: welcome["session"] });
  assertEquals([again["sender"], again["session"]], ["Alice", welcome["session"]]);
  assertEquals(back.all("direct").map(({ message }) => message), ["are you there?"]);
  clock.advance(200);
  const presence = await bob.next("presence");
  assertEquals([presence["joined"], presence["left"]], [["Alice-2"], undefined]);

  back.socket.close(4000);
  await back.closed;
  // The hub may notice the end later than the client: retries until it has.
  while (hub.online > 2) await (bob.send({ type: "ping" }), bob.next("pong"));
  clock.advance(11_000);
  assertEquals((await bob.next("presence"))["left"], ["Alice"]);
});

Deno.test("a client that closes normally leaves immediately", async () => {
  await using hub = await startTestHub();
  const [alice] = await TestSocket.v1(hub.url, { sender: "Alice" });
  const [bob] = await TestSocket.v1(hub.url, { sender: "Bob" });
  await using _ = bob;
  await bob.next("presence");
  await alice.close();
  await bob.next("presence", (frame) => String(frame["left"]) === "Alice");
});

Deno.test("a session resumed in a new connection closes the old one with 4502", async () => {
  await using hub = await startTestHub();
  const [old, welcome] = await TestSocket.v1(hub.url, { sender: "Alice" });
  const [newer, again] = await TestSocket.v1(hub.url, { session: welcome["session"] });
  await using _ = newer;
  assertEquals((await old.closed).code, 4502);
  assertEquals(again["sender"], "Alice");
  newer.send({ type: "members", room: "lobby" });
  assertEquals((await newer.next("members"))["members"], ["Alice"]);
});

Deno.test("`echo: false` omits the client's own messages only", async () => {
  await using hub = await startTestHub();
  const [alice] = await TestSocket.v1(hub.url, { sender: "Alice", echo: false });
  await using _ = alice;
  await using bob = await TestSocket.plain(hub.url, "Bob");
  alice.send({ type: "message", message: "mine", ref: 1 });
  await alice.next("ack");
  bob.send({ type: "message", message: "Bob's" });
  await alice.next("message");
  assertEquals(alice.all("message").map((frame) => frame["message"]), ["Bob's"]);
});

Deno.test("a plain client may say hello and resume a session", async () => {
  await using hub = await startTestHub();
  const [alice, welcome] = await TestSocket.v1(hub.url, { sender: "Alice" });
  alice.socket.close(4000);
  await alice.closed;
  await using plain = await TestSocket.plain(hub.url);
  plain.send({ type: "hello", session: welcome["session"] });
  assertEquals((await plain.next("welcome"))["sender"], "Alice");
  plain.send({ type: "members", room: "lobby" });
  assertEquals((await plain.next("members"))["members"], ["Alice"], "the guest it was is gone");
});

Deno.test("rooms are joined, left and limited", async () => {
  await using hub = await startTestHub({ limits: { maxRooms: 2 } });
  const [alice] = await TestSocket.v1(hub.url, { sender: "Alice" });
  await using _ = alice;
  alice.send({ type: "join", room: "ops" });
  const joined = await alice.next("joined");
  assertEquals([joined["room"], joined["online"], joined["members"]], ["ops", 1, ["Alice"]]);
  alice.send({ type: "join", room: "third" });
  assertEquals((await alice.next("error"))["code"], "too_many_rooms");
  alice.send({ type: "leave", room: "ops" });
  assertEquals((await alice.next("left"))["room"], "ops");
  alice.send({ type: "message", room: "ops", message: "x", ref: 5 });
  const error = await alice.next("error");
  assertEquals([error["code"], error["ref"]], ["not_in_room", 5]);
});

Deno.test("an empty room keeps its messages", async () => {
  await using hub = await startTestHub();
  const [alice] = await TestSocket.v1(hub.url, { rooms: [{ room: "ops" }] });
  alice.send({ type: "message", message: "kept", ref: 1 });
  await alice.next("ack");
  await alice.close();
  const [bob, _welcome, joined] = await TestSocket.v1(hub.url, { rooms: [{ room: "ops" }] });
  await using _ = bob;
  assertEquals(lobbyOf(joined).messages.map((message) => message["message"]), ["kept"]);
});

Deno.test("names can be changed, and are unique ignoring case", async () => {
  await using hub = await startTestHub();
  const [alice] = await TestSocket.v1(hub.url, { sender: "Alice" });
  await using _a = alice;
  const [bob] = await TestSocket.v1(hub.url, { sender: "Bob" });
  await using _b = bob;
  await alice.next("presence", (frame) => String(frame["joined"]).includes("Bob"));
  bob.send({ type: "nick", name: "aLICE" });
  assertEquals((await bob.next("error"))["code"], "name_taken");
  bob.send({ type: "nick", name: "Robert" });
  const presence = await alice.next("presence");
  assertEquals(presence["renamed"], [{ from: "Bob", to: "Robert" }]);
  alice.send({ type: "nick", name: "ALICE" });
  await bob.next("presence", (frame) => JSON.stringify(frame["renamed"])?.includes("ALICE"));
});

Deno.test("typing is announced to the others in the room", async () => {
  await using hub = await startTestHub();
  const [alice] = await TestSocket.v1(hub.url, { sender: "Alice" });
  await using _a = alice;
  const [bob] = await TestSocket.v1(hub.url, { sender: "Bob" });
  await using _b = bob;
  alice.send({ type: "typing", room: "lobby", active: true });
  const typing = await bob.next("typing");
  assertEquals([typing["sender"], typing["active"]], ["Alice", true]);
  alice.send({ type: "ping", ref: "p" });
  assertEquals((await alice.next("pong"))["ref"], "p");
  assertEquals(alice.all("typing"), []);
});

Deno.test("a private message reaches its receiver and, as confirmation, its sender", async () => {
  await using hub = await startTestHub();
  const [alice] = await TestSocket.v1(hub.url, { sender: "Alice" });
  await using _a = alice;
  const [bob] = await TestSocket.v1(hub.url, { sender: "Bob" });
  await using _b = bob;
  const [eve] = await TestSocket.v1(hub.url, { sender: "Eve" });
  await using _e = eve;
  alice.send({ type: "direct", to: "bob", message: "psst", ref: "d" });
  const [received, receipt] = [await bob.next("direct"), await alice.next("direct")];
  assertEquals([received["sender"], received["to"], received["ref"]], ["Alice", "Bob", undefined]);
  assertEquals([receipt["ref"], receipt["message"]], ["d", "psst"]);
  alice.send({ type: "direct", to: "Nobody", message: "?", ref: "n" });
  assertEquals((await alice.next("error"))["code"], "no_such_user");
  eve.send({ type: "ping" });
  await eve.next("pong");
  assertEquals(eve.all("direct"), []);
});

Deno.test("private messages for a disconnected client are bounded, and the sender is told", async () => {
  await using hub = await startTestHub({ clock: new FakeClock() });
  const [alice] = await TestSocket.v1(hub.url, { sender: "Alice" });
  const [bob] = await TestSocket.v1(hub.url, { sender: "Bob" });
  await using _ = bob;
  alice.socket.close(4000);
  await alice.closed;
  while (hub.online > 1) await (bob.send({ type: "ping" }), bob.next("pong"));
  const message = "x".repeat(60_000);
  for (let ref = 1; ref <= 5; ref++) bob.send({ type: "direct", to: "Alice", message, ref });
  const error = await bob.next("error");
  assertEquals([error["code"], error["ref"], error["retryAfter"]], ["rate_limited", 5, 10]);
  assertEquals(bob.all("direct").length, 4);
});

Deno.test("history is read in pages, in either direction, and searched", async () => {
  await using hub = await startTestHub();
  const [alice] = await TestSocket.v1(hub.url, { sender: "Alice" });
  await using _ = alice;
  for (let n = 1; n <= 120; n++) {
    alice.send({ type: "message", message: n % 40 === 0 ? `deploy ${n}` : `m${n}`, ref: n });
  }
  await alice.next("ack", (frame) => frame["id"] === 120);
  const ask = async (request: object): Promise<[unknown[], unknown]> => {
    alice.send({ type: "history", room: "lobby", ref: "h", ...request });
    const { messages, more } = await alice.next("history");
    return [ids(messages as ReceivedFrame[]), more];
  };
  assertEquals(await ask({ limit: 2 }), [[119, 120], true]);
  assertEquals(await ask({ before: 3, limit: 5 }), [[1, 2], false]);
  assertEquals(await ask({ after: 117, limit: 2 }), [[118, 119], true]);
  assertEquals(await ask({ after: 118, limit: 2 }), [[119, 120], false]);
  assertEquals(await ask({ query: "deploy" }), [[40, 80, 120], false]);
  assertEquals(await ask({ query: `"no AND (such` }), [[], false]);
  const [newest] = await ask({});
  assertEquals(newest.length, 50);
});

Deno.test("frames over the rate are refused, and then the connection is closed with 4029", async () => {
  const clock = new FakeClock();
  await using hub = await startTestHub({
    clock,
    limits: { rate: 10, burst: 20, rateOnLoopback: true },
  });
  await using bystander = await TestSocket.plain(hub.url, "Bob");
  const [alice] = await TestSocket.v1(hub.url, { sender: "Alice" });
  for (let n = 1; n <= 30; n++) alice.send({ type: "message", message: "x", ref: n });
  const error = await alice.next("error");
  assertEquals([error["code"], error["retryAfter"]], ["rate_limited", 0.1]);
  // The hello took one token.
  assertEquals(error["ref"], 20);
  clock.advance(1_000);
  alice.send({ type: "message", message: "after a rest", ref: "rested" });
  assertEquals((await alice.next("ack", (ack) => ack["ref"] === "rested"))["id"], 20);
  for (let n = 0; n < 200; n++) alice.send({ type: "ping", ref: n });
  await alice.next("error", (frame) => frame["ref"] === 68);
  bystander.send({ type: "ping" });
  await bystander.next("pong");
  clock.advance(1_000);
  const { code, reason } = await alice.closed;
  assertEquals(code, 4029);
  assertMatch(reason, /10 frames a second/);
  bystander.send({ type: "members", room: "lobby" });
  await bystander.next("members");
  assertEquals(ids(bystander.all("message")), Array.from({ length: 20 }, (_, index) => index + 1));
});

Deno.test("joins and leaves within one window are sent in one frame", async () => {
  const clock = new FakeClock();
  await using hub = await startTestHub({ clock });
  const [watcher] = await TestSocket.v1(hub.url, { sender: "Watcher" });
  await using _ = watcher;
  clock.advance(200);
  await watcher.next("presence");
  const others = await Promise.all(
    ["A", "B", "C"].map((sender) => TestSocket.plain(hub.url, sender)),
  );
  clock.advance(200);
  const presence = await watcher.next("presence");
  assertEquals(presence["online"], 4);
  assertEquals([...presence["joined"] as string[]].sort(), ["A", "B", "C"]);
  for (const socket of others) await socket.close();
});

Deno.test("beyond a hundred members, presence contains only counts", async () => {
  const clock = new FakeClock();
  await using hub = await startTestHub({ clock });
  const sockets = await Promise.all(
    Array.from({ length: 101 }, (_, n) => TestSocket.plain(hub.url, `N${n}`)),
  );
  clock.advance(1_000);
  const [last, _welcome, [lobby]] = await TestSocket.v1(hub.url);
  assertEquals([lobby?.members, lobby?.online], [undefined, 102]);
  clock.advance(1_000);
  const presence = await last.next("presence");
  assertEquals([presence["online"], presence["joined"]], [102, undefined]);
  for (const socket of [...sockets, last]) await socket.close();
});

Deno.test("a retry after a restart of the hub is deduplicated, and positions stay valid", async () => {
  const folder = await Deno.makeTempDir({ prefix: "bcast-test-" });
  const path = `${folder}/bcast.db`;
  try {
    let session: unknown, epoch: string;
    {
      await using hub = await startTestHub({ path });
      const [alice, welcome, joined] = await TestSocket.v1(hub.url, { sender: "Alice" });
      session = welcome["session"];
      epoch = lobbyOf(joined).epoch;
      alice.send({ type: "message", message: "once", ref: 1, key: "r" });
      await alice.next("ack");
      alice.send({ type: "message", message: "twice", ref: 2, key: "s" });
      await alice.next("ack");
    }
    await using hub = await startTestHub({ path });
    const [alice, welcome, joined] = await TestSocket.v1(hub.url, {
      session,
      sender: "Alice",
      rooms: [{ room: "lobby", epoch, after: 1 }],
    });
    await using _ = alice;
    assertEquals([welcome["session"], lobbyOf(joined).recovered], [session, true]);
    assertEquals(ids(lobbyOf(joined).messages), [2]);
    alice.send({ type: "message", message: "once", ref: 1, key: "r" });
    const ack = await alice.next("ack");
    assertEquals([ack["id"], ack["duplicate"]], [1, true]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a client that was away for longer than the history is told", async () => {
  const broker = await openSqliteBroker({ path: ":memory:", retention: { maxMessages: 10 } });
  await using hub = await startTestHub({ broker });
  const [alice, _welcome, joined] = await TestSocket.v1(hub.url, { sender: "Alice", echo: false });
  await using _ = alice;
  const { epoch } = lobbyOf(joined);
  for (let n = 1; n <= 30; n++) alice.send({ type: "message", message: `m${n}`, ref: n });
  await alice.next("ack", (ack) => ack["ref"] === 30);
  for (const [after, recovered] of [[5, false], [20, true], [25, true], [30, true]] as const) {
    const [bob, _welcome, again] = await TestSocket.v1(hub.url, {
      rooms: [{ room: "lobby", epoch, after }],
    });
    assertEquals(lobbyOf(again).recovered, recovered, `after ${after}`);
    const seen = ids(lobbyOf(again).messages);
    assertEquals(seen.at(-1), after === 30 ? undefined : 30);
    assertEquals(seen[0], after === 30 ? undefined : recovered ? after + 1 : 21);
    await bob.close();
  }
});
