import { getLogger } from "@logtape/logtape";
import type { Cancel, ServerClock } from "../../lib/clock.ts";
import { delay, settledWithin } from "../../lib/async.ts";
import type { KeyPair } from "./tls.ts";

const logger = getLogger(["bcast", "http"]);

/** Milliseconds that requests under way have when the listener closes. */
const CLOSE_TIMEOUT = 500;

/** Milliseconds between attempts to bind an address again. */
const RETRY_PERIOD = 1;

/** Milliseconds of such attempts: after that, another program has the address. */
const RETRY_TIMEOUT = 1000;

/** Milliseconds until a socket that failed is opened again. */
const RECOVERY_DELAY = 1000;

/** Milliseconds between probes of the own port. */
const PROBE_PERIOD = 5000;

type HttpServer = Deno.HttpServer<Deno.NetAddr>;

export type Handler = (
  request: Request,
  info: Deno.ServeHandlerInfo<Deno.NetAddr>,
) => Response | Promise<Response>;

export interface ListenerOptions {
  readonly host: string;
  /** 0 lets the system pick one; it stays the same from then on. */
  readonly port: number;
  /** Without it, connections are not encrypted. */
  readonly tls?: KeyPair | undefined;
  readonly handler: Handler;
  readonly clock: ServerClock;
}

/**
 * The HTTP port of a hub. It changes its certificate, and recovers from a lost socket.
 *
 * `Deno.serve` cannot change its certificate, so a new one closes the listener and opens another at
 * the same address. Terminating TLS in this process would disconnect no client, but pass every byte
 * through JavaScript twice more (measured with 100 clients: 0.26 M deliveries/s instead of 1.72 M),
 * only to save one reconnection every few months.
 *
 * The runtime sets no deadline for a TLS handshake and reports no connection before its end: an
 * unfinished handshake costs about 20 KB until the client leaves. When the system is out of file
 * descriptors, which such handshakes can cause, the runtime stops listening for good. Connected
 * clients must not suffer from that, and new ones must be able to connect later. Deno 2.9 reports
 * at once that it stopped, Deno 2.7 only when the last connection has ended: so the listener also
 * probes its own port.
 */
export class HttpListener implements AsyncDisposable {
  readonly port: number;
  /** The IP address it is bound to. */
  readonly address: string;
  #tls: KeyPair | undefined;
  #abort = new AbortController();
  #server: HttpServer;
  #closed = false;
  readonly #cancelProbe: Cancel;
  #probe: Promise<void> | undefined;
  #cancelRecovery: Cancel | undefined;

  /** @throws {Deno.errors.AddrInUse} when the port is taken. */
  constructor(private readonly options: ListenerOptions) {
    this.#tls = options.tls;
    this.#server = this.#serve(options.port);
    this.port = this.#server.addr.port;
    this.address = this.#server.addr.hostname;
    this.#watch(this.#server);
    this.#cancelProbe = options.clock.every(PROBE_PERIOD, () => {
      this.#probe ??= this.#probePort().finally(() => this.#probe = undefined);
    });
  }

  /** Frees the address, then gives requests under way some time. */
  async #close(how: "close" | "abort"): Promise<void> {
    if (how === "abort") this.#abort.abort();
    this.#closed = true;
    this.#cancelRecovery?.();
    this.#cancelRecovery = undefined;
    await this.#probe;
    // An unfinished TLS handshake would block this indefinitely.
    await settledWithin(this.#server.shutdown(), CLOSE_TIMEOUT);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("abort");
  }

  /**
   * Closes for good: with `close` after the requests under way, with `abort` by ending every
   * connection. Disconnect WebSockets before, or the runtime closes them without a reason.
   */
  async end(how: "close" | "abort"): Promise<void> {
    this.#cancelProbe();
    await this.#close(how);
  }

  /**
   * Closes as {@linkcode end} does, and listens at the same address again with another certificate.
   *
   * @throws {Deno.errors.AddrInUse} when another program has taken the port meanwhile.
   */
  async renew(tls: KeyPair, how: "close" | "abort"): Promise<void> {
    await this.#close(how);
    this.#tls = tls;
    this.#abort = new AbortController();
    const end = performance.now() + RETRY_TIMEOUT;
    for (;;) {
      try {
        this.#server = this.#serve(this.port);
        break;
      } catch (error) {
        const taken = error instanceof Deno.errors.AddrInUse;
        if (!taken || performance.now() > end) throw error;
      }
      await delay(RETRY_PERIOD);
    }
    this.#closed = false;
    this.#watch(this.#server);
  }

  #serve(port: number): HttpServer {
    const options = {
      hostname: this.options.host,
      port,
      signal: this.#abort.signal,
      onListen: () => {},
      onError(error: unknown) {
        logger.error("A request failed: {error}", { error });
        return new Response("Internal error of the hub\n", { status: 500 });
      },
    };
    const { handler } = this.options;
    const tls = this.#tls;
    return tls === undefined
      ? Deno.serve(options, handler)
      : Deno.serve({ ...options, cert: tls.cert, key: tls.key }, handler);
  }

  #watch(server: HttpServer): void {
    server.finished.catch((error: unknown) => {
      // The probe may have replaced it already.
      if (server === this.#server) this.#onSocketLost(error);
    });
  }

  async #probePort(): Promise<void> {
    if (this.#closed || this.#cancelRecovery !== undefined) return;
    const server = this.#server;
    const { hostname } = server.addr;
    const local = hostname === "0.0.0.0" ? "127.0.0.1" : hostname === "::" ? "::1" : hostname;
    try {
      (await Deno.connect({ hostname: local, port: this.port })).close();
    } catch (error) {
      // Other errors, such as too few file descriptors for the probe, say nothing about the socket.
      if (!(error instanceof Deno.errors.ConnectionRefused)) return;
      if (server === this.#server) this.#onSocketLost(error);
    }
  }

  #onSocketLost(error: unknown): void {
    if (this.#closed || this.#cancelRecovery !== undefined) return;
    logger.error("No new client can connect: {error}. Listening again in a moment", { error });
    this.#recoverLater();
  }

  #recoverLater(): void {
    this.#cancelRecovery = this.options.clock.after(RECOVERY_DELAY, () => {
      try {
        this.#server = this.#serve(this.port);
      } catch (error) {
        logger.error("Cannot listen again yet: {error}", { error });
        this.#recoverLater();
        return;
      }
      this.#cancelRecovery = undefined;
      logger.info("Listening again");
      this.#watch(this.#server);
    });
  }
}
