import { getLogger } from "@logtape/logtape";
import type { Clock } from "../hub/clock.ts";

const logger = getLogger(["bcast", "http"]);

/** Milliseconds until a socket that the system has taken away is opened again. */
const REOPEN_DELAY = 1000;

/** Milliseconds between two looks whether anybody could get in. */
const LOOK_PERIOD = 5000;

type Server = Deno.HttpServer<Deno.NetAddr>;

/**
 * A listening socket that lasts. When the system cannot take in one more connection (out of file
 * descriptors, as half-open handshakes can bring about), the runtime gives up listening for good;
 * those who are connected must not pay for that, and others must get in again later.
 *
 * Deno 2.9 tells at once that it gave up, Deno 2.7 only when the last connection has ended: so the
 * listener also looks for itself, as a client would.
 */
export class Listener {
  #server: Server;
  readonly #looking: Disposable;
  #look: Promise<void> | undefined;
  #reopening: Disposable | undefined;
  #closed = false;
  /** The port that it was given. */
  readonly port: number;

  /**
   * @param serve opens the socket, at the given port; a failure at the first time is thrown.
   * @param port 0 lets the system pick one, which is kept.
   */
  constructor(
    private readonly serve: (port: number) => Server,
    port: number,
    private readonly clock: Clock,
  ) {
    this.#server = serve(port);
    this.port = this.#server.addr.port;
    this.#watch(this.#server);
    this.#looking = clock.every(LOOK_PERIOD, () => {
      this.#look ??= this.#lookForItself().finally(() => this.#look = undefined);
    });
  }

  /** Takes nobody new in, and waits for the requests that are being answered. */
  async shutdown(): Promise<void> {
    this.#closed = true;
    this.#looking[Symbol.dispose]();
    this.#reopening?.[Symbol.dispose]();
    await this.#look;
    await this.#server.shutdown();
  }

  #watch(server: Server): void {
    server.finished.catch((error: unknown) => {
      // Whoever was told by looking has replaced it by now.
      if (server === this.#server) this.#lost(error);
    });
  }

  async #lookForItself(): Promise<void> {
    if (this.#reopening !== undefined) return;
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
    if (this.#closed || this.#reopening !== undefined) return;
    logger.error("Nobody new can come in: {error}. Listening again in a moment", { error });
    this.#reopenLater();
  }

  #reopenLater(): void {
    this.#reopening = this.clock.after(REOPEN_DELAY, () => {
      try {
        this.#server = this.serve(this.port);
      } catch (error) {
        logger.error("Cannot listen again yet: {error}", { error });
        this.#reopenLater();
        return;
      }
      this.#reopening = undefined;
      logger.info("Listening again");
      this.#watch(this.#server);
    });
  }
}
