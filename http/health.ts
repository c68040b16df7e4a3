import { getLogger } from "@logtape/logtape";
import type { Broker } from "../broker/broker.ts";
import type { Clock } from "../hub/clock.ts";
import type { Closure } from "./closure.ts";

const logger = getLogger(["bcast", "http"]);

/**
 * Milliseconds for which the log counts as what it last was: anybody may ask, and each look is a
 * write.
 */
const CHECK_PERIOD = 1000;

/** What the answers depend on. */
export interface HealthOptions {
  readonly broker: Broker;
  readonly clock: Clock;
  /** Why nobody new is let in, if so. */
  readonly closed: () => Closure | undefined;
}

/**
 * `/healthz` and `/readyz`, for whatever watches over the hub: the first says that it runs, the
 * second whether clients should be sent to it.
 */
export class Health {
  #checkedAt = -Infinity;
  #check: Promise<boolean> = Promise.resolve(true);

  constructor(private readonly options: HealthOptions) {}

  /** The answer to a request for `pathname`; `undefined` when that is neither of the two. */
  answer(pathname: string): Response | Promise<Response> | undefined {
    if (pathname === "/healthz") return words(200, "ok");
    if (pathname === "/readyz") return this.#ready();
    return undefined;
  }

  async #ready(): Promise<Response> {
    const closure = this.options.closed();
    if (closure !== undefined) return words(503, closure.reason);
    const { clock } = this.options;
    if (clock.monotonic() - this.#checkedAt >= CHECK_PERIOD) {
      this.#checkedAt = clock.monotonic();
      this.#check = this.#logWorks();
    }
    // What is wrong with the log names files: that is for the operator's log, not for the network.
    return await this.#check ? words(200, "ok") : words(503, "The log cannot be written");
  }

  async #logWorks(): Promise<boolean> {
    try {
      await this.options.broker.check();
      return true;
    } catch (error) {
      logger.error("The log cannot be written: {error}", { error });
      return false;
    }
  }
}

function words(status: number, text: string): Response {
  return new Response(`${text}\n`, {
    status,
    headers: {
      "content-type": "text/plain; charset=utf-8",
      // A proxy that kept an answer would keep sending clients to a hub that stops.
      "cache-control": "no-store",
    },
  });
}
