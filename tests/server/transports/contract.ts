import { assert, assertEquals } from "@std/assert";
import { CLOSE } from "../../../protocol.ts";
import type { Connection } from "../../../server/connection.ts";
import type { Hub } from "../../../server/hub.ts";
import type { Transport, TransportKind } from "../../../server/transport.ts";
import type { FakeClock } from "../../kit/fake_clock.ts";
import { startMemoryHub } from "../../kit/memory_hub.ts";
import { until } from "../../kit/wait.ts";

/** How a test reaches the hub over one kind of transport. */
export interface TransportSetup {
  readonly kind: TransportKind;
  /** Starts a server of that kind on a free port of 127.0.0.1. */
  listen(hub: Hub, clock: FakeClock): { readonly port: number } & AsyncDisposable;
  /** The bytes with which a client asks for a connection. */
  request(port: number): string;
}

/** The hub's side and the client's side of one connection. */
class OpenConnection implements AsyncDisposable {
  readonly #client: Deno.TcpConn;
  readonly #parts: AsyncDisposableStack;
  /** The last that the client has read, in Latin-1. */
  received = "";

  private constructor(
    readonly hub: Hub,
    readonly connection: Connection,
    readonly transport: Transport,
    client: Deno.TcpConn,
    parts: AsyncDisposableStack,
  ) {
    this.#client = client;
    this.#parts = parts;
  }

  static async open({ listen, request }: TransportSetup): Promise<OpenConnection> {
    await using parts = new AsyncDisposableStack();
    const { hub, clock } = parts.use(await startMemoryHub());
    const accepted = Promise.withResolvers<[Connection, Transport]>();
    const connect = hub.connect.bind(hub);
    hub.connect = (transport, params) => {
      const connection = connect(transport, params);
      accepted.resolve([connection, transport]);
      return connection;
    };
    const subscribe = hub.subscribeAnonymously.bind(hub);
    hub.subscribeAnonymously = (transport, grant, positions, encoder) => {
      const connection = subscribe(transport, grant, positions, encoder);
      accepted.resolve([connection, transport]);
      return connection;
    };
    const { port } = parts.use(listen(hub, clock));
    const client = await Deno.connect({ hostname: "127.0.0.1", port });
    parts.defer(() => closeQuietly(client));
    await client.write(new TextEncoder().encode(request(port)));
    const [connection, transport] = await accepted.promise;
    await until("the client is welcomed", () => connection.welcomed);
    return new OpenConnection(hub, connection, transport, client, parts.move());
  }

  /** Reads until the client has received `text`. */
  async readUntil(text: string): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    const decoder = new TextDecoder("latin1");
    while (!this.received.includes(text)) {
      const count = await this.#client.read(buffer);
      assert(count !== null, `The connection ended before ${text}`);
      const chunk = decoder.decode(buffer.subarray(0, count));
      this.received = (this.received + chunk).slice(-KEPT_LENGTH);
    }
  }

  /** Ends the connection from the client's side. */
  leave(): void {
    closeQuietly(this.#client);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}

function closeQuietly(conn: Deno.TcpConn): void {
  try {
    conn.close();
  } catch (error) {
    // The test has closed it already.
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

/** Number of received characters that a client keeps. */
const KEPT_LENGTH = 256 * 1024;

const FRAME_LENGTH = 64 * 1024;

/** More than the system buffers for one connection. */
const BACKLOG_FRAMES = 400;

/** Registers the tests that every transport must pass. */
export function testTransport(setup: TransportSetup): void {
  const { kind } = setup;
  const test = (contract: string, run: (open: OpenConnection) => Promise<void>): void =>
    Deno.test(`${kind}: ${contract}`, async () => {
      await using open = await OpenConnection.open(setup);
      await run(open);
    });

  test("`kind` and `address` say where the client is", ({ transport, connection }) => {
    assertEquals([transport.kind, transport.address], [kind, "127.0.0.1"]);
    assertEquals(connection.address, "127.0.0.1");
    return Promise.resolve();
  });

  test("`send()` delivers frames whole and in order", async (open) => {
    const frames = Array.from({ length: 50 }, (_, n) => `frame ${n} ${"x".repeat(n * 10)};`);
    for (const frame of frames) open.transport.send(frame);
    await open.readUntil("frame 49 ");
    await open.readUntil("x;");
    let at = 0;
    for (const frame of frames) {
      at = open.received.indexOf(frame, at);
      assert(at >= 0, frame);
    }
  });

  test("`bufferedAmount` grows while the client does not read, and falls to 0 once it has", async (open) => {
    const { transport } = open;
    assertEquals(transport.bufferedAmount, 0);
    const frame = "x".repeat(FRAME_LENGTH);
    for (let n = 0; n < BACKLOG_FRAMES; n++) transport.send(frame);
    assert(transport.bufferedAmount >= FRAME_LENGTH, String(transport.bufferedAmount));
    transport.send("the last one");
    await open.readUntil("the last one");
    await until("nothing is buffered", () => transport.bufferedAmount === 0);
  });

  test("`close()` delivers what was sent before, then the reason", async (open) => {
    open.transport.send("sent before");
    open.transport.close(CLOSE.goingAway, "Back in a minute");
    await open.readUntil("Back in a minute");
    assert(open.received.indexOf("sent before") >= 0);
    assert(open.received.indexOf("sent before") < open.received.indexOf("Back in a minute"));
  });

  test("`send()` and `close()` do nothing after `close()`", async (open) => {
    open.transport.close(CLOSE.goingAway, "The first reason");
    open.transport.send("too late");
    open.transport.close(CLOSE.normal, "Another reason");
    await open.readUntil("The first reason");
    open.leave();
    await open.hub.limiter.empty();
    assert(!/too late|Another reason/.test(open.received), open.received);
  });

  test("`send()` and `close()` do nothing after the client has left", async (open) => {
    open.leave();
    await open.hub.limiter.empty();
    open.transport.send("too late");
    open.transport.close(CLOSE.normal, "Nobody hears this");
  });

  test("a connection counts until it has ended, and the hub learns that the client left", async (open) => {
    const { hub } = open;
    assertEquals([hub.limiter.count, hub.limiter.countFrom("127.0.0.1"), hub.online], [1, 1, 1]);
    open.leave();
    await hub.limiter.empty([kind]);
    assertEquals([hub.limiter.count, hub.limiter.countFrom("127.0.0.1"), hub.online], [0, 0, 0]);
    assert(!open.connection.open);
  });

  test("`disconnectAll()` gives the reason, and a client that leaves then counts once", async (open) => {
    const { hub } = open;
    await hub.disconnectAll("Back in a minute");
    await open.readUntil("Back in a minute");
    assertEquals(hub.online, 0);
    open.leave();
    await hub.limiter.empty();
    assertEquals([...hub.counters.closed], [[CLOSE.goingAway, 1]]);
  });
}
