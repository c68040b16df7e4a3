import { getLogger } from "@logtape/logtape";
import type { Server } from "../../server.ts";
import type { TlsSource } from "./tls.ts";

const logger = getLogger(["bcast", "tls"]);

/** Reloads the certificate of a running hub when its files change, and on request. */
export class Renewal {
  /** Rejects if the hub cannot listen again with the new certificate. */
  readonly failed: Promise<never>;
  readonly #fail: (error: unknown) => void;
  #server: Pick<Server, "renew"> | undefined;
  /** Reloads are serialized: each compares with the previous certificate. */
  #reloading: Promise<void> = Promise.resolve();

  constructor(private readonly tls: TlsSource | undefined) {
    const { promise, reject } = Promise.withResolvers<never>();
    this.failed = promise;
    this.#fail = reject;
    // It may reject before anything awaits it.
    promise.catch(() => undefined);
  }

  /** Reloads the certificate; ignored before {@linkcode begin}. */
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
