import { getLogger } from "@logtape/logtape";
import type { Broker } from "../../broker/broker.ts";
import { knownProblem } from "../../broker/sqlite/storage_errors.ts";
import type { ServerClock } from "../../lib/clock.ts";
import type { ShutdownNotice } from "./shutdown.ts";

const logger = getLogger(["bcast", "http"]);

/**
 * Milliseconds for which the log counts as what it last was: anybody may ask, and each look is a
 * write.
 */
const CHECK_PERIOD = 1000;

/** What the answers depend on. */
export interface HealthOptions {
  readonly broker: Broker;
  readonly clock: ServerClock;
  /** Why nobody new is let in, if so. */
  readonly closed: () => ShutdownNotice | undefined;
}

/**
 * `/healthz` and `/readyz`, for whatever watches over the hub: the first says that it runs, the
 * second whether clients should be sent to it.
 */
export class Health {
  #checkedAt = -Infinity;
  #check: Promise<string | undefined> = Promise.resolve(undefined);

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
      this.#check = this.#troubleOfLog();
    }
    const trouble = await this.#check;
    return trouble === undefined ? words(200, "ok") : words(503, trouble);
  }

  /** What is wrong with the log, for the network: what names files is for the operator alone. */
  async #troubleOfLog(): Promise<string | undefined> {
    try {
      await this.options.broker.check();
      return undefined;
    } catch (error) {
      logger.debug("The log cannot be written: {error}", { error });
      const why = knownProblem(error)?.what;
      return "The log cannot be written" + (why === undefined ? "" : `: ${why}`);
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
