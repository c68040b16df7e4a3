import { getLogger } from "@logtape/logtape";
import type { Cancel, ServerClock } from "../../lib/clock.ts";
import { delay, settledWithin } from "../../lib/async.ts";
import type { KeyPair } from "./tls.ts";

const logger = getLogger(["bcast", "http"]);

/** Milliseconds for the requests that are being answered when a listener closes. */
const CLOSE_TIMEOUT = 500;

/** Milliseconds between two tries to have an address back that was just given up. */
const RETRY_PERIOD = 1;

/** Milliseconds after which an address that was given up counts as somebody else's. */
const RETRY_TIMEOUT = 1000;

/** Milliseconds until a socket that the system has taken away is opened again. */
const RECOVERY_DELAY = 1000;

/** Milliseconds between two looks whether anybody could get in. */
const LOOK_PERIOD = 5000;

type HttpServer = Deno.HttpServer<Deno.NetAddr>;

/** Answers a request. */
export type Handler = (
  request: Request,
  info: Deno.ServeHandlerInfo<Deno.NetAddr>,
) => Response | Promise<Response>;

/** Where to listen, and how. */
export interface ListenerOptions {
  readonly host: string;
  /** 0 lets the system pick one, which is kept. */
  readonly port: number;
  /** Without it, what travels is not encrypted. */
  readonly tls?: KeyPair;
  readonly handler: Handler;
  readonly clock: ServerClock;
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
 * is never finished costs some 20 KB until its other side goes away. When the system cannot take in
 * one more connection (out of file descriptors, as such handshakes can bring about), the runtime
 * gives up listening for good; those who are connected must not pay for that, and others must get
 * in again later. Deno 2.9 tells at once that it gave up, Deno 2.7 only when the last connection
 * has ended: so the listener also looks for itself, as a client would.
 */
export class HttpListener implements AsyncDisposable {
  readonly port: number;
  /** The IP address that it is bound to. */
  readonly address: string;
  #tls: KeyPair | undefined;
  #abort = new AbortController();
  #server: HttpServer;
  #closed = false;
  readonly #cancelProbe: Cancel;
  #look: Promise<void> | undefined;
  #cancelRecovery: Cancel | undefined;

  /** @throws {Deno.errors.AddrInUse} when the port is taken. */
  constructor(private readonly options: ListenerOptions) {
    this.#tls = options.tls;
    this.#server = this.#serve(options.port);
    this.port = this.#server.addr.port;
    this.address = this.#server.addr.hostname;
    this.#watch(this.#server);
    this.#cancelProbe = options.clock.every(LOOK_PERIOD, () => {
      this.#look ??= this.#lookForItself().finally(() => this.#look = undefined);
    });
  }

  /**
   * Gives the address up at once; resolves when the requests under way are answered, or had their
   * time. WebSockets are told 1001 by the runtime: tell them before.
   */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelRecovery?.();
    this.#cancelRecovery = undefined;
    await this.#look;
    // A handshake that its other side never goes on with keeps this waiting for ever.
    await settledWithin(this.#server.shutdown(), CLOSE_TIMEOUT);
  }

  /** Closes for good, whoever is there. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("break");
  }

  /** Closes for good, with `break` by ending every connection. */
  async end(how: "close" | "break"): Promise<void> {
    this.#cancelProbe();
    if (how === "break") this.#abort.abort();
    await this.close();
  }

  /**
   * Closes, and listens at the same address again with another pair; `break` as for
   * {@linkcode end}.
   *
   * @throws {Deno.errors.AddrInUse} when somebody else was faster.
   */
  async renew(tls: KeyPair, how: "close" | "break"): Promise<void> {
    if (how === "break") this.#abort.abort();
    await this.close();
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
        logger.error("A request met a fault: {error}", { error });
        return new Response("The hub had a fault\n", { status: 500 });
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
      // Whoever was told by looking has replaced it by now.
      if (server === this.#server) this.#lost(error);
    });
  }

  async #lookForItself(): Promise<void> {
    if (this.#closed || this.#cancelRecovery !== undefined) return;
    const server = this.#server;
    const { hostname } = server.addr;
    const local = hostname === "0.0.0.0" ? "127.0.0.1" : hostname === "::" ? "::1" : hostname;
    try {
      (await Deno.connect({ hostname: local, port: this.port })).close();
    } catch (error) {
      // Anything else, such as having no file descriptor for this, says nothing about the socket.
      if (!(error instanceof Deno.errors.ConnectionRefused)) return;
      if (server === this.#server) this.#lost(error);
    }
  }

  #lost(error: unknown): void {
    if (this.#closed || this.#cancelRecovery !== undefined) return;
    logger.error("Nobody new can come in: {error}. Listening again in a moment", { error });
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
