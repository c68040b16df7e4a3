import { getLogger } from "@logtape/logtape";
import type { Grant } from "../auth/authorizer.ts";
import type { Overview } from "../hub/overview.ts";
import { type ApiError, isRoomName, visible } from "../protocol.ts";
import type { Denial } from "./gate.ts";

const logger = getLogger(["bcast", "http"]);

/** Answers requests below `/api/` that come from `address`, as far as `grant` permits. */
export type Api = (
  request: Request,
  url: URL,
  grant: Grant,
  address: string,
) => Promise<Response>;

/** One thing to be asked for; what the request has wrong is an answer too. */
type Endpoint = (
  overview: Overview,
  query: URLSearchParams,
  grant: Grant,
) => Promise<object> | object;

const ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  "/api/people": (overview, query, { rights }) => {
    const room = query.get("room") ?? undefined;
    if (room !== undefined && !isRoomName(room)) {
      const message = "A room is 1 to 64 of a-z 0-9 . _ - and starts with a letter or digit";
      return problem(400, "bad_room", message);
    }
    // The same answer whether there is such a room or not.
    if (room !== undefined && !rights.mayRead(room)) {
      return problem(403, "forbidden", `Your token does not permit to read ${room}`);
    }
    return overview.people(rights, room);
  },
  "/api/rooms": (overview, _query, { rights }) => overview.rooms(rights),
  "/api/status": (overview) => overview.status(Deno.memoryUsage()),
};

/** Below this, moderators give their orders. */
export const ADMIN_PATH = "/api/admin/";

const METHODS: readonly string[] = ["GET", "HEAD"];

/**
 * The hub's answers in JSON for those who look on from outside.
 *
 * Who may ask at all is decided before. No header lets a page of another origin read the answers.
 */
export function api(overview: Overview, admin: Api): Api {
  return async (request, url, grant, address) => {
    const { method } = request;
    const { pathname, searchParams } = url;
    if (pathname.startsWith(ADMIN_PATH)) return await admin(request, url, grant, address);
    const endpoint = Object.hasOwn(ENDPOINTS, pathname) ? ENDPOINTS[pathname] : undefined;
    if (endpoint === undefined) {
      const known = Object.keys(ENDPOINTS).join(", ");
      return problem(404, "not_found", `Nothing is at ${visible(pathname)}: there are ${known}`);
    }
    if (!METHODS.includes(method)) {
      const answer = problem(405, "method_not_allowed", `Use GET for ${pathname}`);
      answer.headers.set("allow", METHODS.join(", "));
      return answer;
    }
    try {
      const found = await endpoint(overview, searchParams, grant);
      return found instanceof Response ? found : json(200, found);
    } catch (error) {
      logger.error("Cannot answer {pathname}: {error}", { pathname, error });
      return problem(500, "internal", "The hub had a fault: tell its operator");
    }
  };
}

/** The answer to somebody who may not ask. */
export function deniedByApi({ status, reason, headers }: Denial): Response {
  const code = status === 429 ? "rate_limited" : status === 403 ? "forbidden" : "unauthorized";
  const answer = problem(status, code, reason);
  for (const [name, value] of Object.entries(headers)) answer.headers.set(name, value);
  return answer;
}

/** The answer to a request that has something wrong. */
export function problem(status: number, code: string, message: string): Response {
  const body: ApiError = { error: { code, message } };
  return json(status, body);
}

/** An answer that is true now only. */
export function json(status: number, body: object): Response {
  return new Response(JSON.stringify(body) + "\n", {
    status,
    headers: {
      "content-type": "application/json; charset=utf-8",
      // What is true now is not in a second.
      "cache-control": "no-store",
    },
  });
}
