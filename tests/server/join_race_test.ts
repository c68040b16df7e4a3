import { assertEquals } from "@std/assert";
import { openSqliteBroker } from "../../broker/sqlite/sqlite_broker.ts";
import { V1_ENCODER } from "../../server/encoders/json.ts";
import { sqliteStorage } from "../../server/storage.ts";
import { Hub } from "../../server/hub.ts";
import { DEFAULT_SERVER_LIMITS } from "../../server/limits/server_limits.ts";
import type { Transport } from "../../server/transport.ts";
import { splitBatch } from "../../protocol.ts";
import { FakeClock } from "../kit/fake_clock.ts";
import { until } from "../kit/wait.ts";

/** A transport that keeps all frames. */
class Recorder implements Transport {
  readonly kind = "websocket";
  readonly address = "127.0.0.1";
  readonly bufferedAmount = 0;
  readonly frames: { readonly type: string; readonly message?: string }[] = [];

  send(text: string): void {
    this.frames.push(...splitBatch(text).map((frame) => JSON.parse(frame)));
  }

  close(): void {}

  got(type: string): boolean {
    return this.frames.some((frame) => frame.type === type);
  }
}

const PARAMS = { encoder: V1_ENCODER, rooms: [] };

Deno.test("a client that joins a room while its last member leaves becomes a member", async () => {
  await using broker = await openSqliteBroker({ path: ":memory:" });
  await using hub = new Hub({
    ...sqliteStorage(broker),
    rooms: ["lobby"],
    limits: DEFAULT_SERVER_LIMITS,
    clock: new FakeClock(),
  });
  const last = hub.connect(new Recorder(), PARAMS);
  last.receive(`{"type":"hello","sender":"Last"}`);
  await until("welcome", () => last.session?.rooms.length === 1 || undefined);

  const transport = new Recorder();
  const next = hub.connect(transport, PARAMS);
  next.receive(`{"type":"hello","sender":"Next"}`);
  // The room closes before the hello is answered, and must open again for the joining client.
  last.ended(1000);
  await until("welcome", () => transport.got("welcome") || undefined);

  const other = new Recorder();
  const third = hub.connect(other, PARAMS);
  third.receive(`{"type":"hello","sender":"Third"}`);
  await until("welcome", () => other.got("welcome") || undefined);
  third.receive(`{"type":"message","message":"are we in one room?"}`);
  await until("the message", () => transport.got("message") || undefined);
  assertEquals(
    transport.frames.find(({ type }) => type === "message")?.message,
    "are we in one room?",
  );
});
