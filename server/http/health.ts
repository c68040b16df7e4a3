import { getLogger } from "@logtape/logtape";
import type { Broker } from "../../broker/broker.ts";
import { knownProblem } from "../../broker/sqlite/storage_errors.ts";
import type { ServerClock } from "../../lib/clock.ts";
import type { ConnectionLimiter } from "../limits/connection_limiter.ts";

const logger = getLogger(["bcast", "http"]);

/** Milliseconds for which a check of the log holds: anyone may ask, and each check writes. */
const CHECK_PERIOD = 1000;

export interface HealthOptions {
  readonly broker: Broker;
  readonly limiter: Pick<ConnectionLimiter, "shutdown">;
  readonly clock: ServerClock;
}

/** Answers `/healthz` (the hub runs) and `/readyz` (it accepts clients and can store messages). */
export class Health {
  #checkedAt = -Infinity;
  #check: Promise<string | undefined> = Promise.resolve(undefined);

  constructor(private readonly options: HealthOptions) {}

  /** The answer to a request for `pathname`; `undefined` when that is neither of the two. */
  answer(pathname: string): Response | Promise<Response> | undefined {
    if (pathname === "/healthz") return healthResponse(undefined);
    return pathname === "/readyz" ? this.#ready() : undefined;
  }

  async #ready(): Promise<Response> {
    const { limiter: { shutdown }, clock } = this.options;
    if (shutdown !== undefined) return healthResponse(shutdown.reason);
    if (clock.monotonic() - this.#checkedAt >= CHECK_PERIOD) {
      this.#checkedAt = clock.monotonic();
      this.#check = this.#checkLog();
    }
    return healthResponse(await this.#check);
  }

  /** Returns the problem with the log, without names of files: those are for the operator only. */
  async #checkLog(): Promise<string | undefined> {
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

function healthResponse(problem: string | undefined): Response {
  return new Response(`${problem ?? "ok"}\n`, {
    status: problem === undefined ? 200 : 503,
    headers: {
      "content-type": "text/plain; charset=utf-8",
      // A cached answer would keep sending clients to a hub that stops.
      "cache-control": "no-store",
    },
  });
}
