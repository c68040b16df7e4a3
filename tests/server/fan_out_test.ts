import { assert, assertEquals } from "@std/assert";
import { coalesceDelay } from "../../server/fan_out_buffer.ts";
import { FakeClock } from "../kit/fake_clock.ts";
import { TestSocket } from "../kit/test_socket.ts";
import { startTestHub } from "../kit/test_hub.ts";

const ids = (socket: TestSocket): unknown[] =>
  socket.all("message").map((message) => message["id"]);

/** Waits until the hub has answered everything that `socket` sent so far. */
async function settled(socket: TestSocket): Promise<void> {
  const ref = crypto.randomUUID();
  socket.send({ type: "ping", ref });
  await socket.next("pong", (pong) => pong["ref"] === ref);
}

Deno.test("`coalesceDelay()` is 0 in small rooms", () => {
  assertEquals([coalesceDelay(0), coalesceDelay(49)], [0, 0]);
  assert(coalesceDelay(50) > 0);
});

Deno.test("messages that arrive faster than a large room can be served share their sends", async (t) => {
  const clock = new FakeClock();
  const hub = await startTestHub({ clock });
  const epochs = new Set<string>();
  const crowd = await Promise.all(Array.from({ length: 60 }, async () => {
    const [socket, _welcome, [joined]] = await TestSocket.v1(hub.url);
    epochs.add(joined?.epoch ?? "");
    return socket;
  }));
  const [epoch] = epochs;
  const [alice] = await TestSocket.v1(hub.url, { sender: "Alice" });
  const [mute] = await TestSocket.v1(hub.url, { sender: "Mute", echo: false });
  const [bob] = crowd;
  assert(bob !== undefined);
  const say = (socket: TestSocket, ref: number): void =>
    socket.send({ type: "message", message: `m${ref}`, ref });

  await t.step("the first message after a pause goes out immediately", async () => {
    say(alice, 1);
    await Promise.all(crowd.map((socket) => socket.next("message")));
    await alice.next("ack");
  });

  await t.step("later messages wait, except for their authors", async () => {
    for (const ref of [2, 3, 4]) {
      say(alice, ref);
      await alice.next("ack", (ack) => ack["ref"] === ref);
    }
    say(mute, 5);
    assertEquals((await mute.next("ack"))["id"], 5);
    await settled(bob);
    assertEquals(ids(alice), [1, 2, 3, 4]);
    assertEquals([ids(bob), ids(mute)], [[1], [1]]);
  });

  let late: TestSocket | undefined;
  await t.step("a client that joins meanwhile gets them as history", async () => {
    const [socket, _welcome, [lobby]] = await TestSocket.v1(hub.url, {
      rooms: [{ room: "lobby", epoch, after: 3 }],
    });
    late = socket;
    assertEquals(lobby?.messages.map((message) => message["id"]), [4, 5]);
  });

  await t.step("after the pause every client has each message once, in order", async () => {
    clock.advance(2);
    await Promise.all(crowd.map((socket) => socket.next("message", ({ id }) => id === 5)));
    for (const socket of [...crowd, alice]) {
      await settled(socket);
      assertEquals(ids(socket), [1, 2, 3, 4, 5]);
    }
    assert(late !== undefined);
    await settled(mute);
    await settled(late);
    assertEquals([ids(mute), ids(late)], [[1, 2, 3, 4], []]);
  });

  await t.step("a stopping hub sends waiting messages before it disconnects clients", async () => {
    // The pause has to end before the next one can begin.
    clock.advance(10);
    say(alice, 6);
    say(alice, 7);
    await alice.next("ack", (ack) => ack["ref"] === 7);
    say(alice, 8);
    await alice.next("ack", (ack) => ack["ref"] === 8);
    await hub.stop();
    await Promise.all(crowd.map((socket) => socket.closed));
    assertEquals(ids(bob), [1, 2, 3, 4, 5, 6, 7, 8]);
  });
});
