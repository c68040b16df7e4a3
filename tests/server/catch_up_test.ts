import { assert, assertEquals, assertLess } from "@std/assert";
import { openSqliteBroker } from "../../broker/sqlite/sqlite_broker.ts";
import { maxFrameBytes } from "../../protocol.ts";
import { FakeClock } from "../kit/fake_clock.ts";
import { type JoinedRoomFrame, type ReceivedFrame, TestSocket } from "../kit/test_socket.ts";
import { RecordedClient, startMemoryHub } from "../kit/memory_hub.ts";
import { startTestHub } from "../kit/test_hub.ts";
import { until } from "../kit/wait.ts";

const ids = (messages: readonly ReceivedFrame[]): unknown[] => messages.map(({ id }) => id);

const range = (first: number, last: number): number[] =>
  Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);

/** Publishes `count` messages of `size` characters in `room`. */
async function fill(url: string, room: string, count: number, text: string): Promise<void> {
  const [writer] = await TestSocket.v1(url, { sender: "Writer", echo: false, rooms: [{ room }] });
  await using _ = writer;
  for (let ref = 1; ref <= count; ref++) writer.send({ type: "message", message: text, ref });
  if (count > 0) await writer.next("ack", (ack) => ack["ref"] === count);
}

/** The messages of a room that a client got, from `joined` and after it. */
function received(socket: TestSocket, room: string): ReceivedFrame[] {
  const isOf = (frame: ReceivedFrame): boolean => frame["room"] === room;
  const joined = socket.all("joined").filter(isOf) as JoinedRoomFrame[];
  return [...joined.flatMap(({ messages }) => messages), ...socket.all("message").filter(isOf)];
}

/** Waits until `live` has come for `count` rooms. */
async function caughtUp(socket: TestSocket, count: number): Promise<void> {
  while (socket.all("live").length < count) await socket.next("live");
}

Deno.test("`joined` and `live` enclose the history of each room, and nothing of a room comes before", async () => {
  await using hub = await startTestHub();
  const rooms = ["a", "b.b", "c-c_c"];
  for (const room of rooms) await fill(hub.url, room, 3, "x");
  const [socket, welcome] = await TestSocket.v1(hub.url, {
    rooms: rooms.map((room) => ({ room })),
  });
  await using _ = socket;
  assertEquals(welcome["rooms"], rooms);
  await caughtUp(socket, 3);
  for (const room of rooms) {
    const types = socket.frames.map((frame) => JSON.parse(frame) as ReceivedFrame)
      .filter((frame) => frame["room"] === room && frame.type !== "presence")
      .map(({ type }) => type);
    assertEquals(types, ["joined", "live"]);
    const live = socket.all("live").find((frame) => frame["room"] === room);
    assertEquals([ids(received(socket, room)), live?.["id"]], [[1, 2, 3], 3]);
  }
});

Deno.test("`recent` and `max` give exactly that many messages, however large, and `more` tells of older ones", async () => {
  await using hub = await startTestHub();
  const url = hub.url;
  await fill(url, "large", 40, "é".repeat(30_000));
  const cases: [position: object, first: number, more: boolean][] = [
    [{ recent: 0 }, 41, true],
    [{ recent: 1 }, 40, true],
    [{ recent: 39 }, 2, true],
    [{ recent: 40 }, 1, false],
    [{ recent: 500 }, 1, false],
    [{ after: 0 }, 1, false],
    [{ after: 0, max: 7 }, 34, true],
    [{ after: 0, max: 40 }, 1, false],
    [{ recent: 9, max: 5 }, 36, true],
    [{}, 1, false],
  ];
  for (const [position, first, more] of cases) {
    const [socket, _welcome, [joined]] = await TestSocket.v1(url, {
      rooms: [{ room: "large", ...position }],
    });
    await using _ = socket;
    await socket.next("live");
    assertEquals(
      [ids(received(socket, "large")), joined?.["more"], joined?.["first"], joined?.last],
      [range(first, 40), more, 1, 40],
      JSON.stringify(position),
    );
  }
});

Deno.test("a position whose next messages were trimmed gets everything that is kept", async () => {
  const broker = await openSqliteBroker({
    path: ":memory:",
    retention: { maxMessages: 70, maxAge: Infinity },
  });
  await using hub = await startTestHub({ broker });
  await fill(hub.url, "trimmed", 80, "x");
  const join = async (position: object): Promise<readonly [ReceivedFrame, unknown[]]> => {
    const [socket, _welcome, [joined]] = await TestSocket.v1(hub.url, {
      rooms: [{ room: "trimmed", ...position }],
    });
    await using _ = socket;
    await socket.next("live");
    return [joined ?? {}, ids(received(socket, "trimmed"))];
  };
  const [all, allIds] = await join({ after: 0 });
  assertEquals([all["recovered"], all["reset"], all["more"]], [false, "trimmed", false]);
  assertEquals(allIds, range(11, 80));
  const [some, someIds] = await join({ after: 0, max: 60 });
  assertEquals([some["more"], someIds], [true, range(21, 80)]);
  for (const after of [0, 1, 9]) {
    const [lost, lostIds] = await join({ epoch: all["epoch"], after, recent: 3 });
    assertEquals([lost["reset"], lost["more"], lostIds], ["trimmed", false, range(11, 80)]);
  }
  const [recovered, next] = await join({ epoch: all["epoch"], after: 10, recent: 3 });
  assertEquals([recovered["recovered"], next], [true, range(11, 80)]);
});

Deno.test("no frame is larger than `maxFrameBytes`, whatever the rooms hold", async () => {
  await using hub = await startTestHub();
  const rooms = range(1, 32).map((n) => `room-${n}`);
  // Three bytes a character, and an escape sequence.
  const text = "漢\n".repeat(10_000);
  for (const room of rooms) await fill(hub.url, room, 4, text);
  for (const [protocol, hello] of [["bcast.v1", true], [[], false]] as const) {
    const socket = await TestSocket.open(
      `${hub.url}?${rooms.map((room) => `room=${room}`).join("&")}`,
      protocol as string | string[],
    );
    await using _ = socket;
    const sizes: number[] = [];
    socket.socket.addEventListener("message", ({ data }) => {
      sizes.push(new TextEncoder().encode(String(data)).length);
    });
    if (hello) {
      socket.send({ type: "hello", rooms: rooms.map((room) => ({ room })) });
      await caughtUp(socket, rooms.length);
      for (const room of rooms) assertEquals(ids(received(socket, room)), [1, 2, 3, 4]);
    } else {
      const [welcome] = [await socket.next("welcome")];
      const list = welcome["rooms"] as { history: ReceivedFrame[]; more: boolean }[];
      assertEquals(list.length, 32);
      for (const { history, more } of list) {
        assertEquals(ids(history), range(5 - history.length, 4));
        assertEquals(more, history.length < 4);
      }
    }
    const { maxFrameBytes: limit } = socket.all("welcome")[0]?.["limits"] as {
      maxFrameBytes: number;
    };
    assertEquals(limit, maxFrameBytes(64 * 1024));
    assertLess(Math.max(0, ...sizes), limit + 1);
  }
});

Deno.test("a client that reads slowly is not cut off while it catches up", async () => {
  const clock = new FakeClock();
  await using hub = await startTestHub({ clock, limits: { maxOutboxBytes: 512 * 1024 } });
  const rooms = range(1, 8).map((n) => `room-${n}`);
  for (const room of rooms) await fill(hub.url, room, 12, "x".repeat(60_000));
  const socket = await TestSocket.open(hub.url, "bcast.v1");
  await using _ = socket;
  socket.send({ type: "hello", rooms: rooms.map((room) => ({ room, after: 0 })) });
  await socket.next("welcome");
  // Pages wait for the reader by the hub's clock.
  for (let left = rooms.length; left > 0;) {
    clock.advance(20);
    socket.send({ type: "ping" });
    await socket.next("pong");
    left = rooms.length - socket.all("live").length;
  }
  for (const room of rooms) assertEquals(ids(received(socket, room)), range(1, 12));
});

Deno.test("a room that is left, or joined again, while a client catches up", async () => {
  await using hub = await startTestHub();
  await fill(hub.url, "long", 40, "x".repeat(60_000));
  await fill(hub.url, "short", 2, "x");
  const socket = await TestSocket.open(hub.url, "bcast.v1");
  await using _ = socket;
  socket.send({ type: "hello", rooms: [{ room: "long", after: 0 }, { room: "short" }] });
  await socket.next("joined", (frame) => frame["room"] === "short");
  socket.send({ type: "leave", room: "long", ref: "l" });
  await socket.next("left", (frame) => frame["ref"] === "l");
  socket.send({ type: "join", room: "long", recent: 1, ref: "j" });
  const joined = await socket.next("joined", (frame) => frame["ref"] === "j");
  assertEquals(ids(joined["messages"] as ReceivedFrame[]), [40]);
  await socket.next("live", (frame) => frame["room"] === "long");
  assertEquals(socket.all("live").filter((frame) => frame["room"] === "short").length, 1);
});

Deno.test("without echo, `prev` says that no entry is missing where own messages were", async () => {
  await using hub = await startTestHub();
  const [eve, _welcome, [joined]] = await TestSocket.v1(hub.url, { sender: "Eve", echo: false });
  await using _e = eve;
  const [bob] = await TestSocket.v1(hub.url, { sender: "Bob" });
  await using _b = bob;
  // b: Bob's, e: Eve's with a ref, E: Eve's without.
  for (const [index, who] of [..."beebEEbbebEEEb"].entries()) {
    const socket = who === "b" ? bob : eve;
    socket.send({ type: "message", message: who, ...(who === "E" ? {} : { ref: index }) });
    socket.send({ type: "ping", ref: `p${index}` });
    await socket.next("pong", (pong) => pong["ref"] === `p${index}`);
  }
  await eve.next("message", ({ id }) => id === 14);
  let seen = joined?.last ?? 0;
  for (const { id, prev } of eve.all("message")) {
    assertEquals((prev as number | undefined) ?? Number(id) - 1, seen);
    seen = Number(id);
  }
  assertEquals(ids(eve.all("message")), [1, 4, 7, 8, 10, 14]);
  assertEquals(ids(eve.all("ack")), [2, 3, 9]);
});

Deno.test("an ack comes before the echo, and before every later message of its room", async () => {
  await using hub = await startTestHub();
  const [alice] = await TestSocket.v1(hub.url, { sender: "Alice" });
  await using _a = alice;
  const [bob] = await TestSocket.v1(hub.url, { sender: "Bob" });
  await using _b = bob;
  for (let ref = 1; ref <= 50; ref++) {
    alice.send({ type: "message", message: "x", ref });
    bob.send(`{"type":"message","message":"y","ref":${ref}}\n{"type":"message","message":"z"}`);
  }
  await alice.next("message", ({ id }) => id === 150);
  await bob.next("message", ({ id }) => id === 150);
  for (const socket of [alice, bob]) {
    let newest = 0;
    let acks = 0;
    for (const frame of socket.frames.map((text) => JSON.parse(text) as ReceivedFrame)) {
      if (frame.type === "message") newest = Number(frame["id"]);
      if (frame.type !== "ack") continue;
      acks++;
      assert(Number(frame["id"]) > newest, `ack ${frame["id"]} after message ${newest}`);
      assertEquals(typeof frame["epoch"], "string");
    }
    assertEquals(acks, 50);
  }
});

Deno.test("what does not fit the first frame is sent at once, also while more is awaited", async () => {
  await using world = await startMemoryHub();
  const client = await new RecordedClient(world.hub, "192.0.2.7").hello({ sender: "Alice" });
  const { promise, resolve } = Promise.withResolvers<void>();
  const texts = ["a", "b"].map((letter) => JSON.stringify({ type: letter.repeat(200_000) }));
  const together = client.connection.sendTogether(() => {
    client.connection.enqueue(texts);
    return promise;
  });
  await until("both frames", () => texts.every((text) => client.lines.includes(text)));
  resolve();
  await together;
});
