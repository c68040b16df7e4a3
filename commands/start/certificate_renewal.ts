import { getLogger } from "@logtape/logtape";
import type { Server } from "../../server.ts";
import type { TlsSource } from "./tls.ts";

const logger = getLogger(["bcast", "tls"]);

/** Has a running hub take another certificate when there is one, and when somebody asks. */
export class Renewal {
  /** Rejects when the hub could not listen again: it is then of no use to anybody. */
  readonly failed: Promise<never>;
  readonly #fail: (error: unknown) => void;
  #server: Pick<Server, "renew"> | undefined;
  /** One after the other: each compares with the one before. */
  #reloading: Promise<void> = Promise.resolve();

  constructor(private readonly tls: TlsSource | undefined) {
    const { promise, reject } = Promise.withResolvers<never>();
    this.failed = promise;
    this.#fail = reject;
    // Whoever waits for it may only begin to after it has failed.
    promise.catch(() => undefined);
  }

  /** Reads the certificate again; nothing before {@linkcode begin}. */
  readonly request = (): void => {
    const { tls } = this;
    const server = this.#server;
    if (server === undefined) return;
    if (tls === undefined) {
      logger.info("There is no certificate to reload");
      return;
    }
    this.#reloading = this.#reloading.then(() => tls.reload((pair) => server.renew(pair)))
      .catch(this.#fail);
  };

  /** Watches the files for `server`, until disposed. */
  begin(server: Pick<Server, "renew">): Disposable | undefined {
    this.#server = server;
    return this.tls?.watch(this.request);
  }
}
