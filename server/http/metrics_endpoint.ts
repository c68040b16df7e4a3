import { isLoopback } from "../../lib/net.ts";
import type { AccessResult } from "../limits/connection_limiter.ts";
import { Rejection } from "../limits/rejection.ts";
import type { MetricsCollector } from "../metrics/collector.ts";
import { EXPOSITION_TYPE } from "../metrics/exposition.ts";

/**
 * Clients that may read `/metrics`: none, programs on this machine, or all that may connect. Metrics
 * contain no names and no texts, but the load of a hub need not be public.
 */
export const METRICS_EXPOSURES = ["off", "local", "all"] as const;

/** One of {@linkcode METRICS_EXPOSURES}. */
export type MetricsExposure = (typeof METRICS_EXPOSURES)[number];

export interface MetricsOptions {
  readonly exposure: MetricsExposure;
  readonly monitor: MetricsCollector;
}

/**
 * Answers a request for `/metrics`, or rejects it.
 *
 * @param authorize checks the request's token. Programs on this machine need none.
 */
export async function answerMetrics(
  { exposure, monitor }: MetricsOptions,
  request: Request,
  address: string,
  authorize: () => AccessResult | Promise<AccessResult>,
): Promise<Response | Rejection> {
  if (!isLocal(request, address)) {
    if (exposure !== "all") {
      const reason = "Metrics are for programs on the hub's machine: see bcast start --metrics";
      return new Rejection(403, reason);
    }
    const access = await authorize();
    if (!access.ok) return access;
  }
  const text = await monitor.text();
  return new Response(request.method === "HEAD" ? null : text, {
    headers: { "content-type": EXPOSITION_TYPE, "cache-control": "no-store" },
  });
}

/** Whether a request was made on this machine, and not only forwarded by a proxy that runs on it. */
function isLocal({ headers }: Request, address: string): boolean {
  return isLoopback(address) && !headers.has("forwarded") && !headers.has("x-forwarded-for") &&
    !headers.has("x-real-ip") && !headers.has("via");
}
