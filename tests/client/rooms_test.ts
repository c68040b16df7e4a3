import { assert, assertEquals, assertThrows } from "@std/assert";
import { connect, type ConnectOptions } from "../../client.ts";
import { FakeClock } from "../kit/fake_clock.ts";
import { EventLog } from "../kit/event_log.ts";
import {
  ack,
  joined,
  message,
  messages,
  refusal,
  ScriptedHub,
  unreadable,
  welcome,
  type WelcomeScript,
} from "../kit/scripted_hub.ts";
import { within } from "../kit/wait.ts";

/** A client that is online, and can be made to reconnect. */
async function online(
  hub: ScriptedHub,
  options: Partial<ConnectOptions> = {},
  script: WelcomeScript = {},
) {
  const clock = new FakeClock();
  const connection = connect({ url: hub.url, ...options }, { clock, random: () => 0.5 });
  const log = new EventLog(connection);
  const side = await hub.welcome(script);
  await log.until("online");
  const back = async () => {
    clock.advance((await log.until("offline")).retryIn);
    return await hub.accept();
  };
  return { connection, log, side, clock, back };
}

Deno.test("a room is joined only once the hub has sent its `joined`, then `live` follows", async () => {
  await using hub = new ScriptedHub();
  await using connection = connect({ url: hub.url });
  const log = new EventLog(connection);
  const side = await hub.accept();
  await side.hello();
  side.say(welcome({ rooms: ["den", "lobby"] }), message(7), { type: "live", room: "den", id: 9 });
  assertEquals((await log.until("online")).welcome.rooms, ["den", "lobby"]);
  assertEquals(connection.positions, [{ room: "den" }, { room: "lobby" }]);
  side.say(
    { ...joined("lobby", { messages: messages(5, 6), last: 7, more: true }), type: "joined" },
    message(7),
    { type: "live", room: "lobby", id: 7 },
    message(8),
  );
  const lobby = await log.expect("joined");
  assertEquals([lobby.first, lobby.more, lobby.messages.length], [1, true, 2]);
  assertEquals(await log.ids(3), [5, 6, 7]);
  assertEquals(await log.expect("live"), { type: "live", room: "lobby", id: 7 });
  assertEquals((await log.expect("message")).id, 8);
  assertEquals(connection.positions, [{ room: "den" }, { room: "lobby", epoch: "e1", after: 8 }]);
});

Deno.test("an entry that this version cannot show counts as received", async () => {
  await using hub = new ScriptedHub();
  const list = [unreadable(1), message(2), unreadable(3), unreadable(4)];
  const { connection, log, side } = await online(hub, {}, {
    rooms: [joined("lobby", { messages: list })],
  });
  await using _ = connection;
  assertEquals((await log.expect("joined")).messages.map(({ id }) => id), [2]);
  assertEquals((await log.expect("message")).id, 2);
  side.say(message(5));
  side.sayRaw('{"type":"reaction","room":"lobby","id":6,"reaction":"👍"}');
  side.sayRaw('{"type":"message","room":"lobby","id":7,"kind":"delete","target":5}');
  // The hub hides 8 and 9 from this reader.
  side.say({ ...message(10), prev: 7 }, { ...message(11), prev: 10 });
  side.sayRaw('{"type":"edit","room":"lobby","id":14,"prev":11}');
  side.say(message(15));
  for (const id of [5, 10, 11, 15]) assertEquals((await log.expect("message")).id, id);
  assertEquals(connection.positions, [{ room: "lobby", epoch: "e1", after: 15 }]);
  assertEquals([connection.state, hub.unexpected], ["online", 0]);
});

Deno.test("messages that the hub never sends are reported, and cause one reconnect", async () => {
  await using hub = new ScriptedHub();
  const { connection, log, side, back } = await online(hub);
  await using _ = connection;
  side.say(message(1), message(4));
  const second = await back();
  assertEquals((await second.hello()).rooms, [{ room: "lobby", epoch: "e1", after: 1 }]);
  second.welcome({ rooms: [joined("lobby", { recovered: true, last: 4 })] });
  await log.until("joined");
  second.say(message(4), message(5));
  const error = await log.expect("error");
  const says = "The hub did not send messages 2 to 3 of #lobby: look for them in the history";
  assertEquals([error.message, error.room], [says, "lobby"]);
  assertEquals(await log.ids(2), [4, 5]);
  assertEquals([connection.state, hub.unexpected], ["online", 0]);
});

Deno.test("a hub that skips every second id causes a few reconnects, not a loop", async () => {
  await using hub = new ScriptedHub();
  const { connection, log, side, clock } = await online(hub);
  await using _ = connection;
  let current = side;
  let reconnects = 0;
  for (let id = 2; id < 40; id += 2) {
    current.say(message(id));
    let next = await log.next();
    while (next.type !== "message" && next.type !== "offline") next = await log.next();
    if (next.type !== "offline") continue;
    reconnects++;
    clock.advance(next.retryIn);
    const after = connection.positions[0]?.after ?? 0;
    const script = { recovered: true, last: id, messages: messages(after + 1, id) };
    current = await hub.welcome({ rooms: [joined("lobby", script)] });
    await log.ids(id - after);
  }
  assert(reconnects > 0 && reconnects <= 5, `${reconnects} reconnects`);
});

Deno.test("`joined` counts what was missed in all pages, and passes on why messages are missing", async () => {
  await using hub = new ScriptedHub();
  const rooms = [{ room: "lobby", epoch: "e1", after: 2, max: 500, presence: "count" as const }];
  const { connection, log, side, back } = await online(hub, { rooms }, {
    rooms: [joined("lobby", { recovered: true, messages: messages(3, 4), last: 6 })],
  });
  await using _ = connection;
  assertEquals((await log.expect("joined")).missed, 4);
  side.say(message(5), message(6), { type: "live", room: "lobby", id: 6 });
  assertEquals(await log.ids(4), [3, 4, 5, 6]);
  side.close(1011);
  const second = await back();
  assertEquals((await second.hello()).rooms, [{ ...rooms[0], room: "lobby", after: 6 }]);
  const trimmed = { reset: "trimmed", first: 9, messages: messages(9, 9), last: 10 } as const;
  second.welcome({ rooms: [joined("lobby", trimmed)] });
  const again = await log.until("joined");
  assertEquals([again.recovered, again.reset, again.first, again.missed], [false, "trimmed", 9, 2]);
  second.say(message(10));
  assertEquals(await log.ids(2), [9, 10]);
  second.close(1011);
  const third = await back();
  await third.hello();
  const reset = { epoch: "e2", reset: "epoch", messages: messages(1, 2), more: true } as const;
  third.welcome({ rooms: [joined("lobby", reset)] });
  const anew = await log.until("joined");
  assertEquals([anew.recovered, anew.reset, anew.more, anew.missed], [false, "epoch", true, 2]);
  assertEquals(await log.ids(2), [1, 2]);
});

Deno.test("a log that lost its end is shown anew, although its ids were seen before", async () => {
  await using hub = new ScriptedHub();
  const { connection, log, side, back } = await online(hub, {}, {
    rooms: [joined("lobby", { messages: messages(1, 5) })],
  });
  await using _ = connection;
  assertEquals((await log.ids(5)).at(-1), 5);
  side.close(1011);
  const second = await back();
  await second.hello();
  second.welcome({ rooms: [joined("lobby", { reset: "ahead", messages: messages(2, 3) })] });
  second.say(message(4));
  const again = await log.until("joined");
  assertEquals([again.recovered, again.reset], [false, "ahead"]);
  assertEquals(await log.ids(3), [2, 3, 4]);
});

Deno.test("`connect()` and `join()` require the epoch of a position", async () => {
  const rooms = [{ room: "lobby", after: 7 }];
  const says = 'The position of #lobby has no epoch: give the "epoch" that "after" belongs to';
  assertThrows(() => connect({ url: "ws://localhost", rooms }), TypeError, says);
  await using hub = new ScriptedHub();
  const { connection, log, side } = await online(hub, { rooms: [{ room: "lobby", after: 0 }] });
  await using _ = connection;
  connection.join({ room: "news", after: 1 });
  const error = await log.until("error");
  assertEquals([error.code, error.re, error.room, error.final], [
    "bad_frame",
    "join",
    "news",
    true,
  ]);
  assertEquals(connection.positions.map(({ room }) => room), ["lobby"]);
  assertEquals(side.unread, 0);
});

Deno.test("a refused room does not make the connection fail, neither now nor when it breaks", async () => {
  await using hub = new ScriptedHub();
  const clock = new FakeClock();
  const rooms = [{ room: "board" }, { room: "lobby" }];
  await using connection = connect({ url: hub.url, rooms }, { clock, random: () => 0.5 });
  const log = new EventLog(connection);
  const side = await hub.accept();
  await side.hello();
  const waiting = clock.waiting;
  side.refuse({ code: "forbidden", message: "Not for you", re: "join", room: "board" });
  side.welcome();
  assertEquals((await log.until("error")).message, "Not for you");
  assertEquals((await log.expect("joined")).room, "lobby");
  assertEquals(clock.waiting, waiting, "nothing waits to give up");
  assertEquals(connection.positions.map(({ room }) => room), ["lobby"]);
  side.close(1011);
  clock.advance((await log.until("offline")).retryIn);
  await hub.welcome();
  await log.until("online");
});

Deno.test("a room that a hub cannot open for the moment is joined again", async () => {
  await using hub = new ScriptedHub();
  const rooms = [joined("lobby"), joined("board", { messages: messages(1, 3, "board") })];
  const { connection, log, side, clock, back } = await online(hub, {}, { rooms });
  await using _ = connection;
  await log.ids(3);
  side.close(1011);
  const second = await back();
  await second.hello();
  const script = { re: "join", room: "board", final: false, retryAfter: 2 } as const;
  second.say(refusal(script), welcome(), {
    ...joined("lobby", { recovered: true }),
    type: "joined",
  });
  await log.until("joined");
  clock.advance(2000);
  const { ref = "", ...join } = await second.expect("join");
  assertEquals(join, { type: "join", room: "board", epoch: "e1", after: 3 });
  const board = joined("board", { recovered: true, messages: messages(4, 4, "board") });
  second.say({ ...board, type: "joined", ref });
  assertEquals(await log.ids(1), [4]);
});

Deno.test("an error concerns the request whose `ref` it has", async () => {
  await using hub = new ScriptedHub();
  const { connection, log, side } = await online(hub);
  await using _ = connection;
  connection.join({ room: "first" });
  connection.join({ room: "second" });
  const refs = [(await side.expect("join")).ref ?? "", (await side.expect("join")).ref ?? ""];
  side.refuse({ code: "forbidden", re: "join", room: "second", ref: refs[1] ?? "" });
  assertEquals((await log.until("error")).room, "second");
  side.say({ ...joined("first"), type: "joined", ref: refs[0] ?? "" });
  assertEquals((await log.expect("joined")).room, "first");
  assertEquals(connection.positions.map(({ room }) => room), ["lobby", "first"]);
  // A room that the hub does not know the client in is left.
  connection.leave("first");
  const { ref = "" } = await side.expect("leave");
  side.refuse({ code: "not_in_room", re: "leave", room: "first", ref });
  assertEquals((await log.expect("left")).room, "first");
  await log.expect("error");
});

Deno.test("without `echo`, the client's own messages are no gap, and are never shown", async () => {
  await using hub = new ScriptedHub();
  const { connection, log, side, back } = await online(hub, { echo: false });
  await using _ = connection;
  const send = async (text: string, id: number, at = side): Promise<void> => {
    const sent = connection.send({ message: text });
    at.say(ack((await at.expect("message")).ref ?? "", id));
    await within(sent, "ack");
  };
  await send("one", 1);
  assertEquals(connection.positions, [{ room: "lobby", epoch: "e1", after: 1 }]);
  // Bob's message was stored before, and arrives later.
  await send("two", 3);
  await send("three", 5);
  assertEquals(connection.positions, [{ room: "lobby", epoch: "e1", after: 1 }]);
  side.say({ ...message(2), prev: 1 });
  assertEquals(await log.ids(1), [2]);
  assertEquals(connection.positions, [{ room: "lobby", epoch: "e1", after: 3 }]);
  side.close(1011);
  const second = await back();
  assertEquals((await second.hello()).rooms, [{ room: "lobby", epoch: "e1", after: 3 }]);
  const script = { recovered: true, messages: messages(4, 5), last: 6 };
  second.say(welcome({ rooms: ["lobby"] }));
  // Acked before the hub has sent the room.
  await send("four", 6, second);
  second.say({ ...joined("lobby", script), type: "joined" }, message(6), message(7));
  assertEquals((await log.until("joined")).messages.map(({ id }) => id), [4]);
  assertEquals(await log.ids(2), [4, 7]);
  assertEquals(connection.positions, [{ room: "lobby", epoch: "e1", after: 7 }]);
  assertEquals([connection.state, hub.unexpected], ["online", 0]);
});
