import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { Connection } from "../../server/connection.ts";
import { V1_ENCODER } from "../../server/encoders/json.ts";
import { FlushQueue } from "../../server/flush_queue.ts";
import { DEFAULT_SERVER_LIMITS } from "../../server/limits/server_limits.ts";
import { Counters } from "../../server/metrics/counters.ts";
import type { Transport } from "../../server/transport.ts";
import { TestSocket } from "../kit/test_socket.ts";
import { startTestHub } from "../kit/test_hub.ts";

/** A transport whose client reads only on request of the test. */
class SlowTransport implements Transport {
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

Deno.test("`Connection.enqueue()` buffers at most `maxOutboxBytes`, except for a single frame", () => {
  const step = fc.oneof(
    fc.record({ enqueue: fc.integer({ min: 1, max: 500 }) }),
    fc.record({ read: fc.integer({ min: 1, max: 1000 }) }),
  );
  fc.assert(fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
    const transport = new SlowTransport();
    const counters = new Counters();
    const connection = new Connection({
      limits: { ...DEFAULT_SERVER_LIMITS, maxOutboxBytes: 1000 },
      clock: { now: () => 0 },
      counters,
      flushQueue: new FlushQueue(),
      requests: { handle: () => {}, reply: () => {} },
      tracing: false,
      onClose: () => {},
    }, { id: "c1", transport, encoder: V1_ENCODER });
    let largest = 0;
    for (const action of steps) {
      if ("read" in action) {
        transport.read(action.read);
        continue;
      }
      largest = Math.max(largest, action.enqueue);
      connection.enqueue(["x".repeat(action.enqueue)]);
      connection.flush();
    }
    assert(transport.most <= Math.max(1000, largest));
    assertEquals(counters.slowConsumers, transport.code === 4008 ? 1 : 0);
    assertEquals(connection.open, counters.slowConsumers === 0);
  }));
});

/** A client that opens a WebSocket and never reads. */
async function stalled(port: number): Promise<Deno.TcpConn> {
  const socket = await Deno.connect({ hostname: "127.0.0.1", port });
  await socket.write(new TextEncoder().encode(
    "GET / HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  ));
  return socket;
}

Deno.test("stalled readers are disconnected, cost bounded memory, and do not affect others", async () => {
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
      // Frames kept by the reader are not memory of the hub.
      reader.forget();
    }
  }
  writer.send({ type: "ping" });
  await writer.next("pong");
  assertEquals(hub.online, 2, "the stalled readers are gone");
  // Without a bound it would be 8 × 1,500 × 32 KiB: 375 MiB. It is some 40, but other tests run in
  // the same process.
  const grown = (most - before) / 1024 / 1024;
  assert(grown < 300, `${grown.toFixed(0)} MiB more`);
  for (const socket of sockets) socket.close();
});
