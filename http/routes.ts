import { getLogger } from "@logtape/logtape";
import type { Grant } from "../auth/authorizer.ts";
import type { Hub } from "../hub/hub.ts";
import { isLoopback, type ServerLimits } from "../hub/limits.ts";
import { networkOf } from "../hub/networks.ts";
import { VERSION } from "../protocol.ts";
import { type Api, deniedByApi } from "./api.ts";
import { Assets } from "./assets.ts";
import type { Closure } from "./closure.ts";
import { busy, type Denial, type Gate, tokenOf } from "./gate.ts";
import type { Health } from "./health.ts";
import { type Greeting, readGreeting, type WebSocketDoor } from "./ws.ts";

const logger = getLogger(["bcast", "http"]);

/** Seconds after which a client that found the hub full may try again. */
const RETRY_AFTER = 5;

/** What answering HTTP takes. */
export interface RoutesOptions {
  readonly hub: Hub;
  readonly door: WebSocketDoor;
  readonly api: Api;
  readonly gate: Gate;
  readonly limits: ServerLimits;
  readonly health: Health;
  /** Why nobody new is let in, if so. */
  readonly closed: () => Closure | undefined;
}

/**
 * Answers HTTP requests: the WebSocket at `/` and `/ws`, JSON below `/api/`, the web page, and words
 * for everything else.
 */
export function routes(
  options: RoutesOptions,
): (request: Request, info: Deno.ServeHandlerInfo) => Response | Promise<Response> {
  const assets = new Assets();
  return (request, info) => {
    const url = URL.parse(request.url);
    // Whoever watches over the hub is to hear of it, whatever else is wrong.
    const health = url === null ? undefined : options.health.answer(url.pathname);
    if (health !== undefined) return health;
    const address = options.gate.address(request, info);
    const refusal = options.gate.refusal(request, info, address);
    if (refusal !== undefined) {
      countTurnedAway(options.hub, address, refusal);
      return url?.pathname.startsWith("/api/")
        ? signed(deniedByApi(refusal))
        : sentence(refusal.status, refusal.reason, refusal.headers);
    }
    if (url === null) return turnAway(options.hub, address, 400, "That is no address");
    const { pathname, searchParams } = url;
    if (pathname.startsWith("/api/")) return askApi(options, request, url, address).then(signed);
    const upgrades = request.headers.get("upgrade")?.toLowerCase() === "websocket";
    const asset = upgrades ? undefined : assets.answer(request, pathname);
    if (asset !== undefined && pathname !== "/") return asset;
    if (pathname !== "/" && pathname !== "/ws") {
      return sentence(404, "Nothing is here: the hub is at / and /ws");
    }
    // Also without an upgrade: a WebSocket client sees nothing of an answer but its status, and asks
    // for the rest in this way.
    const closure = options.closed();
    if (closure !== undefined) {
      return turnAway(options.hub, address, 503, closure.reason, closure.retryAfter());
    }
    if (asset !== undefined) return asset;
    if (!upgrades) {
      return sentence(426, `This is a bcast hub: join it with "bcast connect", or any WebSocket`, {
        upgrade: "websocket",
      });
    }
    return upgrade(options, request, searchParams, address);
  };
}

/** Answers below `/api/` whoever may come in at all; each answer holds what the token permits. */
async function askApi(
  { hub, gate, api }: RoutesOptions,
  request: Request,
  url: URL,
  address: string,
): Promise<Response> {
  const entitled = await gate.entitle(tokenOf(request.headers, url.searchParams), address);
  if (entitled.ok) return await api(request, url, entitled.grant, address);
  countTurnedAway(hub, address, entitled);
  return deniedByApi(entitled);
}

function upgrade(
  options: RoutesOptions,
  request: Request,
  searchParams: URLSearchParams,
  address: string,
): Response | Promise<Response> {
  const { hub, door, gate, limits } = options;
  if (door.sockets >= limits.maxConnections) {
    return turnAway(hub, address, 503, `The hub is full: ${limits.maxConnections} connections`);
  }
  if (!isLoopback(address) && door.socketsFrom(networkOf(address)) >= limits.maxPerAddress) {
    const reason = `Your address has ${limits.maxPerAddress} connections: close one first`;
    return deny(hub, address, busy(reason, RETRY_AFTER));
  }
  const greeting = readGreeting(searchParams, request.headers, address);
  if (!greeting.ok) return turnAway(hub, address, 400, greeting.reason);
  const token = tokenOf(request.headers, searchParams);
  // A client that speaks first hears in words what is wrong with its token: a WebSocket that never
  // opens tells a program nothing.
  if (greeting.introduction.dialect.helloFirst) {
    return open(options, request, address, withToken(greeting, token));
  }
  const checked = gate.entitle(token, address);
  const enter = (answer: Awaited<typeof checked>): Response =>
    answer.ok
      ? open(options, request, address, withGrant(greeting, answer.grant))
      : deny(hub, address, answer);
  return checked instanceof Promise ? checked.then(enter) : enter(checked);
}

function open(
  { hub, door, limits }: RoutesOptions,
  request: Request,
  address: string,
  greeting: Welcome,
): Response {
  try {
    return door.upgrade(request, greeting, limits.heartbeat);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return turnAway(hub, address, 400, `Not a WebSocket handshake: ${error.message}`);
  }
}

type Welcome = Extract<Greeting, { readonly ok: true }>;

function withToken(greeting: Welcome, token: string | undefined): Welcome {
  if (token === undefined) return greeting;
  return { ...greeting, introduction: { ...greeting.introduction, token } };
}

function withGrant(greeting: Welcome, grant: Grant): Welcome {
  return { ...greeting, introduction: { ...greeting.introduction, grant } };
}

function turnAway(
  hub: Hub,
  address: string,
  status: number,
  reason: string,
  retryAfter = RETRY_AFTER,
): Response {
  const headers: Record<string, string> = status === 503
    ? { "retry-after": String(retryAfter) }
    : {};
  return deny(hub, address, { ok: false, status, reason, headers });
}

function deny(hub: Hub, address: string, denial: Denial): Response {
  countTurnedAway(hub, address, denial);
  return sentence(denial.status, denial.reason, denial.headers);
}

function countTurnedAway(hub: Hub, address: string, { status, reason }: Denial): void {
  hub.counters.turnedAway++;
  logger.info("Turned away {address} with {status}: {reason} ({clients} online)", {
    address,
    status,
    reason,
    clients: hub.online,
  });
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
