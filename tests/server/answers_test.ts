import { assert, assertEquals, assertMatch } from "@std/assert";
import { SecretAuthorizer } from "../../auth/secrets.ts";
import { FakeClock } from "../kit/fake_clock.ts";
import { type ReceivedFrame, TestSocket } from "../kit/test_socket.ts";
import { startTestHub } from "../kit/test_hub.ts";

/** The frames that answer `request`, which must have a `ref`: everything before the next pong. */
async function answers(socket: TestSocket, request: object): Promise<ReceivedFrame[]> {
  socket.forget();
  const end = crypto.randomUUID();
  socket.send(request);
  socket.send({ type: "ping", ref: end });
  await socket.next("pong", (pong) => pong["ref"] === end);
  const { ref } = request as { readonly ref?: unknown };
  return socket.frames.map((text) => JSON.parse(text) as ReceivedFrame)
    .filter((frame) => frame["ref"] === ref);
}

Deno.test("every request has one answer with its ref, or one error that names it", async () => {
  await using hub = await startTestHub({ limits: { maxRooms: 2, rate: 0 } });
  const [alice] = await TestSocket.v1(hub.url, { sender: "Alice" });
  await using _a = alice;
  const [bob] = await TestSocket.v1(hub.url, { sender: "Bob" });
  await using _b = bob;
  let ref = 0;
  const expected: [request: object, answer: string, room?: string | undefined, final?: boolean][] =
    [
      [{ type: "message", message: "x" }, "ack"],
      [{ type: "message", message: "x", room: "lobby", key: "k" }, "ack"],
      [{ type: "message", message: "x", room: "other" }, "not_in_room", "other"],
      [{ type: "message", message: "y", room: "lobby", key: "k" }, "key_reused", "lobby"],
      [{ type: "message", room: "lobby" }, "bad_frame", "lobby"],
      [{ type: "message", room: "lobby", message: "x", kind: "edit" }, "unsupported", "lobby"],
      [{ type: "message", room: "Lobby", message: "x" }, "bad_room", "Lobby"],
      [{ type: "message", room: "lobby", message: "x".repeat(70_000) }, "too_big", "lobby"],
      [{ type: "direct", to: "Bob", message: "x" }, "direct"],
      // The hub has just started: others may be on their way back.
      [{ type: "direct", to: "Nobody", message: "x" }, "no_such_user", undefined, false],
      [{ type: "join", room: "second" }, "joined"],
      [{ type: "join", room: "lobby", after: 1 }, "bad_frame", "lobby"],
      [{ type: "join", room: "third" }, "too_many_rooms", "third"],
      [{ type: "join", room: "no/room" }, "bad_room", "no/room"],
      [{ type: "leave", room: "second" }, "left"],
      [{ type: "leave", room: "second" }, "not_in_room", "second"],
      [{ type: "nick", name: "Alicia" }, "ok"],
      [{ type: "nick", name: "BOB" }, "name_taken"],
      [{ type: "nick", name: "a/b" }, "bad_name"],
      [{ type: "typing", room: "lobby", active: true }, "ok"],
      [{ type: "typing", room: "second", active: true }, "not_in_room", "second"],
      [{ type: "typing", room: "lobby" }, "bad_frame", "lobby"],
      [{ type: "history", room: "lobby" }, "history"],
      [{ type: "history", room: "lobby", limit: 501 }, "bad_frame", "lobby"],
      [{ type: "members", room: "lobby" }, "members"],
      [{ type: "ping" }, "pong"],
      [{ type: "token", token: "anything" }, "ok"],
      [{ type: "token" }, "bad_frame"],
      [{ type: "hello", rooms: [{ room: "lobby" }] }, "welcome"],
      [{ type: "hello", rooms: 7 }, "bad_frame"],
    ];
  for (const [request, answer, room, final = true] of expected) {
    const { type } = request as { readonly type: string };
    const sent = { ...request, ref: ++ref % 2 === 0 ? ref : `r${ref}` };
    const [frame, ...others] = await answers(alice, sent);
    assert(frame !== undefined, `no answer to ${JSON.stringify(sent)}`);
    assertEquals(others, [], JSON.stringify(sent));
    if (frame.type !== "error") {
      assertEquals(frame.type, answer, JSON.stringify(sent));
      continue;
    }
    assertEquals(
      [frame["code"], frame["re"], frame["room"], frame["final"]],
      [answer, type, room, final],
      JSON.stringify(sent),
    );
  }
});

Deno.test("an unknown type is answered with its ref, without `re`", async () => {
  await using hub = await startTestHub();
  const [alice] = await TestSocket.v1(hub.url);
  await using _ = alice;
  const [error] = await answers(alice, { type: "consume", ref: 1 });
  assertEquals([error?.["code"], error?.["re"], error?.["final"]], [
    "unknown_type",
    undefined,
    true,
  ]);
});

Deno.test("a client that is closed for its rate, or wrong tokens, is told when to come back", async () => {
  await using hub = await startTestHub({
    authorizer: new SecretAuthorizer(["a secret of at least 16 bytes"]),
    limits: { maxFailures: 1 },
  });
  const codes: unknown[] = [];
  for (let n = 0; n < 3; n++) {
    const socket = await TestSocket.open(hub.url, "bcast.v1");
    socket.send({ type: "hello", token: `wrong ${n}` });
    const { code } = await socket.closed;
    const [bye] = socket.all("bye");
    codes.push([code, bye?.["reconnect"], typeof bye?.["retryAfter"]]);
  }
  assertEquals(codes, [[4501, false, "undefined"], [4029, true, "number"], [4029, true, "number"]]);
});

Deno.test("errors that pass are not final", async () => {
  const clock = new FakeClock();
  await using hub = await startTestHub({
    clock,
    limits: { rate: 1, burst: 2, rateOnLoopback: true },
  });
  const [alice] = await TestSocket.v1(hub.url);
  await using _ = alice;
  alice.send({ type: "join", room: "a", ref: 1 });
  alice.send({ type: "join", room: "b", ref: 2 });
  const error = await alice.next("error");
  assertEquals(
    [error["code"], error["re"], error["room"], error["ref"], error["final"]],
    ["rate_limited", "join", "b", 2, false],
  );
});

Deno.test("one bad room spoils one room", async () => {
  await using hub = await startTestHub({ limits: { maxRooms: 3 } });
  const socket = await TestSocket.open(hub.url, "bcast.v1");
  await using _ = socket;
  const long = "x".repeat(100);
  socket.send({
    type: "hello",
    ref: "h",
    rooms: [
      { room: "Team" },
      { room: "good" },
      { room: "after-only", after: 7 },
      { room: "\u001b[31m/😀" },
      { room: long },
      { room: null },
      { room: "also.good", recent: 1 },
      { room: "last_one", recent: -1 },
      { room: "third" },
      { room: "fourth" },
    ],
  });
  const [welcome] = await socket.welcome();
  assertEquals([welcome["rooms"], welcome["ref"]], [["good", "also.good", "third"], "h"]);
  assertEquals(
    socket.all("error").map(({ code, re, room, final }) => [code, re, room, final]),
    [
      ["bad_room", "join", "Team", true],
      ["bad_frame", "join", "after-only", true],
      ["bad_room", "join", "␛[31m/😀", true],
      ["bad_room", "join", long.slice(0, 64), true],
      ["bad_room", "join", undefined, true],
      ["bad_frame", "join", "last_one", true],
      ["too_many_rooms", "join", "fourth", true],
    ],
  );
});

Deno.test("`bye` precedes a close, with the code and a sentence", async () => {
  const clock = new FakeClock();
  const hub = await startTestHub({ clock });
  const late = await TestSocket.open(hub.url, "bcast.v1");
  const [alice] = await TestSocket.v1(hub.url, { sender: "Alice" });
  const [binary] = await TestSocket.v1(hub.url);
  binary.socket.send(new Uint8Array([1]));
  assertEquals((await binary.closed).code, 1003);
  assertEquals(binary.all("bye").map(({ code, reconnect }) => [code, reconnect]), [[1003, false]]);
  clock.advance(11_000);
  assertEquals((await late.closed).code, 4002);
  assertEquals(late.all("bye").map(({ code, reconnect }) => [code, reconnect]), [[4002, true]]);
  await hub[Symbol.asyncDispose]();
  const { code, reason } = await alice.closed;
  const [bye] = alice.all("bye");
  assertEquals([code, bye], [1001, { type: "bye", code: 1001, reconnect: true, message: reason }]);
  assertMatch(reason, /stop/);
});

Deno.test("`welcome` says whether the session continues, and what a later `hello` changes", async () => {
  await using hub = await startTestHub();
  const [alice, first] = await TestSocket.v1(hub.url, {
    sender: "Alice",
    client: { name: "test", version: "1" },
    features: ["edits", "x-acme-thing"],
    protocol: 7,
  });
  const { session } = first;
  assertEquals([first["protocol"], first["resumed"]], [1, false]);
  assert(Math.abs(Date.parse(String(first["time"])) - Date.now()) < 60_000);
  alice.socket.close(4000);
  await alice.closed;
  const [back, again] = await TestSocket.v1(hub.url, { session, rooms: [{ room: "a" }] });
  assertEquals([again["sender"], again["resumed"]], ["Alice", true]);

  // Without rooms: nothing is joined or left.
  back.forget();
  back.send({ type: "hello", ref: 1 });
  const kept = await back.next("welcome");
  back.send({ type: "ping" });
  await back.next("pong");
  assertEquals([kept["resumed"], kept["rooms"], kept["ref"]], [true, ["a"], 1]);
  assertEquals([back.all("joined"), back.all("left")], [[], []]);

  // With rooms: the others are left, these are joined at their positions.
  back.forget();
  back.send({ type: "hello", rooms: [{ room: "b" }, { room: "lobby" }] });
  const [changed] = await back.welcome();
  assertEquals(changed["rooms"], ["b", "lobby"]);
  assertEquals(back.all("left").map(({ room }) => room), ["a"]);

  await back.close();
  const [ended, other] = await TestSocket.v1(hub.url, { session });
  await using _ = ended;
  assertEquals(other["resumed"], false);
});
