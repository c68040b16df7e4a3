import { assert, assertEquals, assertMatch } from "@std/assert";
import { openSqliteBroker } from "../../broker/sqlite/sqlite_broker.ts";
import { Counters } from "../../server/metrics/counters.ts";
import { ThroughputMeter } from "../../server/metrics/throughput.ts";
import { HubApi } from "../../client.ts";
import { FakeClock } from "../kit/fake_clock.ts";
import { TestSocket } from "../kit/test_socket.ts";
import { startTestHub } from "../kit/test_hub.ts";
import { until } from "../kit/wait.ts";

const asHttp = (url: string, path: string): string =>
  new URL(path, url.replace(/^ws/, "http")).href;

async function ask(url: string, path: string, init: RequestInit = {}): Promise<Response> {
  return await fetch(asHttp(url, path), init);
}

Deno.test("`ThroughputMeter.current` covers the last five seconds, including the largest lag", () => {
  const counters = new Counters();
  const clock = new FakeClock();
  const rates = new ThroughputMeter(counters, clock, 1000);
  assertEquals(rates.current, { messagesPerSecond: 0, deliveriesPerSecond: 0, loopLagMs: 0 });
  const pass = (milliseconds: number, messages: number): void => {
    clock.advance(milliseconds);
    counters.messages += messages;
    counters.deliveries += 3 * messages;
    rates.sample();
  };
  pass(1000, 7);
  assertEquals(rates.current, { messagesPerSecond: 7, deliveriesPerSecond: 21, loopLagMs: 0 });
  pass(1500, 3);
  assertEquals(rates.current, { messagesPerSecond: 4, deliveriesPerSecond: 12, loopLagMs: 500 });
  // A timer may run early after a late run, which is not a negative lag.
  pass(500, 0);
  assertEquals(rates.current.loopLagMs, 500);
  for (let n = 0; n < 6; n++) pass(1000, 2);
  assertEquals(rates.current, { messagesPerSecond: 2, deliveriesPerSecond: 6, loopLagMs: 0 });
});

Deno.test("GET /api/rooms lists rooms with members and rooms with messages", async () => {
  await using hub = await startTestHub({ rooms: ["hall", "attic"] });
  const empty = await (await ask(hub.url, "/api/rooms")).json();
  assertEquals(empty, { defaults: ["hall", "attic"], total: 0, rooms: [] });
  await using alice = await TestSocket.plain(hub.url, "Alice", "room=b&room=a");
  alice.send({ type: "message", message: "one", ref: 1 });
  alice.send({ type: "message", message: "two", ref: 2 });
  await alice.next("ack", ({ ref }) => ref === 2);
  alice.send({ type: "leave", room: "b" });
  await alice.next("left");
  const { total, rooms } = await (await ask(hub.url, "/api/rooms")).json();
  assertEquals(total, 2);
  assertEquals(rooms.map(({ epoch: _, ...room }: { epoch: string }) => room), [
    { room: "a", online: 1, messages: 0, last: 0 },
    { room: "b", online: 0, messages: 2, last: 2 },
  ]);
  assert(rooms.every(({ epoch }: { epoch: string }) => epoch.length > 0));
});

Deno.test("GET /api/rooms lists at most a thousand rooms, those with members first", async () => {
  const broker = await openSqliteBroker({ path: ":memory:" });
  await broker.append(
    Array.from({ length: 1010 }, (_, n) => ({
      room: `r${n}`,
      sender: "Alice",
      content: { message: "hi" },
    })),
  );
  await using hub = await startTestHub({ broker });
  await using _zoe = await TestSocket.plain(hub.url, "Zoe", "room=zzz");
  const { total, rooms } = await (await ask(hub.url, "/api/rooms")).json();
  assertEquals([total, rooms.length], [1011, 1000]);
  assertEquals(rooms.at(-1).room, "zzz");
});

Deno.test("GET /api/people lists people in rooms, with their rooms", async () => {
  await using hub = await startTestHub();
  await using _bob = await TestSocket.plain(hub.url, "Bob", "room=b&room=a");
  await using _alice = await TestSocket.plain(hub.url, "Alice", "room=a");
  await using _observer = (await TestSocket.v1(hub.url, { sender: "Eve", rooms: [] }))[0];
  const all = await (await ask(hub.url, "/api/people")).json();
  assertEquals(all, {
    online: 2,
    members: [{ name: "Alice", rooms: ["a"] }, { name: "Bob", rooms: ["b", "a"] }],
  });
  const inB = await (await ask(hub.url, "/api/people?room=b")).json();
  assertEquals(inB, { online: 1, members: [{ name: "Bob", rooms: ["b", "a"] }] });
  assertEquals(await (await ask(hub.url, "/api/people?room=none")).json(), {
    online: 0,
    members: [],
  });
});

Deno.test("GET /api/people marks people whose connection is lost", async () => {
  await using hub = await startTestHub();
  const [socket] = await TestSocket.v1(hub.url, { sender: "Alice", rooms: [{ room: "a" }] });
  await socket[Symbol.asyncDispose]();
  // Closing with 1000 ends the session; with 3000 it may be resumed.
  const [other] = await TestSocket.v1(hub.url, { sender: "Bob", rooms: [{ room: "a" }] });
  other.socket.close(3000);
  await until("Bob to be away, and Alice gone", async () => {
    const { members } = await (await ask(hub.url, "/api/people")).json();
    return JSON.stringify(members) === `[{"name":"Bob","rooms":["a"],"away":true}]`;
  });
});

Deno.test("GET /api/status reports counts", async () => {
  const clock = new FakeClock();
  await using hub = await startTestHub({ clock });
  await using alice = await TestSocket.plain(hub.url, "Alice");
  await using _bob = await TestSocket.plain(hub.url, "Bob");
  alice.send({ type: "message", message: "hi", ref: 1 });
  await alice.next("ack");
  alice.send("{nonsense");
  await alice.next("error");
  clock.advance(2000);
  const status = await new HubApi({ url: new URL(hub.url) }).status();
  const { memory, deliveries, deliveriesPerSecond, version, ...rest } = status;
  assertMatch(version, /^\d+\.\d+\.\d+$/);
  assert(memory.rss > 1e6 && memory.heapUsed > 1e6);
  assertEquals([deliveries, deliveriesPerSecond], [2, 1]);
  assertEquals(rest, {
    name: "bcast",
    uptime: 2,
    connections: 2,
    sessions: 2,
    rooms: 1,
    accepted: 2,
    turnedAway: 0,
    messages: 1,
    messagesPerSecond: 0.5,
    duplicates: 0,
    resumes: 0,
    slowConsumers: 0,
    refusals: { bad_json: 1 },
    log: { messages: 1, rooms: 1 },
    loopLagMs: 0,
  });
});

Deno.test("HTTP requests do not appear in presence or counts", async () => {
  await using hub = await startTestHub();
  await using alice = await TestSocket.plain(hub.url, "Alice");
  const api = new HubApi({ url: new URL(hub.url) });
  await api.members("lobby");
  await api.rooms();
  assertEquals((await api.status()).accepted, 1);
  alice.send({ type: "ping", ref: 1 });
  await alice.next("pong");
  assertEquals(
    alice.frames.filter((frame) => JSON.parse(frame).event !== "join").map((frame) =>
      JSON.parse(frame).type
    ),
    ["welcome", "pong"],
  );
});

Deno.test("responses below /api/ are JSON, not cached, and not readable from other origins", async () => {
  await using hub = await startTestHub();
  for (
    const [method, path, status, code] of [
      ["GET", "/api/status", 200, undefined],
      ["GET", "/api/nothing", 404, "not_found"],
      ["GET", "/api/", 404, "not_found"],
      ["GET", "/api/__proto__", 404, "not_found"],
      ["GET", "/api/people?room=NO", 400, "bad_room"],
      ["POST", "/api/rooms", 405, "method_not_allowed"],
      ["OPTIONS", "/api/rooms", 405, "method_not_allowed"],
    ] as const
  ) {
    const response = await ask(hub.url, path, { method });
    const body = await response.json();
    assertEquals([response.status, body.error?.code], [status, code], `${method} ${path}`);
    const header = (name: string): string | null => response.headers.get(name);
    assertEquals(header("content-type"), "application/json; charset=utf-8");
    assertEquals(header("cache-control"), "no-store");
    assertEquals(header("x-content-type-options"), "nosniff");
    assertMatch(header("server") ?? "", /^bcast\//);
    assertEquals(header("access-control-allow-origin"), null);
    assertEquals(header("allow"), status === 405 ? "GET, HEAD" : null);
  }
  const foreign = await ask(hub.url, "/api/status", { headers: { origin: "http://evil.example" } });
  const { error } = await foreign.json();
  assertEquals([foreign.status, error.code], [403, "forbidden"]);
  assertEquals(foreign.headers.get("access-control-allow-origin"), null);
  const head = await ask(hub.url, "/api/status", { method: "HEAD" });
  assertEquals([head.status, await head.text()], [200, ""]);
});
