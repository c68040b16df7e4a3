/**
 * The line door: plain TCP for `nc` and `telnet`. What a client sees and may type is the same as
 * with `bcast.text` over a WebSocket.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import type { Cancel, ServerClock } from "../../../lib/clock.ts";
import type { ConnectionLimiter } from "../../limits/connection_limiter.ts";
import type { Hub } from "../../hub.ts";
import { delay } from "../../../lib/async.ts";
import { isLoopback } from "../../../lib/net.ts";
import type { ServerLimits } from "../../limits/server_limits.ts";
import { recordRejection, type Rejection } from "../../rejections.ts";
import { LineConnection } from "./line_connection.ts";

const logger = getLogger(["bcast", "tcp"]);

/** Milliseconds between looks for clients that take nothing of what is sent to them. */
const SWEEP_PERIOD = 1000;

/** Milliseconds of rest after the system had no room for another connection. */
const ACCEPT_REST = 100;

/** What a line door is made of. */
export interface TcpServerOptions {
  readonly hub: Hub;
  readonly connections: ConnectionLimiter;
  readonly limits: ServerLimits;
  readonly clock: ServerClock;
  readonly host: string;
  /** 0 lets the system pick one. */
  readonly port: number;
}

/** A line door that is open. Disposing of it ends what is still connected. */
export interface TcpServer extends AsyncDisposable {
  readonly port: number;
  /** Lets nobody in any more, and ends the connections that the hub does not know of. */
  close(reason: string): void;
}

/**
 * Listens for clients that speak lines.
 *
 * @throws {Deno.errors.AddrInUse} when the port is taken.
 */
export function listenTcp(options: TcpServerOptions): TcpServer {
  return new TcpListener(options);
}

class TcpListener implements TcpServer {
  readonly #listener: Deno.TcpListener;
  readonly #guests = new Set<LineConnection>();
  readonly #cancelSweep: Cancel;
  readonly #accepting: Promise<void>;
  #closed = false;

  constructor(private readonly options: TcpServerOptions) {
    const { host, port, clock, limits } = options;
    this.#listener = Deno.listen({ hostname: host, port, transport: "tcp" });
    this.#cancelSweep = clock.every(SWEEP_PERIOD, () => {
      if (limits.heartbeat === 0) return;
      const now = clock.monotonic();
      for (const guest of this.#guests) guest.cutIfStalled(now, limits.heartbeat * 1000);
    });
    this.#accepting = this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  close(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener.close();
    for (const guest of this.#guests) guest.goodbye(reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close("The hub is stopping");
    this.#cancelSweep();
    for (const guest of this.#guests) guest.destroy();
    await this.#accepting;
  }

  async #accept(): Promise<void> {
    while (!this.#closed) {
      try {
        this.#take(await this.#listener.accept());
      } catch (error) {
        if (this.#closed) return;
        // No more file descriptors, or a client that was gone before it was there.
        logger.warn("Cannot accept a connection: {error}", { error });
        await delay(ACCEPT_REST, { clock: this.options.clock });
      }
    }
  }

  #take(conn: Deno.TcpConn): void {
    const { hub, connections, clock, limits } = this.options;
    const address = conn.remoteAddr.hostname;
    const refusal = this.#refusal(address);
    if (refusal !== undefined) {
      this.#turnAway(conn, address, refusal);
      return;
    }
    const guest = new LineConnection(conn, {
      hub,
      clock,
      address,
      limits,
    });
    connections.add(guest.transport);
    this.#guests.add(guest);
    guest.serve().catch((error) => {
      logger.error("A connection from {address} met a fault: {error}", { address, error });
    }).finally(() => {
      this.#guests.delete(guest);
      connections.remove(guest.transport);
    });
  }

  /** Why a client cannot come in, with the status that a WebSocket would get. */
  #refusal(address: string): Rejection | undefined {
    const { hub, connections, limits } = this.options;
    // It was accepted just before the door was closed.
    if (this.#closed) return { status: 503, reason: "The hub is stopping" };
    if (hub.consumeAddressQuota(address) > 0) {
      return { status: 429, reason: "Too much comes from your address: slow down" };
    }
    if (connections.count >= limits.maxConnections) {
      return { status: 503, reason: `The hub is full: ${limits.maxConnections} connections` };
    }
    if (!isLoopback(address) && connections.from(address) >= limits.maxPerAddress) {
      const reason = `Your address has ${limits.maxPerAddress} connections: close one first`;
      return { status: 429, reason };
    }
    return undefined;
  }

  #turnAway(conn: Deno.TcpConn, address: string, refusal: Rejection): void {
    recordRejection(this.options.hub, address, refusal);
    // It fits into any socket's buffer; whoever is not there to read it misses nothing.
    conn.write(new TextEncoder().encode(`* ${refusal.reason}\n`)).catch(() => {})
      .finally(() => conn.close());
  }
}
