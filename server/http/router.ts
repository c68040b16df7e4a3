import type { Hub } from "../hub.ts";
import { Rejection } from "../limits/rejection.ts";
import { VERSION } from "../../protocol.ts";
import type { Api } from "./api/api.ts";
import { errorResponse } from "./responses.ts";
import { Assets } from "./assets.ts";
import { addCorsHeaders, preflight } from "./origin.ts";
import { BAD_HOST, type RequestGuard, tokenOf } from "./request_guard.ts";
import { parseUpgradeRequest } from "./upgrade_request.ts";
import type { Health } from "./health.ts";
import { plainPage } from "./plain_page.ts";
import { answerMetrics, type MetricsOptions } from "./metrics_endpoint.ts";
import type { WebSocketClient, WebSocketServer } from "../transports/websocket.ts";

/** What answering HTTP takes. */
export interface RouterOptions {
  readonly hub: Hub;
  readonly webSocket: WebSocketServer;
  /** The first room of clients that name none. */
  readonly room: string;
  readonly api: Api;
  readonly guard: RequestGuard;
  readonly health: Health;
  readonly metrics: MetricsOptions;
}

/**
 * Answers HTTP requests: the WebSocket at `/` and `/ws`, JSON below `/api/`, the web page,
 * `/metrics`, and words for everything else.
 */
export function createRouter(
  options: RouterOptions,
): (request: Request, info: Deno.ServeHandlerInfo) => Response | Promise<Response> {
  const assets = new Assets();
  return (request, info) => {
    const url = URL.parse(request.url);
    // Whoever watches over the hub is to hear of it, whatever else is wrong.
    const health = url === null ? undefined : options.health.answer(url.pathname);
    if (health !== undefined) return health;
    const address = options.guard.address(request, info);
    const { hub, guard } = options;
    const rejection = guard.check(request, info, address);
    if (rejection !== undefined) {
      hub.limiter.recordRejection(address, rejection);
      // The runtime puts the path behind whatever the Host header says.
      const asksApi = url?.pathname.startsWith("/api/") ||
        (rejection.status === 400 && request.url.includes("/api/"));
      return asksApi
        ? signed(addCorsHeaders(errorResponse(rejection), guard.corsOrigin(request)))
        : sentence(rejection.status, rejection.reason, rejection.headers);
    }
    // The runtime puts it together with the Host header, which may be anything.
    if (url === null) return deny(hub, address, new Rejection(400, BAD_HOST));
    const { pathname, searchParams } = url;
    if (pathname.startsWith("/api/")) {
      const reader = guard.corsOrigin(request);
      return askApi(options, request, url, address, reader)
        .then((answer) => signed(addCorsHeaders(answer, reader)));
    }
    const upgrades = request.headers.get("upgrade")?.toLowerCase() === "websocket";
    const asset = upgrades ? undefined : assets.answer(request, pathname);
    if (asset !== undefined && pathname !== "/") return asset;
    const metered = pathname === "/metrics" && options.metrics.exposure !== "off";
    if (!metered && pathname !== "/" && pathname !== "/ws") {
      return sentence(404, "Nothing is here: the hub is at / and /ws");
    }
    if (!["GET", "HEAD"].includes(request.method)) {
      return sentence(405, "This is only read: use GET", { allow: "GET, HEAD" });
    }
    if (metered) return askMetrics(options, request, url, address);
    // Also without an upgrade: a WebSocket client sees nothing of an answer but its status, and asks
    // for the rest in this way.
    const shutdown = hub.limiter.checkShutdown();
    if (shutdown !== undefined) return deny(hub, address, shutdown);
    if (asset !== undefined) return asset;
    if (!upgrades && pathname === "/") {
      const { room } = options;
      const text = plainPage(request, { room, guarded: hub.authentication.required });
      return sentence(200, text, { vary: "accept", "cache-control": "no-store" });
    }
    if (!upgrades) {
      const full = hub.limiter.checkCapacity(address);
      if (full !== undefined) return deny(hub, address, full);
      return sentence(426, `This is a bcast hub: join it with "bcast connect", or any WebSocket`, {
        upgrade: "websocket",
      });
    }
    return upgrade(options, request, searchParams, address, options.guard.port(info, address));
  };
}

/** Answers below `/api/` whoever may come in at all; each answer holds what the token permits. */
async function askApi(
  { hub, api }: RouterOptions,
  request: Request,
  url: URL,
  address: string,
  reader: string | undefined,
): Promise<Response> {
  // Asked by the browser itself, which brings no token.
  const permission = reader === undefined ? undefined : preflight(request);
  if (permission !== undefined) return permission;
  const entitled = await hub.limiter.authorize(tokenOf(request.headers, url.searchParams), address);
  const answer = entitled.ok ? await api(request, url, entitled.grant, address) : entitled;
  if (answer instanceof Response) return answer;
  hub.limiter.recordRejection(address, answer);
  return errorResponse(answer);
}

/** Tells the metrics to whoever may have them. */
async function askMetrics(
  { hub, metrics }: RouterOptions,
  request: Request,
  { searchParams }: URL,
  address: string,
): Promise<Response> {
  const wait = Math.ceil(hub.quotas.consumePublishQuota(address, undefined));
  if (wait > 0) {
    const reason = `Too many requests: wait ${wait} s`;
    return deny(hub, address, new Rejection(429, reason, { retryAfter: wait }));
  }
  const authorize = () => hub.limiter.authorize(tokenOf(request.headers, searchParams), address);
  const answer = await answerMetrics(metrics, request, address, authorize);
  return answer instanceof Response ? signed(answer) : deny(hub, address, answer);
}

function upgrade(
  options: RouterOptions,
  request: Request,
  searchParams: URLSearchParams,
  address: string,
  port: number | undefined,
): Response | Promise<Response> {
  const { hub } = options;
  const full = hub.limiter.checkCapacity(address);
  if (full !== undefined) return deny(hub, address, full);
  const upgradeRequest = parseUpgradeRequest(request, searchParams);
  if (!upgradeRequest.ok) return deny(hub, address, upgradeRequest);
  const { params, protocol } = upgradeRequest;
  const token = tokenOf(request.headers, searchParams);
  // The handshake checks the token of a client that says hello: a WebSocket that never opens gives
  // a program no reason.
  if (params.encoder.requiresHello) {
    return open(options, request, { address, port, params: { ...params, token }, protocol });
  }
  const checked = hub.limiter.authorize(token, address);
  const enter = (access: Awaited<typeof checked>): Response =>
    access.ok
      ? open(options, request, {
        address,
        port,
        params: { ...params, grant: access.grant },
        protocol,
      })
      : deny(hub, address, access);
  return checked instanceof Promise ? checked.then(enter) : enter(checked);
}

function open(
  { hub, webSocket }: RouterOptions,
  request: Request,
  client: WebSocketClient,
): Response {
  try {
    return webSocket.upgrade(request, client);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const reason = `Not a WebSocket handshake: ${error.message}`;
    return deny(hub, client.address, new Rejection(400, reason));
  }
}

function deny({ limiter }: Hub, address: string, rejection: Rejection): Response {
  limiter.recordRejection(address, rejection);
  return sentence(rejection.status, rejection.reason, rejection.headers);
}

function sentence(status: number, text: string, headers: HeadersInit = {}): Response {
  const response = new Response(`${text}\n`, { status, headers });
  response.headers.set("content-type", "text/plain; charset=utf-8");
  return signed(response);
}

/** With what every answer has. */
function signed(response: Response): Response {
  response.headers.set("x-content-type-options", "nosniff");
  response.headers.set("server", `bcast/${VERSION}`);
  return response;
}
