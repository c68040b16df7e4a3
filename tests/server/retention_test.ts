import { assert, assertEquals } from "@std/assert";
import { openSqliteBroker } from "../../broker/sqlite/sqlite_broker.ts";
import { SseReader } from "../kit/sse_reader.ts";
import { FakeClock } from "../kit/fake_clock.ts";
import { fetchJson } from "../kit/http.ts";
import { type ReceivedFrame, TestSocket } from "../kit/test_socket.ts";
import { startTestHub } from "../kit/test_hub.ts";
import type { Server } from "../../server.ts";
import { until } from "../kit/wait.ts";

/** The snapshot that a client gets when it joins the lobby at `position`. */
async function enter(hub: Server, position: object): Promise<ReceivedFrame> {
  const [socket, _welcome, [joined]] = await TestSocket.v1(hub.url, {
    rooms: [{ room: "lobby", ...position }],
  });
  await using _ = socket;
  return joined ?? {};
}

const idsOf = (messages: unknown): readonly unknown[] =>
  (messages as ReceivedFrame[]).map((message) => message["id"]);

/** Checks that a new client gets the messages `first` to `last` of the lobby through every API. */
async function shows(hub: Server, first: number, last: number): Promise<void> {
  const expected = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  const joined = await enter(hub, { after: 0 });
  assertEquals([joined["recovered"], idsOf(joined["messages"])], [first === 1, expected]);
  const after = await enter(hub, { epoch: joined["epoch"], after: first - 1 });
  assertEquals([after["recovered"], idsOf(after["messages"])], [true, expected]);
  if (first > 1) {
    const lost = await enter(hub, { epoch: joined["epoch"], after: first - 2 });
    assertEquals([lost["recovered"], idsOf(lost["messages"])], [false, expected]);
  }
  assertEquals(idsOf((await enter(hub, {}))["messages"]), expected);
  assertEquals(idsOf((await enter(hub, { recent: 500 }))["messages"]), expected);

  const [socket] = await TestSocket.v1(hub.url, { rooms: [] });
  await using asking = socket;
  for (const query of [{}, { query: "word*" }]) {
    for (const where of [{}, { after: 0 }, { before: last + 1 }]) {
      asking.send({ type: "history", room: "lobby", ...query, ...where, ref: 1 });
      const { messages, more } = await asking.next("history");
      assertEquals([idsOf(messages), more], [expected, false]);
      const search = new URLSearchParams(
        Object.entries({ ...query, ...where }).map(([name, value]) => [name, String(value)]),
      );
      const { body } = await fetchJson(hub, `/api/rooms/lobby/messages?${search}`);
      assertEquals(idsOf(body.messages), expected);
    }
  }
  const { body } = await fetchJson(hub, "/api/rooms");
  const room = body.rooms.find(({ room }: { room: string }) => room === "lobby");
  assertEquals(room.messages, expected.length);
  assertEquals((await fetchJson(hub, "/api/status")).body.log.messages, expected.length);

  await using events = await SseReader.open(hub, "lobby", "", {
    "last-event-id": `${joined["epoch"]}:0`,
  });
  await events.next("the opening", ({ retry }) => retry !== undefined);
  if (expected.length > 0) await events.message(last);
  assertEquals(events.messages.map(([id]) => id), expected);
  const resets = events.blocks.flatMap(({ event, data = "" }) =>
    event === "reset" ? [JSON.parse(data).reason] : []
  );
  assertEquals(resets, first === 1 ? [] : ["trimmed"]);

  await using text = await TestSocket.open(hub.url, "text");
  await text.line(/Welcome|You are/i);
  text.send("/who");
  await text.line(/here|online/i);
  assertEquals(text.frames.join("\n").match(/word\d+/g) ?? [], expected.map((id) => `word${id}`));
}

for (const trimmed of [false, true]) {
  const when = trimmed ? "after it was trimmed" : "before it is trimmed";
  Deno.test(`messages that are too old are not sent while a client stays, ${when}`, async () => {
    const clock = new FakeClock();
    const broker = await openSqliteBroker({
      path: ":memory:",
      now: () => clock.now(),
      retention: { maxAge: 5000 },
    });
    await using hub = await startTestHub({ broker, clock });
    await using alice = await TestSocket.plain(hub.url, "Alice");
    const say = async (first: number, last: number): Promise<void> => {
      for (let id = first; id <= last; id++) alice.send({ type: "message", message: `word${id}` });
      await until("its messages", () => alice.all("message").length === last);
    };
    await say(1, 5);
    await shows(hub, 1, 5);
    clock.advance(3000);
    await say(6, 7);
    await shows(hub, 1, 7);
    clock.advance(2001);
    if (trimmed) await broker.trim();
    await shows(hub, 6, 7);
    clock.advance(3000);
    if (trimmed) await broker.trim();
    await shows(hub, 8, 7);
    await say(8, 8);
    await shows(hub, 8, 8);
    assert(!alice.frames.some((frame) => frame.includes("error")));
  });

  Deno.test(`messages beyond the retained number are not sent while a client stays, ${when}`, async () => {
    const clock = new FakeClock();
    const broker = await openSqliteBroker({ path: ":memory:", retention: { maxMessages: 3 } });
    await using hub = await startTestHub({ broker, clock });
    await using alice = await TestSocket.plain(hub.url, "Alice");
    for (let id = 1; id <= 8; id++) {
      alice.send({ type: "message", message: `word${id}` });
      await alice.next("message", (message) => message["id"] === id);
      if (trimmed) await broker.trim();
      await shows(hub, Math.max(1, id - 2), id);
    }
  });
}
