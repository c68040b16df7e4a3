import { getLogger } from "@logtape/logtape";
import type { Connections } from "../hub/connections.ts";
import type { Hub } from "../hub/hub.ts";
import { isLoopback, type ServerLimits } from "../hub/limits.ts";
import { VERSION } from "../protocol.ts";
import { handshakeFault } from "./handshake.ts";
import { answerMetrics, type MetricsOptions } from "./metrics.ts";
import { readGreeting, type WebSocketDoor } from "./ws.ts";

const logger = getLogger(["bcast", "http"]);

/** Seconds after which a client that found the hub full may try again. */
const RETRY_AFTER = 5;

/** What answering HTTP takes. */
export interface RoutesOptions {
  readonly hub: Hub;
  readonly door: WebSocketDoor;
  /** Those through all doors. */
  readonly connections: Connections;
  readonly limits: ServerLimits;
  readonly metrics: MetricsOptions;
  /** Whether the hub is stopping: nobody new is let in. */
  readonly stopping: () => boolean;
}

/** Answers HTTP requests: the WebSocket at `/` and `/ws`, and words for everything else. */
export function routes(
  options: RoutesOptions,
): (request: Request, info: Deno.ServeHandlerInfo) => Response | Promise<Response> {
  return (request, info) => {
    const address = "hostname" in info.remoteAddr ? info.remoteAddr.hostname : "local";
    const url = URL.parse(request.url);
    // The runtime puts it together with the Host header, which may be anything.
    if (url === null) return sentence(400, "The Host header is not a host");
    const { pathname, searchParams } = url;
    const metrics = pathname === "/metrics" && answerMetrics(options.metrics, request, address);
    if (metrics) return metrics;
    if (pathname !== "/" && pathname !== "/ws") {
      return sentence(404, "Nothing is here: the hub is at / and /ws");
    }
    if (!["GET", "HEAD"].includes(request.method)) {
      return sentence(405, "This is only read: use GET", { allow: "GET, HEAD" });
    }
    if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
      return sentence(426, `This is a bcast hub: join it with "bcast connect", or any WebSocket`, {
        upgrade: "websocket",
      });
    }
    return upgrade(options, request, searchParams, address);
  };
}

function upgrade(
  options: RoutesOptions,
  request: Request,
  searchParams: URLSearchParams,
  address: string,
): Response {
  const { hub, door, connections, limits } = options;
  if (options.stopping()) return turnAway(hub, address, 503, "The hub is stopping");
  if (connections.count >= limits.maxConnections) {
    return turnAway(hub, address, 503, `The hub is full: ${limits.maxConnections} connections`);
  }
  if (!isLoopback(address) && connections.from(address) >= limits.maxPerAddress) {
    const reason = `Your address has ${limits.maxPerAddress} connections: close one first`;
    return turnAway(hub, address, 429, reason);
  }
  const greeting = readGreeting(searchParams, request.headers, address);
  if (!greeting.ok) return turnAway(hub, address, 400, greeting.reason);
  const fault = handshakeFault(request);
  if (fault) return turnAway(hub, address, fault.status, fault.reason, fault.headers);
  try {
    return door.upgrade(request, greeting, limits.heartbeat);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return turnAway(hub, address, 400, `Not a WebSocket handshake: ${error.message}`);
  }
}

function turnAway(
  hub: Hub,
  address: string,
  status: number,
  reason: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  hub.counters.turnAway(status);
  logger.info("Turned away {address} with {status}: {reason} ({clients} online)", {
    address,
    status,
    reason,
    clients: hub.online,
  });
  const busy = status === 429 || status === 503;
  return sentence(status, reason, busy ? { "retry-after": String(RETRY_AFTER) } : headers);
}

function sentence(status: number, text: string, headers: HeadersInit = {}): Response {
  const response = new Response(`${text}\n`, { status, headers });
  response.headers.set("content-type", "text/plain; charset=utf-8");
  response.headers.set("x-content-type-options", "nosniff");
  response.headers.set("server", `bcast/${VERSION}`);
  return response;
}
