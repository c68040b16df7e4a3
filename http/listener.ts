import { getLogger } from "@logtape/logtape";
import type { Clock } from "../hub/clock.ts";

const logger = getLogger(["bcast", "http"]);

/** Milliseconds until a socket that the system has taken away is opened again. */
const REOPEN_DELAY = 1000;

/**
 * A listening socket that lasts. When the system cannot take in one more connection (out of file
 * descriptors, as half-open handshakes can bring about), the runtime gives up listening for good;
 * those who are connected must not pay for that, and others must get in again later.
 */
export class Listener {
  #server: Deno.HttpServer<Deno.NetAddr>;
  #reopening: Disposable | undefined;
  #closed = false;
  /** The port that it was given. */
  readonly port: number;

  /**
   * @param serve opens the socket, at the given port; a failure at the first time is thrown.
   * @param port 0 lets the system pick one, which is kept.
   */
  constructor(
    private readonly serve: (port: number) => Deno.HttpServer<Deno.NetAddr>,
    port: number,
    private readonly clock: Clock,
  ) {
    this.#server = serve(port);
    this.port = this.#server.addr.port;
    this.#watch();
  }

  /** Takes nobody new in, and waits for the requests that are being answered. */
  async shutdown(): Promise<void> {
    this.#closed = true;
    this.#reopening?.[Symbol.dispose]();
    await this.#server.shutdown();
  }

  #watch(): void {
    this.#server.finished.catch((error) => {
      if (this.#closed) return;
      logger.error("Nobody new can come in: {error}. Listening again in a moment", { error });
      this.#reopenLater();
    });
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
      logger.info("Listening again");
      this.#watch();
    });
  }
}
