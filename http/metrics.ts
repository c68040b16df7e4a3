import { isLoopback } from "../hub/limits.ts";
import { EXPOSITION_TYPE } from "../observe/exposition.ts";
import type { Monitor } from "../observe/monitor.ts";

/**
 * Who may read `/metrics`: nobody, programs on this machine, or everybody. There are no names and no
 * texts in it, but how busy a hub is need not be everybody's business.
 */
export const METRICS_EXPOSURES = ["off", "local", "all"] as const;

/** One of {@linkcode METRICS_EXPOSURES}. */
export type MetricsExposure = (typeof METRICS_EXPOSURES)[number];

/** What answering `/metrics` takes. */
export interface MetricsOptions {
  readonly exposure: MetricsExposure;
  readonly monitor: Monitor;
}

/** Answers a request for `/metrics`; `undefined` when there is no such thing here. */
export function answerMetrics(
  { exposure, monitor }: MetricsOptions,
  request: Request,
  address: string,
): Promise<Response> | Response | undefined {
  if (exposure === "off") return undefined;
  if (request.method !== "GET" && request.method !== "HEAD") {
    return refusal(405, "Metrics can only be read: use GET", { allow: "GET, HEAD" });
  }
  if (exposure === "local" && !isLocal(request, address)) {
    return refusal(403, "Metrics are for programs on the hub's machine: see bcast start --metrics");
  }
  return monitor.text().then((text) =>
    new Response(request.method === "HEAD" ? null : text, {
      headers: { "content-type": EXPOSITION_TYPE, "cache-control": "no-store" },
    })
  );
}

/** Whether a request was made on this machine, and not only passed on by a proxy that runs on it. */
function isLocal({ headers }: Request, address: string): boolean {
  return isLoopback(address) && !headers.has("forwarded") && !headers.has("x-forwarded-for") &&
    !headers.has("x-real-ip") && !headers.has("via");
}

function refusal(status: number, text: string, headers: HeadersInit = {}): Response {
  const response = new Response(`${text}\n`, { status, headers });
  response.headers.set("content-type", "text/plain; charset=utf-8");
  response.headers.set("x-content-type-options", "nosniff");
  return response;
}
