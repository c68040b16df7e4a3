import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { V1_ENCODER } from "../../server/encoders/encoder.ts";
import { Connection, type ConnectionContext } from "../../server/connection.ts";
import type { Transport } from "../../server/transport.ts";
import { TestSocket } from "../kit/socket.ts";
import { startTestHub } from "../kit/test_hub.ts";

/** A transport whose reader takes only what a test lets it take. */
class Sluggish implements Transport {
  readonly kind = "websocket";
  readonly address = "192.0.2.1";
  bufferedAmount = 0;
  most = 0;
  code: number | undefined;

  send(text: string): void {
    this.bufferedAmount += text.length;
    this.most = Math.max(this.most, this.bufferedAmount);
  }

  close(code: number): void {
    this.code = code;
  }

  read(bytes: number): void {
    this.bufferedAmount = Math.max(0, this.bufferedAmount - bytes);
  }
}

Deno.test("`Peer.offer()` never lets more wait than the outbox holds, but for a single frame", () => {
  const step = fc.oneof(
    fc.record({ offer: fc.integer({ min: 1, max: 500 }) }),
    fc.record({ read: fc.integer({ min: 1, max: 1000 }) }),
  );
  fc.assert(fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
    const transport = new Sluggish();
    let cutOff = 0;
    const host: ConnectionContext = {
      maxOutboxBytes: 1000,
      now: () => 0,
      flushLater: () => {},
      slowConsumer: () => cutOff++,
      refused: () => {},
      gone: () => {},
      fault: () => {},
    };
    const peer = new Connection("c1", V1_ENCODER, transport, host, 0, undefined);
    let largest = 0;
    for (const action of steps) {
      if ("read" in action) {
        transport.read(action.read);
        continue;
      }
      largest = Math.max(largest, action.offer);
      peer.enqueue(["x".repeat(action.offer)]);
      peer.flush();
    }
    assert(transport.most <= Math.max(1000, largest));
    assertEquals(cutOff, transport.code === 4008 ? 1 : 0);
    assertEquals(peer.open, cutOff === 0);
  }));
});

/** A client that shakes hands and never reads. */
async function stalled(port: number): Promise<Deno.TcpConn> {
  const socket = await Deno.connect({ hostname: "127.0.0.1", port });
  await socket.write(new TextEncoder().encode(
    "GET / HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  ));
  return socket;
}

Deno.test("readers that stall are cut off, cost bounded memory, and harm nobody", async () => {
  const [STALLED, MESSAGES, SIZE] = [8, 1_500, 32 * 1024];
  await using hub = await startTestHub({ limits: { maxOutboxBytes: 512 * 1024 } });
  const sockets = await Promise.all(Array.from({ length: STALLED }, () => stalled(hub.port)));
  const [reader] = await TestSocket.v1(hub.url, { sender: "Reader" });
  await using _reader = reader;
  const [writer] = await TestSocket.v1(hub.url, { sender: "Writer", echo: false });
  await using _writer = writer;
  const message = "x".repeat(SIZE);
  const before = Deno.memoryUsage().rss;
  let most = before;
  for (let n = 1; n <= MESSAGES; n++) {
    writer.send({ type: "message", message, ref: n });
    // No more in flight than a reader on the same machine can take.
    if (n % 8 === 0) {
      await writer.next("ack", (ack) => ack["ref"] === n);
      await reader.next("message", (seen) => seen["id"] === n);
      most = Math.max(most, Deno.memoryUsage().rss);
      // What the reader keeps for looking at later is not the hub's.
      reader.forget();
    }
  }
  writer.send({ type: "ping" });
  await writer.next("pong");
  assertEquals(hub.online, 2, "those that stalled are gone");
  // Without a bound it would be 8 × 1,500 × 32 KiB: 375 MiB. It is some 40, but other tests run in
  // the same process.
  const grown = (most - before) / 1024 / 1024;
  assert(grown < 300, `${grown.toFixed(0)} MiB more`);
  for (const socket of sockets) socket.close();
});
