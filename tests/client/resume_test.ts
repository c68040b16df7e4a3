import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { connect, ConnectError, type ConnectOptions, type Environment } from "../../client.ts";
import { FakeClock } from "../kit/fake_clock.ts";
import { EventLog } from "../kit/event_log.ts";
import {
  helloWith,
  joined,
  message,
  messages,
  ScriptedHub,
  type WelcomeScript,
} from "../kit/scripted_hub.ts";
import { within } from "../kit/wait.ts";

/** A connection that is online, after the events of the first room and its history. */
async function online(
  hub: ScriptedHub,
  options: Partial<ConnectOptions> = {},
  welcome: WelcomeScript = {},
  seams: Partial<Environment> = {},
) {
  const clock = new FakeClock();
  const connection = connect({ url: hub.url, ...options }, {
    clock,
    random: () => 0.5,
    ...seams,
  });
  const log = new EventLog(connection);
  const side = await hub.welcome(welcome);
  await log.until("joined");
  return { connection, log, side, clock };
}

Deno.test("a reconnect resumes after the last message received, and yields each message once", async () => {
  await using hub = new ScriptedHub();
  const { connection, log, side, clock } = await online(hub, { sender: "Alice" }, {
    sender: "Alice-2",
    rooms: [joined("lobby", { messages: messages(1, 2) }), joined("news", { last: 9 })],
  });
  await using _ = connection;
  side.say(message(3));
  assertEquals(await log.ids(3), [1, 2, 3]);
  side.close(1011, "A fault");
  const offline = await log.expect("offline");
  assertEquals([offline.code, offline.reason, offline.retryIn], [1011, "A fault", 125]);
  assertEquals(connection.state, "offline");
  clock.advance(125);
  assertEquals((await log.expect("connecting")).attempt, 1);
  const back = await hub.accept();
  assertEquals(
    await back.hello(),
    helloWith({
      sender: "Alice-2",
      session: "secret-1",
      rooms: [{ room: "lobby", epoch: "e1", after: 3 }, { room: "news", epoch: "e1", after: 9 }],
    }),
  );
  back.welcome({
    session: "secret-2",
    rooms: [
      // One more than requested: a hub may round down, but the user sees no duplicate.
      joined("lobby", { recovered: true, messages: messages(3, 5) }),
      joined("news", { recovered: true, last: 9 }),
    ],
  });
  back.say(message(5), message(6));
  assertEquals((await log.expect("online")).reconnected, true);
  const lobby = await log.expect("joined");
  assertEquals([lobby.rejoined, lobby.recovered, lobby.messages.length], [true, true, 2]);
  assertEquals(lobby.missed, 2);
  assertEquals((await log.expect("message")).id, 4);
  assertEquals((await log.expect("message")).id, 5);
  assertEquals((await log.expect("joined")).room, "news");
  assertEquals((await log.expect("message")).id, 6);
  assertEquals(connection.session, "secret-2");
});

Deno.test("a reconnect to another epoch yields `recovered: false` and starts over", async () => {
  await using hub = new ScriptedHub();
  const { connection, log, side, clock } = await online(hub, {}, {
    rooms: [joined("lobby", { messages: messages(1, 20) })],
  });
  await using _ = connection;
  await log.ids(20);
  side.close(1011);
  clock.advance((await log.until("offline")).retryIn);
  const back = await hub.welcome({
    rooms: [joined("lobby", { epoch: "e2", messages: messages(2, 3) })],
  });
  back.say(message(4));
  const lobby = await log.until("joined");
  assertEquals([lobby.rejoined, lobby.recovered], [true, false]);
  assertEquals(await log.ids(3), [2, 3, 4]);
  assertEquals(connection.positions, [{ room: "lobby", epoch: "e2", after: 4 }]);
});

Deno.test("a reconnect after a trim yields `recovered: false` and the remaining messages", async () => {
  await using hub = new ScriptedHub();
  const { connection, log, side, clock } = await online(hub, {}, {
    rooms: [joined("lobby", { messages: messages(1, 2) })],
  });
  await using _ = connection;
  await log.ids(2);
  side.close(1011);
  clock.advance((await log.until("offline")).retryIn);
  const back = await hub.welcome({ rooms: [joined("lobby", { messages: messages(8, 9) })] });
  back.say(message(10));
  assertEquals((await log.until("joined")).recovered, false);
  assertEquals(await log.ids(3), [8, 9, 10]);
});

Deno.test("`recovered` is false if messages are missing, even if the hub says otherwise", async () => {
  await using hub = new ScriptedHub();
  const { connection, log, side, clock } = await online(hub, {}, {
    rooms: [joined("lobby", { messages: messages(1, 2) })],
  });
  await using _ = connection;
  side.close(1011);
  clock.advance((await log.until("offline")).retryIn);
  await hub.welcome({ rooms: [joined("lobby", { recovered: true, messages: messages(4, 5) })] });
  assertEquals((await log.until("joined")).recovered, false);
});

Deno.test("a gap in live messages causes a reconnect", async () => {
  await using hub = new ScriptedHub();
  const { connection, log, side, clock } = await online(hub);
  await using _ = connection;
  side.say(message(1), message(3), message(4));
  assertEquals((await log.expect("message")).id, 1);
  const offline = await log.expect("offline");
  assertEquals(offline.reason, "A message of #lobby is missing; requesting it");
  assertEquals(await side.closeCode(), 4000);
  clock.advance(offline.retryIn);
  const back = await hub.accept();
  assertEquals((await back.hello()).rooms, [{ room: "lobby", epoch: "e1", after: 1 }]);
  back.welcome({ rooms: [joined("lobby", { recovered: true, messages: messages(2, 4) })] });
  assertEquals(await log.ids(3), [2, 3, 4]);
});

Deno.test("a message delivered twice is yielded once", async () => {
  await using hub = new ScriptedHub();
  const { connection, log, side } = await online(hub);
  await using _ = connection;
  side.say(message(1), message(1), message(2));
  side.say(message(2), message(3));
  for (const id of [1, 2, 3]) {
    assertEquals((await log.expect("message")).id, id);
  }
});

Deno.test("`join()` while offline goes into the next `hello`, `leave()` needs no hub", async () => {
  await using hub = new ScriptedHub();
  const { connection, log, side, clock } = await online(hub);
  await using _ = connection;
  side.close(1011);
  const { retryIn } = await log.until("offline");
  connection.join({ room: "news", recent: 3 });
  connection.typing("news", true);
  connection.leave("lobby");
  assertEquals((await log.expect("left")).room, "lobby");
  clock.advance(retryIn);
  const back = await hub.accept();
  assertEquals((await back.hello()).rooms, [{ room: "news", recent: 3 }]);
  back.welcome({ rooms: [joined("news")] });
  const ping = connection.ping();
  // Neither a join nor typing is sent before it.
  back.say({ type: "pong", ref: (await back.expect("ping")).ref ?? "" });
  await within(ping, "pong");
});

Deno.test("a room that is missing after a reconnect is left", async () => {
  await using hub = new ScriptedHub();
  const rooms = [joined("lobby"), joined("board")];
  const { connection, log, side, clock } = await online(hub, {}, { rooms });
  await using _ = connection;
  side.close(1011);
  clock.advance((await log.until("offline")).retryIn);
  const back = await hub.accept();
  await back.hello();
  back.refuse({ code: "forbidden", message: "Not #board any more", re: "join", room: "board" });
  back.welcome({ rooms: [joined("lobby", { recovered: true })] });
  await log.until("online");
  assertEquals((await log.expect("left")).room, "board");
  assertEquals((await log.expect("error")).message, "Not #board any more");
  await log.expect("joined");
  assertEquals(connection.positions.map(({ room }) => room), ["lobby"]);
});

Deno.test("the reconnect delay depends on the close code and grows with each failure", async () => {
  await using hub = new ScriptedHub();
  const { connection, log, side, clock } = await online(hub);
  await using _ = connection;
  const retry = async (): Promise<number> => {
    const { retryIn } = await log.until("offline");
    clock.advance(retryIn);
    return retryIn;
  };
  side.close(1011);
  assertEquals(await retry(), 125);
  (await hub.welcome()).close(1011);
  assertEquals(await retry(), 250);
  (await hub.welcome()).close(4008, "You fell behind");
  assertEquals(await retry(), 500, "only the first time at once");
  const healthy = await hub.welcome();
  await log.until("online");
  clock.advance(10_000);
  healthy.close(4008, "You fell behind");
  assertEquals(await retry(), 0, "health makes up for it");
  const stopping = await hub.welcome();
  await log.until("online");
  clock.advance(10_000);
  stopping.close(1001, "The hub is stopping");
  assertEquals(await retry(), 1500);
  const strict = await hub.welcome();
  strict.refuse({ code: "rate_limited", message: "Slower", final: false, retryAfter: 7 });
  strict.close(4029, "Too fast");
  assertEquals(await retry(), 7000 + 250);
  assertEquals((await log.until("connecting")).attempt, 1);
});

Deno.test("reconnecting continues while the hub is down, and counts its attempts", async () => {
  await using hub = new ScriptedHub();
  const { connection, log, side, clock } = await online(hub);
  await using _ = connection;
  // The response of a proxy while its hub restarts.
  hub.answer(() => new Response("<h1>Not here</h1>", { status: 404 }));
  side.close(1011);
  const waits: number[] = [];
  for (let attempt = 1; attempt <= 9; attempt++) {
    const { reason, retryIn } = await log.expect("offline");
    waits.push(retryIn);
    if (attempt > 1) assertMatch(reason, /^No bcast hub at /);
    // Must be set before the client dials, later in this turn.
    if (attempt === 9) hub.answer(undefined);
    clock.advance(retryIn);
    assertEquals((await log.expect("connecting")).attempt, attempt);
  }
  assertEquals(waits, [125, 250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  await hub.welcome();
  assertEquals((await log.expect("online")).reconnected, true);
});

Deno.test("a final close code ends the connection with the hub's reason", async () => {
  const cases = [
    { code: 4501, reason: "The token expired", failure: "rejected" },
    { code: 4503, reason: "You are banned", failure: "rejected" },
    { code: 4502, reason: "", failure: "lost" },
    { code: 1009, reason: "Over 64 KiB", failure: "lost" },
    { code: 1000, reason: "You left", failure: "lost" },
  ];
  for (const { code, reason, failure } of cases) {
    await using hub = new ScriptedHub();
    const { connection, log, side } = await online(hub);
    const sent = assertRejects(() => connection.send({ message: "hi" }), ConnectError);
    side.close(code, reason);
    const error = await assertRejects(() => log.rest(), ConnectError, reason);
    assertEquals([error.failure, error.code], [failure, code]);
    assertEquals(connection.state, "closed");
    assertEquals(await sent, error);
    await connection.close();
  }
});

Deno.test("`reconnect: false` ends after the first disconnect", async () => {
  await using hub = new ScriptedHub();
  const { connection, log, side } = await online(hub, { reconnect: false });
  side.close(1001, "The hub is stopping");
  const error = await assertRejects(() => log.rest(), ConnectError, "The hub is stopping");
  assertEquals([error.failure, error.code], ["lost", 1001]);
  await connection.close();
});

Deno.test("silence causes a ping, and a missing pong a reconnect", async () => {
  await using hub = new ScriptedHub();
  const { connection, log, side, clock } = await online(hub);
  await using _ = connection;
  clock.advance(50_000);
  assertEquals(await side.expect("ping"), { type: "ping" });
  // Any frame counts as a sign of life.
  side.say(message(1));
  await log.until("message");
  clock.advance(40_000);
  assertEquals(connection.state, "online");
  clock.advance(10_000);
  await side.expect("ping");
  // The ping followed at the first check after 45 seconds.
  clock.advance(5999);
  assertEquals(connection.state, "online");
  clock.advance(1);
  const offline = await log.expect("offline");
  assertEquals(offline.reason, "Received nothing from the hub for 55 seconds");
  clock.advance(offline.retryIn);
  await hub.welcome();
  await log.until("online");
});

Deno.test("a client reconnects within seconds after a sleep of the machine", async () => {
  await using hub = new ScriptedHub();
  const { connection, log, side, clock } = await online(hub);
  await using _ = connection;
  clock.advance(5000);
  clock.sleep(60_000);
  // The next check was due a second after the machine went to sleep.
  clock.advance(1000);
  await side.expect("ping");
  clock.advance(3999);
  assertEquals(connection.state, "online");
  clock.advance(1);
  const offline = await log.until("offline");
  assertEquals(offline.reason, "The connection did not survive this machine's sleep");
  clock.advance(offline.retryIn);
  await hub.welcome();
  await log.until("online");
});

Deno.test("a connection that survived a sleep is kept", async () => {
  await using hub = new ScriptedHub();
  const { connection, log, side, clock } = await online(hub);
  await using _ = connection;
  for (let nap = 1; nap <= 3; nap++) {
    clock.advance(5000);
    clock.sleep(20_000);
    // Frames received before the sleep prove nothing about the connection after it.
    side.say(message(2 * nap - 1));
    await log.until("message");
    clock.advance(2000);
    await side.expect("ping");
    side.say(message(2 * nap));
    await log.until("message");
  }
  clock.advance(30_000);
  assertEquals(connection.state, "online");
});

Deno.test("`nick()` in flight is repeated after a reconnect", async () => {
  await using hub = new ScriptedHub();
  const { connection, log, side, clock } = await online(hub);
  await using _ = connection;
  connection.nick("Ann");
  await side.expect("nick");
  side.close(1011);
  clock.advance((await log.until("offline")).retryIn);
  const back = await hub.welcome();
  const { name, ref = "" } = await back.expect("nick");
  assertEquals(name, "Ann");
  back.refuse({ code: "name_taken", message: "Taken", re: "nick", ref });
  await log.until("error");
  back.close(1011);
  clock.advance((await log.until("offline")).retryIn);
  const third = await hub.welcome();
  const ping = connection.ping();
  third.say({ type: "pong", ref: (await third.expect("ping")).ref ?? "" });
  await within(ping, "pong");
  assertEquals(connection.sender, "Alice");
});
