import { assert, assertEquals, assertMatch } from "@std/assert";
import { OPEN_GRANT } from "../../auth/authorizer.ts";
import { openSqliteBroker } from "../../broker/sqlite/sqlite_broker.ts";
import type { Hub } from "../../server/hub.ts";
import { DEFAULT_SERVER_LIMITS } from "../../server/limits/server_limits.ts";
import { NEW_ROOMS_BURST } from "../../server/limits/room_limiter.ts";
import { FakeClock } from "../kit/fake_clock.ts";
import { fetchJson, post } from "../kit/http.ts";
import { RecordedClient, startMemoryHub } from "../kit/memory_hub.ts";
import { TestSocket } from "../kit/test_socket.ts";
import { startTestHub } from "../kit/test_hub.ts";
import { until } from "../kit/wait.ts";

const FULL = (limit: number): string =>
  `too_many_rooms: The hub has its maximum of ${limit} rooms: use a room that exists, or ask its ` +
  "operator to raise --max-rooms-total";

function limits(maxRoomsTotal: number) {
  return { ...DEFAULT_SERVER_LIMITS, maxRoomsTotal, maxRooms: 10_000, rate: 0, ratePerAddress: 0 };
}

function say(hub: Hub, room: string, address = "192.0.2.7") {
  return hub.httpPublisher.publish({
    room,
    frame: { type: "message", message: "hi" },
    grant: OPEN_GRANT,
    address,
    size: 2,
  });
}

Deno.test("a room beyond the limit is refused; existing ones are not", async () => {
  await using world = await startMemoryHub({ limits: limits(3) });
  const { hub } = world;
  const alice = await new RecordedClient(hub, "192.0.2.7").hello({ rooms: [{ room: "lobby" }] });
  const join = (room: string): Promise<string> => alice.outcome({ type: "join", room });
  assertEquals(await join("a.b_c-d"), "ok");
  assertEquals((await say(hub, "0")).kind, "published");
  assertEquals(await join("one-more"), FULL(3));
  assertEquals((await say(hub, "one-more")).kind, "no_room");
  assertEquals(await join("0"), "ok");
  assertEquals(await join("lobby"), "ok");
  assertEquals((await say(hub, "a.b_c-d")).kind, "published");
  const late = await new RecordedClient(hub, "192.0.2.8").hello({
    rooms: [{ room: "lobby" }, { room: "new" }, { room: "0" }],
  });
  const [welcome] = late.all("welcome");
  assertEquals(welcome?.["rooms"], ["lobby", "0"]);
  await until("the reason", () => late.all("error").length > 0);
  assertEquals(late.all("error").map(({ code }) => code), ["too_many_rooms"]);
  // Members can always send to their room, also its first message.
  assertEquals(await alice.outcome({ type: "message", room: "lobby", message: "x" }), "ok");
});

Deno.test("a room counts while it has members or messages", async () => {
  const clock = new FakeClock();
  const broker = await openSqliteBroker({
    path: ":memory:",
    now: () => clock.now(),
    retention: { maxAge: 60_000 },
  });
  await using world = await startMemoryHub({ broker, clock, limits: limits(2) });
  const { hub } = world;
  const alice = await new RecordedClient(hub, "192.0.2.7").hello({ rooms: [{ room: "lobby" }] });
  assertEquals(await alice.outcome({ type: "join", room: "quiet" }), "ok");
  assertEquals((await say(hub, "loud")).kind, "no_room");
  await alice.outcome({ type: "leave", room: "quiet" });
  clock.advance(1000);
  assertEquals((await say(hub, "loud")).kind, "published");
  clock.advance(1000);
  assertEquals(await alice.outcome({ type: "join", room: "quiet" }), FULL(2));
  clock.advance(120_000);
  await broker.trim();
  assertEquals(await alice.outcome({ type: "join", room: "quiet" }), "ok");
});

Deno.test("concurrent requests do not exceed the limit, and default rooms always exist", async () => {
  await using world = await startMemoryHub({ limits: limits(10), rooms: ["lobby", "ops"] });
  const { hub } = world;
  const outcomes = await Promise.all(
    Array.from({ length: 50 }, (_, n) => say(hub, `room-${n}`)),
  );
  assertEquals(outcomes.filter(({ kind }) => kind === "published").length, 8);
  assertEquals((await say(hub, "ops")).kind, "published");
  assertEquals((await hub.queries.rooms(OPEN_GRANT.rights)).total, 9);
  await new RecordedClient(hub, "192.0.2.7").hello();
  assertEquals((await hub.queries.rooms(OPEN_GRANT.rights)).total, 10);
});

Deno.test("new rooms of one address are rate limited; known rooms, reading and other addresses are not", async () => {
  const broker = await openSqliteBroker({ path: ":memory:" });
  const drafts = Array.from({ length: 500 }, (_, n) => ({
    room: `old-${n}`,
    sender: "Alice",
    content: { message: "hi" },
  }));
  await broker.append(drafts);
  await using world = await startMemoryHub({ broker, limits: limits(10_000) });
  const { hub, clock } = world;
  const create = async (count: number, prefix: string, address: string): Promise<number> => {
    const posted = await Promise.all(
      Array.from({ length: count }, (_, n) => say(hub, `${prefix}-${n}`, address)),
    );
    return posted.filter(({ kind }) => kind === "published").length;
  };
  assertEquals(await create(500, "old", "192.0.2.7"), 500);
  for (let n = 0; n < 500; n++) await hub.queries.messages({ type: "history", room: `no-${n}` });
  assertEquals(await create(NEW_ROOMS_BURST + 50, "new", "192.0.2.7"), NEW_ROOMS_BURST);
  const eve = await new RecordedClient(hub, "192.0.2.7").hello({ rooms: [] });
  assertEquals(
    await eve.outcome({ type: "join", room: "another" }),
    "rate_limited: Too many new rooms come from your address: wait 1 s",
  );
  assertEquals(eve.all("error")[0]?.["retryAfter"], 1);
  assertEquals(await eve.outcome({ type: "join", room: "new-0" }), "ok");
  assertEquals(await create(10, "other", "192.0.2.8"), 10);
  assertEquals(await create(NEW_ROOMS_BURST + 50, "local", "127.0.0.1"), NEW_ROOMS_BURST + 50);
  clock.advance(1000);
  assertEquals(await eve.outcome({ type: "join", room: "another" }), "ok");
});

Deno.test("HTTP answers 409 for a room beyond the limit, and stores nothing", async () => {
  await using hub = await startTestHub({ limits: { maxRoomsTotal: 2 } });
  await using alice = await TestSocket.plain(hub.url, "Alice");
  assertEquals((await post(hub, "a", "hi")).status, 201);
  for (const path of ["messages", "events"]) {
    const { status, body } = path === "messages"
      ? await post(hub, "b", "hi")
      : await fetchJson(hub, "/api/rooms/b/events");
    assertEquals([status, body.error.code], [409, "too_many_rooms"]);
    assertMatch(body.error.message, /maximum of 2 rooms.*--max-rooms-total$/);
  }
  const { body } = await fetchJson(hub, "/api/rooms");
  assertEquals(body.rooms.map(({ room }: { readonly room: string }) => room), ["a", "lobby"]);
  assertEquals((await fetchJson(hub, "/api/rooms/b/messages")).status, 200);
  alice.send({ type: "message", message: "still here", ref: 1 });
  await alice.next("ack");
  assert((await fetchJson(hub, "/api/status")).body.log.rooms === 2);
});
