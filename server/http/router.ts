import { VERSION } from "../../lib/version.ts";
import type { Hub } from "../hub.ts";
import { Rejection } from "../limits/rejection.ts";
import type { WebSocketClient, WebSocketServer } from "../transports/websocket.ts";
import type { Api } from "./api/api.ts";
import { Assets } from "./assets.ts";
import type { Health } from "./health.ts";
import { answerMetrics, type MetricsOptions } from "./metrics_endpoint.ts";
import { addCorsHeaders, preflight } from "./origin.ts";
import { plainPage } from "./plain_page.ts";
import { BAD_HOST, type RequestGuard, tokenOf } from "./request_guard.ts";
import { errorResponse } from "./api/responses.ts";
import { parseUpgradeRequest } from "./upgrade_request.ts";

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
 * Routes HTTP requests: the WebSocket at `/` and `/ws`, the API below `/api/`, the web page, health
 * checks and `/metrics`.
 */
export class Router {
  readonly #assets = new Assets();

  constructor(private readonly options: RouterOptions) {}

  handle(request: Request, info: Deno.ServeHandlerInfo): Response | Promise<Response> {
    const { hub, guard, health, metrics, room } = this.options;
    const url = URL.parse(request.url);
    // Before everything that may be wrong with a request: monitoring needs an answer.
    const status = url === null ? undefined : health.answer(url.pathname);
    if (status !== undefined) return status;
    const address = guard.address(request, info);
    const rejection = guard.check(request, info, address);
    if (rejection !== undefined) return this.#rejectUnchecked(request, url, address, rejection);
    // The runtime builds the URL from the Host header, which may be anything.
    if (url === null) return this.#reject(address, new Rejection(400, BAD_HOST));
    const { pathname } = url;
    if (pathname.startsWith("/api/")) return this.#api(request, url, address);
    const upgrades = request.headers.get("upgrade")?.toLowerCase() === "websocket";
    const asset = upgrades ? undefined : this.#assets.answer(request, pathname);
    if (asset !== undefined && pathname !== "/") return asset;
    const isMetrics = pathname === "/metrics" && metrics.exposure !== "off";
    if (!isMetrics && pathname !== "/" && pathname !== "/ws") {
      return textResponse(404, "Not found: the hub is at / and /ws");
    }
    if (!["GET", "HEAD"].includes(request.method)) {
      return textResponse(405, "Method not allowed: use GET", { allow: "GET, HEAD" });
    }
    if (isMetrics) return this.#metrics(request, url, address);
    // Also without an upgrade: a WebSocket client sees only the status of a rejection, and requests
    // the reason in this way.
    const shutdown = hub.limiter.checkShutdown();
    if (shutdown !== undefined) return this.#turnAway(request, url, address, shutdown);
    if (asset !== undefined) return asset;
    if (!upgrades && pathname === "/") {
      const text = plainPage(request, { room, guarded: hub.authentication.required });
      return textResponse(200, text, { vary: "accept", "cache-control": "no-store" });
    }
    const full = hub.limiter.checkCapacity(address);
    if (full !== undefined) return this.#turnAway(request, url, address, full);
    return upgrades
      ? this.#upgrade(request, url, address, guard.port(info, address))
      : textResponse(426, `This is a bcast hub: use "bcast connect" or any WebSocket client`, {
        upgrade: "websocket",
      });
  }

  async #api(request: Request, url: URL, address: string): Promise<Response> {
    const { hub, guard, api } = this.options;
    const origin = guard.corsOrigin(request);
    // A browser sends the preflight by itself, without a token.
    const permission = origin === undefined ? undefined : preflight(request);
    if (permission !== undefined) return withServerHeaders(addCorsHeaders(permission, origin));
    const token = tokenOf(request.headers, url.searchParams);
    const access = await hub.limiter.authorize(token, address);
    const answer = access.ok
      ? await api({ request, url, token, grant: access.grant, address })
      : access;
    if (answer instanceof Response) return withServerHeaders(addCorsHeaders(answer, origin));
    hub.limiter.recordRejection(address, answer);
    return withServerHeaders(addCorsHeaders(errorResponse(answer), origin));
  }

  async #metrics(request: Request, { searchParams }: URL, address: string): Promise<Response> {
    const { hub, metrics } = this.options;
    const tooMany = hub.limiter.checkClientRate(address, undefined);
    if (tooMany !== undefined) return this.#reject(address, tooMany);
    const authorize = () => hub.limiter.authorize(tokenOf(request.headers, searchParams), address);
    const answer = await answerMetrics(metrics, request, address, authorize);
    return answer instanceof Response ? withServerHeaders(answer) : this.#reject(address, answer);
  }

  #upgrade(
    request: Request,
    { searchParams }: URL,
    address: string,
    port: number | undefined,
  ): Response | Promise<Response> {
    const upgradeRequest = parseUpgradeRequest(request, searchParams);
    if (!upgradeRequest.ok) return this.#reject(address, upgradeRequest);
    const { params, protocol } = upgradeRequest;
    const token = tokenOf(request.headers, searchParams);
    // The handshake checks the token of a client that says hello: a WebSocket that never opens gives
    // a program no reason.
    if (params.encoder.requiresHello) {
      return this.#open(request, { address, port, params: { ...params, token }, protocol });
    }
    const checked = this.options.hub.limiter.authorize(token, address);
    const open = (access: Awaited<typeof checked>): Response => {
      if (!access.ok) return this.#reject(address, access);
      const { grant } = access;
      return this.#open(request, { address, port, params: { ...params, grant }, protocol });
    };
    return checked instanceof Promise ? checked.then(open) : open(checked);
  }

  #open(request: Request, client: WebSocketClient): Response {
    try {
      return this.options.webSocket.upgrade(request, client);
    } catch (error) {
      return this.#reject(client.address, notAHandshake(error));
    }
  }

  /** Rejects a client for now. A WebSocket is opened, to tell it: a page never sees an HTTP status. */
  #turnAway(
    request: Request,
    { searchParams }: URL,
    address: string,
    rejection: Rejection,
  ): Response {
    const { hub, webSocket } = this.options;
    const upgradeRequest = request.headers.get("upgrade")?.toLowerCase() === "websocket"
      ? parseUpgradeRequest(request, searchParams)
      : undefined;
    if (!upgradeRequest?.ok) return this.#reject(address, rejection);
    const { params: { encoder }, protocol } = upgradeRequest;
    try {
      const response = webSocket.turnAway(request, { address, encoder, protocol }, rejection);
      if (response === undefined) return this.#reject(address, rejection);
      hub.limiter.recordRejection(address, rejection);
      return response;
    } catch (error) {
      return this.#reject(address, notAHandshake(error));
    }
  }

  /** Answers as the API or as text, whichever the client expects. */
  #rejectUnchecked(
    request: Request,
    url: URL | null,
    address: string,
    rejection: Rejection,
  ): Response {
    // The runtime appends the path to whatever the Host header says.
    const isApi = url?.pathname.startsWith("/api/") ||
      (rejection.status === 400 && request.url.includes("/api/"));
    if (!isApi) return this.#reject(address, rejection);
    this.options.hub.limiter.recordRejection(address, rejection);
    const origin = this.options.guard.corsOrigin(request);
    return withServerHeaders(addCorsHeaders(errorResponse(rejection), origin));
  }

  #reject(address: string, rejection: Rejection): Response {
    this.options.hub.limiter.recordRejection(address, rejection);
    return textResponse(rejection.status, rejection.reason, rejection.headers);
  }
}

/** @throws whatever is not the runtime's complaint about a request. */
function notAHandshake(error: unknown): Rejection {
  if (!(error instanceof TypeError)) throw error;
  return new Rejection(400, `Not a WebSocket handshake: ${error.message}`);
}

function textResponse(status: number, text: string, headers: HeadersInit = {}): Response {
  const response = new Response(`${text}\n`, { status, headers });
  response.headers.set("content-type", "text/plain; charset=utf-8");
  return withServerHeaders(response);
}

function withServerHeaders(response: Response): Response {
  response.headers.set("x-content-type-options", "nosniff");
  response.headers.set("server", `bcast/${VERSION}`);
  return response;
}
