import { assertEquals } from "@std/assert";
import { startGuardedHub, tokenFor } from "../kit/guarded_hub.ts";
import { type ReceivedFrame, TestSocket } from "../kit/test_socket.ts";
import { startTestHub } from "../kit/test_hub.ts";

/** Breaks a connection, so that its session waits for the client. */
async function breakConnection({ socket, closed }: TestSocket): Promise<void> {
  socket.close(4000);
  await closed;
}

/** The types and rooms of all frames but presence, which comes when the hub likes. */
function order(socket: TestSocket): unknown[][] {
  return socket.frames.map((text) => JSON.parse(text) as ReceivedFrame)
    .filter(({ type }) => type !== "presence")
    .map((frame) => "room" in frame ? [frame.type, frame["room"]] : [frame.type]);
}

Deno.test("after `hello` come errors about rooms, `welcome`, private messages that waited, and the rooms", async () => {
  await using hub = await startTestHub();
  await using bob = await TestSocket.plain(hub.url, "Bob");
  const [alice, welcome] = await TestSocket.v1(hub.url, { sender: "Alice", rooms: [] });
  await breakConnection(alice);
  for (const ref of [1, 2]) {
    bob.send({ type: "direct", to: "Alice", message: `private ${ref}`, ref });
    await bob.next("direct");
  }
  await using again = await TestSocket.open(hub.url, "bcast.v1");
  again.send({ type: "message", message: "too early" });
  again.send({
    type: "hello",
    session: welcome["session"],
    rooms: [{ room: "b" }, { room: "No" }, { room: "a" }],
  });
  await again.next("live", ({ room }) => room === "a");
  assertEquals(order(again), [
    ["error"],
    ["error", "No"],
    ["welcome"],
    ["direct"],
    ["direct"],
    ["joined", "b"],
    ["live", "b"],
    ["joined", "a"],
    ["live", "a"],
  ]);
});

Deno.test("a client that resumes with a token for fewer rooms gets nothing before `welcome`", async () => {
  await using hub = await startGuardedHub();
  const [eve, welcome] = await TestSocket.v1(hub.url, {
    token: await tokenFor({ sub: "Eve" }),
    rooms: [{ room: "secret" }, { room: "lobby" }],
  });
  await breakConnection(eve);
  await using again = await TestSocket.open(hub.url, "bcast.v1");
  const token = await tokenFor({ sub: "Eve", rooms: { lobby: "read" } });
  again.send({ type: "hello", token, session: welcome["session"] });
  const { type, resumed, rooms } = await again.nextFrame() as ReceivedFrame;
  assertEquals([type, resumed, rooms], ["welcome", true, ["lobby"]]);
});
