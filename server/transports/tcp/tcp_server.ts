import { getLogger } from "@logtape/logtape";
import type { Cancel, ServerClock } from "../../../lib/clock.ts";
import type { Hub } from "../../hub.ts";
import { delay } from "../../../lib/async.ts";
import type { ServerLimits } from "../../limits/server_limits.ts";
import { LineConnection } from "./line_connection.ts";

const logger = getLogger(["bcast", "tcp"]);

/** Milliseconds between checks for clients that no longer read. */
const SWEEP_PERIOD = 1000;

/** Milliseconds to wait when the system has no resources for another connection. */
const ACCEPT_PAUSE = 100;

export interface TcpServerOptions {
  readonly hub: Hub;
  readonly limits: ServerLimits;
  readonly clock: ServerClock;
  readonly host: string;
  /** 0 lets the system pick one. */
  readonly port: number;
}

/**
 * Accepts plain TCP connections, for `nc` and `telnet`. Clients see and type the same as with
 * `bcast.text` over a WebSocket.
 */
export class TcpServer implements AsyncDisposable {
  readonly port: number;
  readonly #listener: Deno.TcpListener;
  readonly #connections = new Set<LineConnection>();
  readonly #cancelSweep: Cancel;
  readonly #accepting: Promise<void>;
  #closed = false;

  /** @throws {Deno.errors.AddrInUse} when the port is taken. */
  constructor(private readonly options: TcpServerOptions) {
    const { host, port, clock, limits } = options;
    this.#listener = Deno.listen({ hostname: host, port, transport: "tcp" });
    this.port = this.#listener.addr.port;
    this.#cancelSweep = clock.every(SWEEP_PERIOD, () => {
      if (limits.heartbeat === 0) return;
      const now = clock.monotonic();
      for (const each of this.#connections) each.closeIfStalled(now, limits.heartbeat * 1000);
    });
    this.#accepting = this.#accept();
  }

  /** Frees the port, and ends the connections that wait for a token; the hub ends the others. */
  close(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener.close();
    for (const connection of this.#connections) connection.closeUnauthenticated(reason);
  }

  /** Closes, and ends all connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close("The hub is stopping");
    this.#cancelSweep();
    for (const connection of this.#connections) connection.destroy();
    await this.#accepting;
  }

  async #accept(): Promise<void> {
    while (!this.#closed) {
      try {
        this.#serve(await this.#listener.accept());
      } catch (error) {
        if (this.#closed) return;
        // Out of file descriptors, or the client is gone already.
        logger.warn("Cannot accept a connection: {error}", { error });
        await delay(ACCEPT_PAUSE, { clock: this.options.clock });
      }
    }
  }

  #serve(conn: Deno.TcpConn): void {
    const { hub, clock, limits } = this.options;
    const address = conn.remoteAddr.hostname;
    const rejection = hub.limiter.checkTcp(address);
    if (rejection !== undefined) {
      hub.limiter.recordRejection(address, rejection);
      // It fits into any socket buffer; a client that is gone already misses nothing.
      conn.write(new TextEncoder().encode(`* ${rejection.reason}\n`)).catch(() => {})
        .finally(() => conn.close());
      return;
    }
    // The server could not start, and this connection came just before the port was freed.
    if (this.#closed) return conn.close();
    const connection = new LineConnection(conn, { hub, clock, address, limits });
    hub.limiter.add(connection.transport);
    this.#connections.add(connection);
    connection.serve().catch((error) => {
      logger.error("The connection from {address} failed: {error}", { address, error });
    }).finally(() => {
      this.#connections.delete(connection);
      hub.limiter.remove(connection.transport);
    });
  }
}
