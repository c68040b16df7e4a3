import { assert, assertEquals, assertLessOrEqual, assertRejects } from "@std/assert";
import { connect, ConnectError, RequestError } from "../../client.ts";
import type { Publish } from "../../protocol.ts";
import { FakeClock } from "../kit/fake_clock.ts";
import { EventLog } from "../kit/event_log.ts";
import { Relay } from "../kit/relay.ts";
import { ack, joined, message, ScriptedHub, type WelcomeScript } from "../kit/scripted_hub.ts";
import { within } from "../kit/wait.ts";

/** The texts of messages. */
function texts(messages: readonly Publish[]): (string | undefined)[] {
  return messages.map(({ message }) => message);
}

/** A connection that is online, after the event of the first room. */
async function online(
  hub: ScriptedHub,
  options: {
    readonly clock?: FakeClock;
    readonly url?: string;
    readonly welcome?: WelcomeScript;
    readonly echo?: boolean;
  } = {},
) {
  const { clock = new FakeClock(), url = hub.url, welcome = {}, echo = true } = options;
  const sent: string[] = [];
  const connection = connect({ url, echo }, {
    clock,
    random: () => 0.5,
    socket: (url, protocol) => recording(new WebSocket(url, protocol), sent),
  });
  const log = new EventLog(connection);
  const side = await hub.welcome(welcome);
  await log.until("joined");
  return { connection, log, side, clock, sent };
}

/** A socket that records every sent frame synchronously, to prove that something was not sent. */
function recording(socket: WebSocket, sent: string[]): WebSocket {
  const send = socket.send.bind(socket);
  socket.send = (data) => {
    sent.push(String(data));
    send(data);
  };
  return socket;
}

Deno.test("`send()` resolves with the ack of the hub", async () => {
  await using hub = new ScriptedHub();
  const { connection, side } = await online(hub);
  await using _ = connection;
  const sent = connection.send({ message: "hi", data: { a: [1] }, room: "news", kind: "action" });
  const frame = await side.expect("message");
  const { ref = "", key = "", ...rest } = frame;
  assert(/^[!-~]{1,64}$/.test(key), key);
  assertEquals(rest, {
    type: "message",
    room: "news",
    message: "hi",
    data: { a: [1] },
    kind: "action",
  });
  side.ack(ref, 9, "news");
  const ack = await within(sent, "ack");
  assertEquals([ack.id, ack.room, ack.ref, ack.duplicate], [9, "news", ref, undefined]);
  assertEquals(connection.pending, 0);
});

Deno.test("`send()` batches the messages of one turn in order, each with its own `ref`", async () => {
  await using hub = new ScriptedHub();
  const { connection, side } = await online(hub);
  await using _ = connection;
  const all = Promise.all(["a", "b\nc", "d"].map((message) => connection.send({ message })));
  const frame = await side.raw();
  const objects: Publish[] = frame.split("\n").map((line) => JSON.parse(line));
  assertEquals(texts(objects), ["a", "b\nc", "d"]);
  assertEquals(new Set(objects.map(({ ref }) => ref)).size, 3);
  objects.forEach(({ ref }, index) => side.ack(ref, index + 1));
  assertEquals((await within(all, "acks")).map(({ id }) => id), [1, 2, 3]);
});

Deno.test("`send()` keeps each batch within the hub's limit", async () => {
  await using hub = new ScriptedHub();
  const maxMessageBytes = 256;
  const { connection, side } = await online(hub, { welcome: { limits: { maxMessageBytes } } });
  const all = Promise.allSettled(
    Array.from({ length: 60 }, () => connection.send({ message: "ü".repeat(60) })),
  );
  let objects = 0;
  let frames = 0;
  while (objects < 60) {
    const frame = await side.raw();
    assertLessOrEqual(new TextEncoder().encode(frame).length, 16 * maxMessageBytes);
    // Larger frames take the runtime 40 ms.
    assertLessOrEqual(frame.length, 1024);
    objects += frame.split("\n").length;
    frames++;
  }
  assert(frames < 20, "most messages share a frame");
  await connection.close();
  await all;
});

Deno.test("`send()` rejects a message over the hub's limit once it is known", async () => {
  await using hub = new ScriptedHub();
  await using early = connect({ url: hub.url });
  const tooEarly = early.send({ message: "x".repeat(200) });
  const fits = early.send({ message: "ok" });
  const side = await hub.welcome({ limits: { maxMessageBytes: 200 } });
  const error = await assertRejects(() => tooEarly, RequestError, "200 bytes");
  assertEquals(error.code, "too_big");
  side.ack((await side.expect("message")).ref, 1);
  await within(fits, "ack");
  const known = await assertRejects(() => early.send({ data: "x".repeat(200) }), RequestError);
  assertEquals(known.code, "too_big");
  assertEquals([early.pending, side.unread], [0, 0]);
});

Deno.test("`send()` rejects data that is not valid JSON with a TypeError", async () => {
  await using hub = new ScriptedHub();
  const { connection, side } = await online(hub);
  await using _ = connection;
  await assertRejects(() => connection.send({ data: 1n }), TypeError);
  await assertRejects(() => connection.direct("Bob", { data: 1n }), TypeError);
  const data = { text: "before" };
  const sent = connection.send({ data });
  data.text = "after";
  const frame = await side.expect("message");
  assertEquals(frame.data, { text: "before" });
  side.ack(frame.ref, 1);
  await within(sent, "ack");
});

Deno.test("`send()` rejects with the hub's error", async () => {
  await using hub = new ScriptedHub();
  const { connection, side } = await online(hub);
  await using _ = connection;
  const sent = connection.send({ message: "hi", room: "elsewhere" });
  const { ref = "" } = await side.expect("message");
  side.refuse({ code: "not_in_room", message: "Join #elsewhere first", ref });
  const error = await assertRejects(() => sent, RequestError, "Join #elsewhere first");
  assertEquals(error.code, "not_in_room");
  assertEquals(connection.pending, 0);
});

Deno.test("`send()` before the first `welcome` waits, and is sent to the hub's first room", async () => {
  await using hub = new ScriptedHub();
  await using connection = connect({ url: hub.url });
  const sent = connection.send({ message: "early" });
  const side = await hub.accept();
  await side.hello();
  assertEquals(connection.pending, 1);
  side.welcome({ rooms: [joined("den"), joined("lobby")] });
  const { ref, room } = await side.expect("message");
  assertEquals(room, "den");
  side.ack(ref, 1, "den");
  await within(sent, "ack");
});

Deno.test("`send()` resolves with a duplicate ack after a lost one", async () => {
  await using hub = new ScriptedHub();
  await using relay = new Relay(hub.port);
  const { connection, side, log, clock } = await online(hub, { url: relay.url });
  await using _ = connection;
  let settled = 0;
  const sent = connection.send({ message: "once" }).finally(() => settled++);
  const first = await side.expect("message");
  relay.cut();
  const offline = await log.until("offline");
  assertEquals([offline.code, offline.reason], [1006, "The connection broke"]);
  assertEquals(connection.state, "offline");
  clock.advance(offline.retryIn);
  const back = await hub.accept();
  const hello = await back.hello();
  assertEquals(hello.session, "secret-1");
  assertEquals(hello.rooms, [{ room: "lobby", epoch: "e1", after: 0 }]);
  back.welcome({ rooms: [joined("lobby", { recovered: true, messages: [message(1)] })] });
  assertEquals(await back.expect("message"), first);
  back.ack(first.ref, 1, "lobby", true);
  back.ack(first.ref, 1, "lobby", true);
  const ack = await within(sent, "ack");
  assertEquals([ack.id, ack.duplicate], [1, true]);
  assertEquals(await log.ids(1), [1]);
  assertEquals([settled, connection.pending], [1, 0]);
});

Deno.test("`send()` resends unacknowledged messages in order, before later ones", async () => {
  await using hub = new ScriptedHub();
  const { connection, side, log, clock } = await online(hub);
  const all = Promise.allSettled("abcd".split("").map((message) => connection.send({ message })));
  const first = await side.messages(4);
  side.ack(first[1]?.ref, 2);
  side.close(1011, "A fault");
  const offline = await log.until("offline");
  const late = Promise.allSettled([connection.send({ message: "e" })]);
  assertEquals(connection.pending, 4);
  clock.advance(offline.retryIn);
  const back = await hub.welcome({ rooms: [joined("lobby", { recovered: true })] });
  const again = await back.messages(4);
  assertEquals(texts(again), ["a", "c", "d", "e"]);
  assertEquals(again.slice(0, 3), [first[0], first[2], first[3]]);
  await connection.close();
  await Promise.all([all, late]);
});

Deno.test("`send()` keeps a bounded number of messages in flight", async () => {
  await using hub = new ScriptedHub();
  const { connection, side } = await online(hub, { echo: false });
  await using _ = connection;
  const total = 5000;
  const sends = Array.from({ length: total }, (_, i) => connection.send({ message: `${i}` }));
  const all = Promise.all(sends);
  assertEquals(connection.pending, total);
  let received = 0;
  while (received < total) {
    const expected = Math.min(256, total - received);
    const window = await side.messages(expected);
    assertEquals(window[0]?.message, `${received}`);
    received += expected;
    // A ping overtakes waiting messages: the window is full if only the ping follows.
    const ping = connection.ping();
    const { ref = "" } = await side.expect("ping");
    assertEquals(side.unread, 0);
    side.say({ type: "pong", ref });
    await within(ping, "pong");
    side.say(
      ...window.map(({ ref = "" }, index) => ack(ref, received - expected + index + 1)),
    );
  }
  assertEquals((await within(all, "acks")).map(({ id }) => id)[total - 1], total);
  assertEquals(connection.pending, 0);
});

Deno.test("`send()` stays below the hub's rate, but close to it", async () => {
  await using hub = new ScriptedHub();
  const limits = { rate: 10, burst: 10 };
  const { connection, side, clock } = await online(hub, { welcome: { limits } });
  await using _ = connection;
  const all = Promise.all(
    Array.from({ length: 60 }, (_, i) => connection.send({ message: `${i}` })),
  );
  // The hub's token bucket, after the hello.
  let tokens = limits.burst - 1;
  let seconds = 0;
  let received = 0;
  while (received < 60) {
    const lines = (await side.raw()).split("\n");
    tokens -= lines.length;
    assert(tokens >= 0, `over the rate after ${seconds} s and ${received} messages`);
    side.say(...lines.map((line) => ack(JSON.parse(line).ref, ++received)));
    await waitFor(() => connection.pending === 60 - received);
    const step = 0.106;
    clock.advance(step * 1000);
    seconds += step;
    tokens = Math.min(limits.burst, tokens + step * limits.rate);
  }
  assert(seconds > 4 && seconds < 7, `took ${seconds} s`);
  await within(all, "acks");
});

Deno.test("`send()` never has more in flight than the hub's burst", async () => {
  await using hub = new ScriptedHub();
  const limits = { rate: 1000, burst: 10 };
  const { connection, side, clock, sent } = await online(hub, { welcome: { limits } });
  await using _ = connection;
  const all = Promise.all(
    Array.from({ length: 20 }, (_, i) => connection.send({ message: `${i}` })),
  );
  const first = await side.messages(9);
  const before = sent.length;
  // There are tokens, but all frames in flight might arrive together.
  clock.advance(5000);
  assertEquals([sent.length, side.unread], [before, 0]);
  side.say(...first.map(({ ref = "" }, index) => ack(ref, index + 1)));
  let received = 9;
  while (received < 20) {
    await waitFor(() => connection.pending === 20 - received);
    clock.advance(20);
    side.ack((await side.expect("message")).ref, ++received);
  }
  assertEquals((await within(all, "acks")).map(({ id }) => id)[19], 20);
});

Deno.test("`send()` after `rate_limited` waits for `retryAfter` and keeps the order", async () => {
  await using hub = new ScriptedHub();
  const { connection, side, clock, sent } = await online(hub);
  await using _ = connection;
  const all = Promise.all("abcd".split("").map((message) => connection.send({ message })));
  const first = await side.messages(4);
  const [a, b, c, d] = first.map(({ ref }) => ref ?? "");
  const refuse = (ref: string | number | undefined) => {
    const script = { code: "rate_limited", final: false, retryAfter: 2 } as const;
    side.refuse({ ...script, ref: ref ?? "" });
  };
  side.ack(a, 1);
  refuse(b);
  refuse(c);
  // The hub accepted this one in between: its position is final.
  side.ack(d, 2);
  await waitFor(() => connection.pending === 2);
  const before = sent.length;
  connection.join({ room: "news" });
  await turn();
  clock.advance(1999);
  assertEquals(sent.length, before);
  clock.advance(1);
  await side.expect("join");
  const again = await side.messages(2);
  assertEquals(again, [first[1], first[2]]);
  side.ack(b, 3);
  side.ack(c, 4);
  assertEquals((await within(all, "acks")).map(({ id }) => id), [1, 3, 4, 2]);
});

Deno.test("`send()` retries a temporary error of the hub a limited number of times", async () => {
  await using hub = new ScriptedHub();
  const { connection, side, clock } = await online(hub);
  await using _ = connection;
  const sent = connection.send({ message: "hi" });
  const refused = assertRejects(() => sent, RequestError, "Disk full");
  for (let round = 0; round < 6; round++) {
    const { ref = "" } = await side.expect("message");
    side.refuse({ code: "internal", message: "Disk full", ref, final: false, retryAfter: 1 });
    await waitFor(() => clock.waiting > 1 || connection.pending === 0);
    clock.advance(1000);
  }
  await within(refused, "the refusal");
});

Deno.test("`leave()` follows earlier messages, also after a reconnect", async () => {
  await using hub = new ScriptedHub();
  const { connection, side, log, clock } = await online(hub);
  await using _ = connection;
  const sent = connection.send({ message: "bye", room: "lobby" });
  connection.leave("lobby");
  await side.expect("message");
  await side.expect("leave");
  side.close(1011);
  clock.advance((await log.until("offline")).retryIn);
  const back = await hub.welcome({ rooms: [joined("lobby", { recovered: true })] });
  back.ack((await back.expect("message")).ref, 1);
  const { ref = "" } = await back.expect("leave");
  back.say({ type: "left", room: "lobby", ref });
  await within(sent, "ack");
  assertEquals((await log.until("left")).room, "lobby");
  assertEquals(connection.positions, []);
});

Deno.test("`flush()` resolves when all earlier messages are acked or rejected", async () => {
  await using hub = new ScriptedHub();
  const { connection, side } = await online(hub);
  await using _ = connection;
  await connection.flush();
  const acked = connection.send({ message: "a" });
  const refused = assertRejects(() => connection.send({ message: "b" }), RequestError);
  let flushed = false;
  const flush = connection.flush().then(() => flushed = true);
  const [a, b] = await side.messages(2);
  side.ack(a?.ref, 1);
  await within(acked, "ack");
  assertEquals(flushed, false);
  side.refuse({ code: "bad_frame", message: "No", ref: b?.ref ?? "" });
  await within(refused, "the refusal");
  await within(flush, "flush");
});

Deno.test("`flush()` rejects when the connection is closed before", async () => {
  await using hub = new ScriptedHub();
  const { connection, side } = await online(hub);
  const sent = assertRejects(() => connection.send({ message: "a" }), ConnectError);
  const flush = assertRejects(() => connection.flush(), ConnectError);
  await side.expect("message");
  await connection.close();
  await Promise.all([sent, flush]);
});

/** One turn of the event loop. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Waits until `condition` holds, a turn of the event loop at a time. */
async function waitFor(condition: () => boolean): Promise<void> {
  for (let turns = 0; !condition(); turns++) {
    if (turns > 5000) throw new Error(`Never true: ${condition}`);
    await turn();
  }
}
