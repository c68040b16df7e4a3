import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { Authorizer } from "../../../auth/authorizer.ts";
import { Rights } from "../../../auth/rights.ts";
import { openSqliteBroker } from "../../../broker/sqlite/sqlite_broker.ts";
import type { Server } from "../../../server.ts";
import { fetchJson, post } from "../../kit/http.ts";
import { SseReader } from "../../kit/sse_reader.ts";
import { TestSocket } from "../../kit/test_socket.ts";
import { postModeration, startModeratedHub, startTestHub } from "../../kit/test_hub.ts";
import { until } from "../../kit/wait.ts";

async function epochOf(hub: Server, room: string): Promise<string> {
  return (await fetchJson(hub, `/api/rooms/${room}/messages?limit=1`)).body.epoch;
}

/** From `first` to `last`. */
function range(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, n) => first + n);
}

/** Waits until the newest message of each room has come. */
async function caughtUp(events: SseReader, last: Readonly<Record<string, number>>): Promise<void> {
  await until(
    "the newest messages",
    () => Object.entries(last).every(([room, id]) => events.idsByRoom[room]?.at(-1) === id),
  );
}

Deno.test("GET /api/events streams several rooms; each id is the position in all of them", async () => {
  await using hub = await startTestHub();
  await using alice = await TestSocket.plain(hub.url, "Alice", "room=a&room=b");
  await post(hub, "a", "before");
  await using events = await SseReader.openRooms(hub, ["a", "b"]);
  const opening = await events.next("the opening", ({ retry }) => retry !== undefined);
  const [a, b] = [await epochOf(hub, "a"), await epochOf(hub, "b")];
  assertEquals(opening.id, `a=${a}:1,b=${b}:0`);
  await post(hub, "b", "first");
  await post(hub, "c", "elsewhere");
  await post(hub, "a", "second");
  await caughtUp(events, { a: 2, b: 1 });
  assertEquals(events.idsByRoom, { a: [2], b: [1] });
  const messages = events.blocks.filter(({ event }) => event === "message");
  assertEquals(messages.map(({ id }) => id), [`a=${a}:1,b=${b}:1`, `a=${a}:2,b=${b}:1`]);
  const { body } = await fetchJson(hub, "/api/rooms/b/messages");
  assertEquals(JSON.parse(messages[0]?.data ?? ""), body.messages[0]);
  const { members } = (await fetchJson(hub, "/api/people")).body;
  assertEquals([members.length, hub.online], [1, 2]);
  assertEquals(alice.all("system").filter(({ event }) => event === "leave"), []);
});

Deno.test("GET /api/events resumes from the id of any event, in all rooms, exactly", async () => {
  await using hub = await startTestHub();
  const rooms = ["a", "b.c", "d_e-f"];
  const last: Record<string, number> = {};
  const say = async (room: string): Promise<void> => {
    last[room] = (await post(hub, room, "hi")).body.id;
  };
  for (const room of rooms) await say(room);
  const ids = new Set<string>();
  {
    await using events = await SseReader.openRooms(hub, rooms, "&recent=1");
    for (const n of range(0, 11)) {
      await say(rooms[(n * n + 1) % 3] ?? "a");
    }
    await caughtUp(events, last);
    for (const { id } of events.blocks) if (id !== undefined) ids.add(id);
  }
  for (const room of rooms) await say(room);
  assert(ids.size > 12);
  for (const id of ids) {
    const known = new Map(
      id.split(",").map((part) => {
        const [room = "", position = ""] = part.split("=");
        return [room, Number(position.split(":")[1])];
      }),
    );
    // Another order of rooms, and another number of recent ones, as in an address that has changed.
    await using events = await SseReader.openRooms(hub, rooms.toReversed(), "&recent=7", {
      "last-event-id": id,
    });
    await caughtUp(events, last);
    for (const room of rooms) {
      const after = known.get(room) ?? NaN;
      assertEquals(events.idsByRoom[room] ?? [], range(after + 1, last[room] ?? 0), id);
    }
    assertEquals(events.blocks.filter(({ event }) => event === "reset"), []);
  }
});

Deno.test("GET /api/events?recent= starts each room that has no position with that many", async () => {
  await using hub = await startTestHub();
  for (const room of ["a", "b", "b", "c", "c", "c"]) await post(hub, room, "hi");
  await using events = await SseReader.openRooms(hub, ["a", "b", "c", "d"], "&recent=2");
  await caughtUp(events, { a: 1, b: 2, c: 3 });
  assertEquals(events.idsByRoom, { a: [1], b: [1, 2], c: [2, 3] });
  await using all = await SseReader.openRooms(hub, ["a", "b", "c"], "&after=0");
  await caughtUp(all, { a: 1, b: 2, c: 3 });
  assertEquals(all.idsByRoom, { a: [1], b: [1, 2], c: [1, 2, 3] });
  const position = events.position ?? "";
  await post(hub, "e", "before");
  await post(hub, "a", "missed");
  // A room that is new in the address has no position yet.
  await using more = await SseReader.openRooms(hub, ["e", "a"], "&recent=5", {
    "last-event-id": position,
  });
  await caughtUp(more, { a: 2, e: 1 });
  assertEquals(more.idsByRoom, { e: [1], a: [2] });
});

Deno.test("GET /api/events sends `reset` for each room where it cannot resume, and for no other", async () => {
  const broker = await openSqliteBroker({
    path: ":memory:",
    retention: { maxMessages: 5, maxAge: Infinity },
  });
  await using hub = await startTestHub({ broker });
  for (const room of ["fine", "epoch", "trimmed", "ahead"]) {
    for (let n = 0; n < 8; n++) await post(hub, room, "hi");
  }
  await broker.trim();
  const [fine, trimmed, ahead] = await Promise.all(
    ["fine", "trimmed", "ahead"].map((room) => epochOf(hub, room)),
  );
  const position = `fine=${fine}:6,epoch=other:8,trimmed=${trimmed}:1,ahead=${ahead}:99`;
  await using events = await SseReader.openRooms(
    hub,
    ["fine", "epoch", "trimmed", "ahead"],
    `&recent=2&after=${position}`,
  );
  await caughtUp(events, { fine: 8, epoch: 8, trimmed: 8, ahead: 8 });
  const resets = events.blocks.filter(({ event }) => event === "reset");
  assertEquals(
    resets.map(({ data }) => JSON.parse(data ?? "")).map(({ room, reason }) => [room, reason]),
    [["epoch", "epoch"], ["trimmed", "trimmed"], ["ahead", "ahead"]],
  );
  const newest = [7, 8];
  // What is left after a position that was trimmed.
  const kept = [4, 5, 6, 7, 8];
  assertEquals(events.idsByRoom, { fine: newest, epoch: newest, trimmed: kept, ahead: newest });
  for (const { id } of events.blocks) {
    if (id !== undefined) assertMatch(id, /^fine=\S+,epoch=\S+,trimmed=\S+,ahead=\S+:\d+$/);
  }
});

Deno.test("GET /api/events serves 32 rooms with the longest names, and its id is accepted", async () => {
  await using hub = await startTestHub();
  const rooms = range(10, 41).map((n) => `${"long-name.".repeat(6)}_-${n}`);
  assertEquals([rooms.length, rooms[0]?.length], [32, 64]);
  let position;
  {
    await using events = await SseReader.openRooms(hub, rooms);
    await events.next("the opening", ({ retry }) => retry !== undefined);
    await post(hub, rooms[31] ?? "", "hi");
    await events.message(1);
    position = events.position ?? "";
  }
  await post(hub, rooms[0] ?? "", "missed");
  await using events = await SseReader.openRooms(hub, rooms, "", { "last-event-id": position });
  await events.message(1);
  assertEquals(events.idsByRoom, { [rooms[0] ?? ""]: [1] });
  assertEquals((await answerFor(hub, [...rooms, "one-more"])).status, 400);
});

async function answerFor(hub: Server, rooms: readonly string[]) {
  return await fetchJson(hub, `/api/events?${rooms.map((room) => `room=${room}`).join("&")}`);
}

Deno.test("GET /api/events needs the right to read each room, and names the one that is missing", async () => {
  const authorizer: Authorizer = {
    required: false,
    authorize() {
      const rights = Rights.parse({ a: "read", b: "read" }) ?? Rights.all;
      return { ok: true, grant: { name: undefined, rights, admin: false, expiresAt: Infinity } };
    },
  };
  await using hub = await startTestHub({ authorizer });
  const { status, body } = await fetchJson(hub, "/api/events?room=a&room=secret&room=b");
  assertEquals([status, body.error.code], [403, "forbidden"]);
  assertStringIncludes(body.error.message, "secret");
  await using events = await SseReader.openRooms(hub, ["a", "b"]);
  assertEquals(events.response.status, 200);
});

Deno.test("GET /api/events rejects bad rooms and positions", async () => {
  await using hub = await startTestHub({ limits: { maxRooms: 2 } });
  for (
    const [query, code] of [
      ["", "bad_parameter"],
      ["?room=a&room=b&room=c", "bad_parameter"],
      ["?room=A", "bad_room"],
      ["?room=a&room=../b", "bad_room"],
      ["?room=", "bad_room"],
      ["?room=a&after=3", "bad_parameter"],
      ["?room=a&after=a", "bad_parameter"],
      ["?room=a&after=a=e:", "bad_parameter"],
      ["?room=a&after=a=e:1,", "bad_parameter"],
      ["?room=a&after=a=e:-1", "bad_parameter"],
      ["?room=a&after=a=e:1e3", "bad_parameter"],
      [`?room=a&after=a=${"e".repeat(65)}:1`, "bad_parameter"],
      [`?room=a&after=${Array(33).fill("a=e:1").join(",")}`, "bad_parameter"],
      ["?room=a&recent=501", "bad_parameter"],
      ["?room=a&history=1", "bad_parameter"],
    ] as const
  ) {
    const { status, body } = await fetchJson(hub, `/api/events${query}`);
    assertEquals([status, body.error?.code], [400, code], query);
  }
  // The same room twice is one room.
  await using events = await SseReader.openRooms(hub, ["a", "b", "a"]);
  assertEquals(events.response.status, 200);
  assertEquals((await fetchJson(hub, "/api/events?room=a", { method: "HEAD" })).status, 405);
});

Deno.test("GET /api/events sends long histories of all rooms to a client that reads", async () => {
  const broker = await openSqliteBroker({ path: ":memory:" });
  const rooms = range(1, 8).map((n) => `r${n}`);
  for (const room of rooms) {
    const message = "x".repeat(30_000);
    await broker.append(
      Array.from({ length: 20 }, () => ({ room, sender: "Alice", content: { message } })),
    );
  }
  await using hub = await startTestHub({ broker, limits: { maxOutboxBytes: 512 * 1024 } });
  await using events = await SseReader.openRooms(hub, rooms, "&recent=500");
  const last = Object.fromEntries(rooms.map((room) => [room, 20]));
  await caughtUp(events, last);
  for (const room of rooms) assertEquals(events.idsByRoom[room], range(1, 20));
  assertEquals((await fetchJson(hub, "/api/status")).body.slowConsumers, 0);
});

Deno.test("GET /api/events ends with the reason when one of its rooms is closed", async () => {
  await using hub = await startModeratedHub();
  await using events = await SseReader.openRooms(hub, ["a", "party"]);
  await events.next("the opening", ({ retry }) => retry !== undefined);
  await postModeration(hub, "close-room", { room: "party", reason: "quiet now" });
  await until("the end", () => events.end === "closed");
  const notice = events.blocks.find(({ event }) => event === "notice");
  assertStringIncludes(notice?.data ?? "", "quiet now");
  const { status, body } = await fetchJson(hub, "/api/events?room=a&room=party");
  assertEquals(status, 403);
  assertStringIncludes(body.error.message, "party");
});
