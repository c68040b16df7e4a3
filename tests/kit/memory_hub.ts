import type { Grant } from "../../auth/authorizer.ts";
import { openSqliteBroker, type SqliteBroker } from "../../broker/sqlite/sqlite_broker.ts";
import type { Encoder } from "../../server/encoders/encoder.ts";
import { V1_ENCODER } from "../../server/encoders/json.ts";
import { Hub, type HubOptions } from "../../server/hub.ts";
import { DEFAULT_SERVER_LIMITS } from "../../server/limits/server_limits.ts";
import type { Connection } from "../../server/connection.ts";
import type { Transport } from "../../server/transport.ts";
import { sqliteStorage } from "../../server/storage.ts";
import { splitBatch } from "../../protocol.ts";
import { FakeClock } from "./fake_clock.ts";
import type { ReceivedFrame } from "./test_socket.ts";
import { until } from "./wait.ts";

/** A client without a socket, from any address, that keeps what the hub sends. */
export class RecordedClient implements Transport {
  readonly kind = "websocket";
  readonly bufferedAmount = 0;
  readonly lines: string[] = [];
  /** The close code and reason, once the hub has disconnected it. */
  ended: readonly [number, string] | undefined;
  readonly connection: Connection;

  constructor(
    readonly hub: Hub,
    readonly address: string,
    { encoder = V1_ENCODER, sender, grant }: {
      readonly encoder?: Encoder;
      readonly sender?: string;
      readonly grant?: Grant;
    } = {},
  ) {
    this.connection = hub.connect(this, {
      encoder,
      rooms: [],
      ...(sender === undefined ? {} : { sender }),
      ...(grant === undefined ? {} : { grant }),
    });
  }

  send(text: string): void {
    this.lines.push(...splitBatch(text));
  }

  close(code: number, reason: string): void {
    this.ended = [code, reason];
  }

  sendFrame(frame: object): void {
    this.connection.receive(JSON.stringify(frame));
  }

  /** Sends `hello` and waits until the client is welcomed or disconnected. */
  async hello(hello: object = {}): Promise<this> {
    this.sendFrame({ type: "hello", ...hello });
    await until("an answer", () => this.all("welcome").length > 0 || this.ended !== undefined);
    return this;
  }

  /** All objects of a type so far. */
  all(type: string): readonly ReceivedFrame[] {
    return this.lines.map((line): ReceivedFrame => JSON.parse(line)).filter((frame) =>
      frame.type === type
    );
  }

  /** Sends `frame` and returns `ok`, or the error. All earlier frames are answered by then. */
  async outcome(frame: object): Promise<string> {
    const before = this.lines.length;
    const ref = `end ${before}`;
    this.sendFrame(frame);
    this.sendFrame({ type: "ping", ref });
    await until("a pong", () => this.all("pong").some((pong) => pong["ref"] === ref));
    const error = this.lines.slice(before).map((line): ReceivedFrame => JSON.parse(line))
      .find(({ type }) => type === "error");
    return error === undefined ? "ok" : `${error["code"]}: ${error["message"]}`;
  }
}

/** A hub without sockets, with its log in memory and a fake clock. */
export async function startMemoryHub(
  options: Partial<HubOptions> & { readonly broker?: SqliteBroker } = {},
): Promise<{ readonly hub: Hub; readonly clock: FakeClock } & AsyncDisposable> {
  const broker = options.broker ?? await openSqliteBroker({ path: ":memory:" });
  const clock = new FakeClock();
  const hub = new Hub({
    rooms: ["lobby"],
    limits: DEFAULT_SERVER_LIMITS,
    clock,
    ...sqliteStorage(broker),
    ...options,
  });
  return {
    hub,
    clock,
    async [Symbol.asyncDispose]() {
      await hub[Symbol.asyncDispose]();
      await broker[Symbol.asyncDispose]();
    },
  };
}
