import type { Grant } from "../../auth/authorizer.ts";
import type { ConnectionLimiter } from "../limits/connection_limiter.ts";
import type { Hub } from "../hub.ts";
import type { ServerLimits } from "../limits/server_limits.ts";
import { recordRejection } from "../rejections.ts";
import { VERSION } from "../../protocol.ts";
import type { Api } from "./api/api.ts";
import { errorResponse } from "./responses.ts";
import { Assets } from "./assets.ts";
import type { ShutdownNotice } from "./shutdown.ts";
import { addCorsHeaders, preflight } from "./cors.ts";
import { checkConnectionLimits } from "./connection_limits.ts";
import { BAD_HOST, type GuardRejection, type RequestGuard, tokenOf } from "./request_guard.ts";
import { upgradeFault } from "./upgrade_request.ts";
import type { Health } from "./health.ts";
import { plainPage } from "./plain_page.ts";
import { answerMetrics, type MetricsOptions } from "./metrics_endpoint.ts";
import {
  parseUpgradeRequest,
  type UpgradeRequest,
  type WebSocketTransport,
} from "../transports/websocket.ts";

/** Seconds after which a client that found the hub full may try again. */
const RETRY_AFTER = 5;

/** What answering HTTP takes. */
export interface RouterOptions {
  readonly hub: Hub;
  readonly webSocket: WebSocketTransport;
  /** The first room of clients that name none. */
  readonly room: string;
  /** Those through all doors. */
  readonly connections: ConnectionLimiter;
  readonly api: Api;
  readonly guard: RequestGuard;
  readonly limits: ServerLimits;
  readonly health: Health;
  readonly metrics: MetricsOptions;
  /** Why nobody new is let in, if so. */
  readonly shutdownNotice: () => ShutdownNotice | undefined;
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
    const refusal = options.guard.refusal(request, info, address);
    if (refusal !== undefined) {
      recordRejection(options.hub, address, refusal);
      // The runtime puts the path behind whatever the Host header says.
      const asksApi = url?.pathname.startsWith("/api/") ||
        (refusal.status === 400 && request.url.includes("/api/"));
      return asksApi
        ? signed(addCorsHeaders(errorResponse(refusal), options.guard.reader(request)))
        : sentence(refusal.status, refusal.reason, refusal.headers);
    }
    // The runtime puts it together with the Host header, which may be anything.
    if (url === null) return turnAway(options.hub, address, 400, BAD_HOST);
    const { pathname, searchParams } = url;
    if (pathname.startsWith("/api/")) {
      const reader = options.guard.reader(request);
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
    const closure = options.shutdownNotice();
    if (closure !== undefined) {
      return turnAway(options.hub, address, 503, closure.reason, closure.retryAfter());
    }
    if (asset !== undefined) return asset;
    if (!upgrades && pathname === "/") {
      const { hub, room } = options;
      const text = plainPage(request, { room, guarded: hub.authentication.required });
      return sentence(200, text, { vary: "accept", "cache-control": "no-store" });
    }
    if (!upgrades) {
      const crowd = checkConnectionLimits(options.connections, options.limits, address);
      if (crowd !== undefined) return deny(options.hub, address, crowd);
      return sentence(426, `This is a bcast hub: join it with "bcast connect", or any WebSocket`, {
        upgrade: "websocket",
      });
    }
    return upgrade(options, request, searchParams, address, options.guard.port(info, address));
  };
}

/** Answers below `/api/` whoever may come in at all; each answer holds what the token permits. */
async function askApi(
  { hub, guard, api }: RouterOptions,
  request: Request,
  url: URL,
  address: string,
  reader: string | undefined,
): Promise<Response> {
  // Asked by the browser itself, which brings no token.
  const permission = reader === undefined ? undefined : preflight(request);
  if (permission !== undefined) return permission;
  const entitled = await guard.entitle(tokenOf(request.headers, url.searchParams), address);
  const answer = entitled.ok ? await api(request, url, entitled.grant, address) : entitled;
  if (answer instanceof Response) return answer;
  recordRejection(hub, address, answer);
  return errorResponse(answer);
}

/** Tells the metrics to whoever may have them. */
async function askMetrics(
  { hub, guard, metrics }: RouterOptions,
  request: Request,
  { searchParams }: URL,
  address: string,
): Promise<Response> {
  const wait = Math.ceil(hub.consumePublishQuota(address, undefined));
  if (wait > 0) return turnAway(hub, address, 429, `Too many requests: wait ${wait} s`, wait);
  const entitle = () => guard.entitle(tokenOf(request.headers, searchParams), address);
  const answer = await answerMetrics(metrics, request, address, entitle);
  return answer instanceof Response ? signed(answer) : deny(hub, address, answer);
}

function upgrade(
  options: RouterOptions,
  request: Request,
  searchParams: URLSearchParams,
  address: string,
  port: number | undefined,
): Response | Promise<Response> {
  const { hub, connections, guard, limits } = options;
  const crowd = checkConnectionLimits(connections, limits, address);
  if (crowd !== undefined) return deny(hub, address, crowd);
  const greeting = parseUpgradeRequest(searchParams, request.headers, address, port);
  if (!greeting.ok) return turnAway(hub, address, 400, greeting.reason);
  const fault = upgradeFault(request);
  if (fault !== undefined) return deny(hub, address, { ok: false, ...fault });
  const token = tokenOf(request.headers, searchParams);
  // A client that speaks first hears in words what is wrong with its token: a WebSocket that never
  // opens tells a program nothing.
  if (greeting.introduction.encoder.requiresHello) {
    return open(options, request, address, withToken(greeting, token));
  }
  const checked = guard.entitle(token, address);
  const enter = (answer: Awaited<typeof checked>): Response =>
    answer.ok
      ? open(options, request, address, withGrant(greeting, answer.grant))
      : deny(hub, address, answer);
  return checked instanceof Promise ? checked.then(enter) : enter(checked);
}

function open(
  { hub, webSocket, limits }: RouterOptions,
  request: Request,
  address: string,
  greeting: RouteResult,
): Response {
  try {
    return webSocket.upgrade(request, greeting, limits.heartbeat);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return turnAway(hub, address, 400, `Not a WebSocket handshake: ${error.message}`);
  }
}

type RouteResult = Extract<UpgradeRequest, { readonly ok: true }>;

function withToken(greeting: RouteResult, token: string | undefined): RouteResult {
  if (token === undefined) return greeting;
  return { ...greeting, introduction: { ...greeting.introduction, token } };
}

function withGrant(greeting: RouteResult, grant: Grant): RouteResult {
  return { ...greeting, introduction: { ...greeting.introduction, grant } };
}

function turnAway(
  hub: Hub,
  address: string,
  status: number,
  reason: string,
  retryAfter = RETRY_AFTER,
): Response {
  const headers: Record<string, string> = status === 503 || status === 429
    ? { "retry-after": String(retryAfter) }
    : {};
  return deny(hub, address, { ok: false, status, reason, headers });
}

function deny(hub: Hub, address: string, denial: GuardRejection): Response {
  recordRejection(hub, address, denial);
  return sentence(denial.status, denial.reason, denial.headers);
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
