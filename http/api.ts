import { getLogger } from "@logtape/logtape";
import type { Overview } from "../hub/overview.ts";
import { type ApiError, isRoomName, visible } from "../protocol.ts";

const logger = getLogger(["bcast", "http"]);

/** Answers requests below `/api/`. */
export type Api = (request: Request, url: URL) => Promise<Response>;

/** One thing to be asked for; what the request has wrong is an answer too. */
type Endpoint = (overview: Overview, query: URLSearchParams) => Promise<object> | object;

const ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  "/api/people": (overview, query) => {
    const room = query.get("room") ?? undefined;
    if (room !== undefined && !isRoomName(room)) {
      const message = "A room is 1 to 64 of a-z 0-9 . _ - and starts with a letter or digit";
      return problem(400, "bad_room", message);
    }
    return overview.people(room);
  },
  "/api/rooms": (overview) => overview.rooms(),
  "/api/status": (overview) => overview.status(Deno.memoryUsage()),
};

const METHODS: readonly string[] = ["GET", "HEAD"];

/**
 * The hub's answers in JSON for those who look on from outside.
 *
 * All requests come through this one function: who may ask is to be decided at its top. No header
 * lets a page of another origin read the answers.
 */
export function api(overview: Overview): Api {
  return async ({ method }, { pathname, searchParams }) => {
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
      const found = await endpoint(overview, searchParams);
      return found instanceof Response ? found : json(200, found);
    } catch (error) {
      logger.error("Cannot answer {pathname}: {error}", { pathname, error });
      return problem(500, "internal", "The hub had a fault: tell its operator");
    }
  };
}

function problem(status: number, code: string, message: string): Response {
  const body: ApiError = { error: { code, message } };
  return json(status, body);
}

function json(status: number, body: object): Response {
  return new Response(JSON.stringify(body) + "\n", {
    status,
    headers: {
      "content-type": "application/json; charset=utf-8",
      // What is true now is not in a second.
      "cache-control": "no-store",
    },
  });
}
