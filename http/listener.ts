import { getLogger } from "@logtape/logtape";
import { settlesWithin } from "./patience.ts";
import type { KeyPair } from "./tls.ts";

const logger = getLogger(["bcast", "http"]);

/** Milliseconds for the requests that are being answered when a listener closes. */
const CLOSE_TIMEOUT = 500;

/** Milliseconds between two tries to have an address back that was just given up. */
const RETRY_PERIOD = 1;

/** Milliseconds after which an address that was given up counts as somebody else's. */
const RETRY_TIMEOUT = 1000;

/** Answers a request. */
export type Handler = (
  request: Request,
  info: Deno.ServeHandlerInfo<Deno.NetAddr>,
) => Response | Promise<Response>;

/** Where to listen, and how. */
export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  /** Without it, what travels is not encrypted. */
  readonly tls?: KeyPair;
  readonly handler: Handler;
}

/**
 * The port of a hub.
 *
 * The pair of `Deno.serve` is fixed: to change it is to close the listener and to open another at
 * the same address. Ending TLS in this process instead, in front of a listener that stays, would
 * drop nobody, but have every byte pass through JavaScript twice more, for ever (measured, 100
 * clients: 0.26 M deliveries/s in place of 1.72 M), to spare clients that resume anyhow one
 * reconnection every few months.
 *
 * The runtime sets no deadline to a TLS handshake, and shows no connection before its end: one that
 * is never finished costs some 20 KB until its other side goes away.
 */
export class Listener {
  readonly port: number;
  #server: Deno.HttpServer<Deno.NetAddr>;
  #abort: AbortController;

  /** @throws {Deno.errors.AddrInUse} when the port is taken. */
  constructor(private readonly options: ListenerOptions) {
    this.#abort = new AbortController();
    this.#server = serve(options, options.port, this.#abort.signal);
    this.port = this.#server.addr.port;
  }

  /**
   * Gives the address up at once; resolves when the requests under way are answered, or had their
   * time. WebSockets are told 1001 by the runtime: tell them before.
   */
  async close(): Promise<void> {
    // A TLS handshake that its other side never goes on with keeps this waiting for ever.
    await settlesWithin(this.#server.shutdown(), CLOSE_TIMEOUT);
  }

  /** Breaks every connection, and gives the address up. */
  async break(): Promise<void> {
    this.#abort.abort();
    await this.close();
  }

  /**
   * Listens at the same address again, with another pair. The listener must be closed.
   *
   * @throws {Deno.errors.AddrInUse} when somebody else was faster.
   */
  async reopen(tls: KeyPair): Promise<void> {
    const end = performance.now() + RETRY_TIMEOUT;
    this.#abort = new AbortController();
    for (;;) {
      try {
        this.#server = serve({ ...this.options, tls }, this.port, this.#abort.signal);
        return;
      } catch (error) {
        const taken = error instanceof Deno.errors.AddrInUse;
        if (!taken || performance.now() > end) throw error;
      }
      await pause(RETRY_PERIOD);
    }
  }
}

function serve(
  { host, tls, handler }: ListenerOptions,
  port: number,
  signal: AbortSignal,
): Deno.HttpServer<Deno.NetAddr> {
  const options = {
    hostname: host,
    port,
    signal,
    onListen: () => {},
    onError(error: unknown) {
      logger.error("A request met a fault: {error}", { error });
      return new Response("The hub had a fault\n", { status: 500 });
    },
  };
  return tls === undefined
    ? Deno.serve(options, handler)
    : Deno.serve({ ...options, cert: tls.cert, key: tls.key }, handler);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
