import { isLoopback } from "../../lib/net.ts";
import { EXPOSITION_TYPE } from "../metrics/exposition.ts";
import type { MetricsCollector } from "../metrics/collector.ts";
import type { AccessResult, GuardRejection } from "./request_guard.ts";

/**
 * Who may read `/metrics`: nobody, programs on this machine, or all who may come in. There are no
 * names and no texts in it, but how busy a hub is need not be everybody's business.
 */
export const METRICS_EXPOSURES = ["off", "local", "all"] as const;

/** One of {@linkcode METRICS_EXPOSURES}. */
export type MetricsExposure = (typeof METRICS_EXPOSURES)[number];

/** What answering `/metrics` takes. */
export interface MetricsOptions {
  readonly exposure: MetricsExposure;
  readonly monitor: MetricsCollector;
}

/**
 * Answers a request for `/metrics`, or says why there is no answer.
 *
 * Programs on this machine need no token, as they could not keep the hub's owner from looking. From
 * elsewhere, `all` means all who may come in: `entitle` is asked.
 */
export async function answerMetrics(
  { exposure, monitor }: MetricsOptions,
  request: Request,
  address: string,
  entitle: () => AccessResult | Promise<AccessResult>,
): Promise<Response | GuardRejection> {
  if (!isLocal(request, address)) {
    if (exposure !== "all") {
      const reason = "Metrics are for programs on the hub's machine: see bcast start --metrics";
      return { ok: false, status: 403, reason, headers: {} };
    }
    const entitled = await entitle();
    if (!entitled.ok) return entitled;
  }
  const text = await monitor.text();
  return new Response(request.method === "HEAD" ? null : text, {
    headers: { "content-type": EXPOSITION_TYPE, "cache-control": "no-store" },
  });
}

/** Whether a request was made on this machine, and not only passed on by a proxy that runs on it. */
function isLocal({ headers }: Request, address: string): boolean {
  return isLoopback(address) && !headers.has("forwarded") && !headers.has("x-forwarded-for") &&
    !headers.has("x-real-ip") && !headers.has("via");
}
