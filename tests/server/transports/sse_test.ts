import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Authorizer } from "../../../auth/authorizer.ts";
import { Rights } from "../../../auth/rights.ts";
import { openSqliteBroker } from "../../../broker/sqlite/sqlite_broker.ts";
import { HEARTBEAT } from "../../../server/transports/sse.ts";
import { SseReader } from "../../kit/sse_reader.ts";
import { FakeClock } from "../../kit/fake_clock.ts";
import { fetchJson, post } from "../../kit/http.ts";
import { TestSocket } from "../../kit/test_socket.ts";
import { startTestHub } from "../../kit/test_hub.ts";
import { until } from "../../kit/wait.ts";

Deno.test("GET events streams new messages, and its reader is not announced", async () => {
  await using hub = await startTestHub();
  await using alice = await TestSocket.plain(hub.url, "Alice");
  await post(hub, "lobby", "before");
  await using events = await SseReader.open(hub, "lobby");
  const header = (name: string): string | null => events.response.headers.get(name);
  assertEquals(events.response.status, 200);
  assertEquals(header("content-type"), "text/event-stream; charset=utf-8");
  assertEquals(header("cache-control"), "no-store, no-transform");
  assertEquals(header("content-encoding"), null);
  const opening = await events.next("the opening", ({ retry }) => retry !== undefined);
  assertMatch(opening.id ?? "", /^[\w-]+:1$/);
  alice.send({ type: "message", message: "two\nlines \u2028", data: { a: 1 }, ref: 1 });
  await events.message(2);
  const { id, data = "" } = await events.next("it", ({ event }) => event === "message");
  const { body: { messages } } = await fetchJson(hub, "/api/rooms/lobby/messages?after=1");
  assertEquals(JSON.parse(data), messages[0]);
  assertEquals(id, opening.id?.replace(/1$/, "2"));
  const { members, online } = (await fetchJson(hub, "/api/rooms/lobby/members")).body;
  assertEquals([online, members.length, hub.online], [1, 1, 2]);
  await post(hub, "lobby", "last");
  await alice.next("message", ({ id }) => id === 3);
  // Alice may see that she joined.
  const others = alice.all("system").filter(({ message }) => message !== "Alice joined (1 online)");
  assertEquals(others, []);
});

Deno.test("GET events?recent= starts with that many messages of the past", async () => {
  await using hub = await startTestHub();
  for (const word of ["a", "b", "c"]) await post(hub, "lobby", word);
  for (
    const [query, past] of [["?recent=2", 2], ["?recent=0", 0], ["?history=2", 2], ["", 0]] as const
  ) {
    await using events = await SseReader.open(hub, "lobby", query);
    await events.next("the opening", ({ retry }) => retry !== undefined);
    const { body: { id } } = await post(hub, "lobby", "live");
    await events.message(id);
    const ids = events.messages.map(([id]) => id);
    assertEquals(ids, Array.from({ length: past + 1 }, (_, n) => id - past + n));
  }
});

Deno.test("GET events resumes from any position without a gap or a repeat", async () => {
  const broker = await openSqliteBroker({ path: ":memory:" });
  const drafts = Array.from({ length: 1500 }, (_, n) => ({
    room: "lobby",
    sender: "Alice",
    content: { message: `m${n + 1}` },
  }));
  await broker.append(drafts);
  await using hub = await startTestHub({ broker });
  const { epoch } = (await fetchJson(hub, "/api/rooms/lobby/messages?limit=1")).body;
  for (
    const [query, headers] of [
      ["?after=3", {}],
      [`?after=${epoch}:3`, {}],
      ["?after=1&recent=5", { "last-event-id": `${epoch}:3` }],
    ] as const
  ) {
    await using events = await SseReader.open(hub, "lobby", query, headers);
    const { body: { id } } = await post(hub, "lobby", "live");
    await events.message(id);
    const ids = events.messages.map(([id]) => id);
    assertEquals(ids, Array.from({ length: id - 3 }, (_, n) => n + 4));
    assertEquals(events.position, `${epoch}:${id}`);
    assertEquals(events.blocks.filter(({ event }) => event === "reset"), []);
  }
});

Deno.test("GET events sends `reset` with the reason when it cannot resume", async () => {
  const broker = await openSqliteBroker({
    path: ":memory:",
    retention: { maxMessages: 5, maxAge: Infinity },
  });
  await using hub = await startTestHub({ broker });
  for (let n = 0; n < 12; n++) await post(hub, "lobby", `m${n}`);
  await broker.trim();
  const { epoch } = (await fetchJson(hub, "/api/rooms/lobby/messages?limit=1")).body;
  for (
    const [position, reason, first] of [
      ["other:11", "epoch", 11],
      [`${epoch}:99`, "ahead", 11],
      // Everything that is left.
      [`${epoch}:1`, "trimmed", 8],
    ] as const
  ) {
    await using events = await SseReader.open(hub, "lobby", "?recent=2", {
      "last-event-id": position,
    });
    await events.message(12);
    const [reset] = events.blocks;
    const { message, ...data } = JSON.parse(reset?.data ?? "");
    assertEquals([reset?.event, reset?.id], ["reset", `${epoch}:${first - 1}`]);
    assertEquals(data, { room: "lobby", epoch, last: 12, reason });
    assertMatch(message, /^[A-Z]/);
    const ids = Array.from({ length: 13 - first }, (_, index) => first + index);
    assertEquals(events.messages.map(([id]) => id), ids);
  }
});

Deno.test("a stream that broke before its first message resumes without a gap", async () => {
  await using hub = await startTestHub();
  let position;
  {
    await using events = await SseReader.open(hub, "lobby");
    await events.next("the opening", ({ retry }) => retry !== undefined);
    position = events.position ?? "";
  }
  await post(hub, "lobby", "missed");
  await using events = await SseReader.open(hub, "lobby", "", { "last-event-id": position });
  await events.message(1);
  assertEquals(events.messages, [[1, "missed"]]);
});

Deno.test("GET events sends heartbeats, and forgets readers that leave", async () => {
  const clock = new FakeClock();
  await using hub = await startTestHub({ clock });
  const events = await SseReader.open(hub, "lobby");
  await events.next("the opening", ({ retry }) => retry !== undefined);
  await until("a heartbeat", () => {
    clock.advance(HEARTBEAT);
    return events.blocks.some(({ comment }) => comment === "");
  });
  assertEquals(hub.online, 1);
  await events[Symbol.asyncDispose]();
  await until("the reader to be gone", () => {
    clock.advance(HEARTBEAT);
    return hub.online === 0;
  });
  assertEquals((await fetchJson(hub, "/api/status")).body.rooms, 0);
});

/** The token is the time when it expires. */
const timed: Authorizer = {
  required: true,
  authorize(token, now) {
    const expiresAt = Number(token);
    if (!(expiresAt > now)) return { ok: false, failure: "untimely", reason: "Over" };
    return { ok: true, grant: { name: "A", rights: Rights.all, admin: false, expiresAt } };
  },
};

Deno.test("GET events ends when its token expires, also one from the query", async () => {
  const clock = new FakeClock();
  await using hub = await startTestHub({ clock, authorizer: timed });
  await using events = await SseReader.open(hub, "lobby", `?token=${clock.now() + 60_000}`);
  await events.next("the opening", ({ retry }) => retry !== undefined);
  clock.advance(59_000);
  assertEquals(hub.online, 1);
  clock.advance(2000);
  assertEquals(hub.online, 0);
  await until("the end", () => events.end === "closed");
  assertMatch(events.blocks.at(-1)?.comment ?? "", /expired/);
  await using refused = await SseReader.open(hub, "lobby");
  assertEquals(refused.response.status, 401);
});

Deno.test("GET events counts as a connection", async () => {
  await using hub = await startTestHub({ limits: { maxConnections: 1 } });
  {
    await using _events = await SseReader.open(hub, "lobby");
    const { status, headers, body } = await fetchJson(hub, "/api/rooms/lobby/events");
    assertEquals([status, body.error.code, headers.get("retry-after")], [503, "unavailable", "5"]);
  }
  await until("the limit allows another", async () => {
    await using events = await SseReader.open(hub, "lobby");
    return events.response.status === 200;
  });
});

Deno.test("GET events rejects invalid positions with 400", async () => {
  await using hub = await startTestHub();
  for (
    const [query, position] of [
      ["?after=x", ""],
      ["?after=-1", ""],
      ["?after=1.5", ""],
      ["?after=", ""],
      ["?recent=501", ""],
      ["?recent=x", ""],
      ["", "x"],
      ["", "a:b:1"],
      ["", `${"e".repeat(65)}:1`],
      ["", "e:99999999999999999999"],
      ["", "e:1\u009b2J"],
      ["", "1".repeat(8000)],
    ] as const
  ) {
    const headers: Record<string, string> = position === "" ? {} : { "last-event-id": position };
    const told = await fetchJson(hub, `/api/rooms/lobby/events${query}`, { headers });
    assertEquals([told.status, told.body.error.code], [400, "bad_parameter"], query + position);
  }
  assertEquals((await fetchJson(hub, "/api/rooms/lobby/events", { method: "HEAD" })).status, 405);
  assertEquals(hub.online, 0);
});

/** Requests a stream, and never reads the response. */
async function neverRead(port: number): Promise<Deno.TcpConn> {
  const socket = await Deno.connect({ hostname: "127.0.0.1", port });
  const request = `GET /api/rooms/lobby/events HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`;
  await socket.write(new TextEncoder().encode(request));
  return socket;
}

Deno.test("a stream that is never read is disconnected, and a bystander loses nothing", async () => {
  await using hub = await startTestHub({ limits: { maxOutboxBytes: 256 * 1024 } });
  await using alice = await SseReader.open(hub, "lobby");
  await alice.next("the opening", ({ retry }) => retry !== undefined);
  using _socket = await neverRead(hub.port);
  await until("the other", () => hub.online === 2);
  const message = "x".repeat(60_000);
  let sent = 0;
  await until("the cut", async () => {
    sent = (await post(hub, "lobby", message)).body.id;
    return hub.online === 1;
  });
  assertEquals((await fetchJson(hub, "/api/status")).body.slowConsumers, 1);
  await alice.message(sent);
  assertEquals(alice.messages.length, sent);
});

Deno.test("`stop()` ends streams with its reason, even those that are never read", async () => {
  const hub = await startTestHub();
  await using events = await SseReader.open(hub, "lobby");
  await events.next("the opening", ({ retry }) => retry !== undefined);
  using _socket = await neverRead(hub.port);
  await until("the other", () => hub.online === 2);
  for (let n = 0; n < 60; n++) await post(hub, "lobby", "x".repeat(60_000));
  await events.message(60);
  const begun = performance.now();
  await hub.stop("Gone for lunch");
  assert(performance.now() - begun < 2000);
  await until("the end", () => events.end === "closed");
  const last = events.blocks.at(-1);
  assertEquals(last?.comment, "Gone for lunch");
  assertMatch(last?.retry ?? "", /^[1-4]\d{3}$/);
});
