import { getLogger } from "@logtape/logtape";
import type { Grant } from "../../../auth/authorizer.ts";
import { visible } from "../../../protocol.ts";
import { ROOM } from "../../../protocol/http_api.ts";
import type { Hub } from "../../hub.ts";
import { Rejection } from "../../limits/rejection.ts";
import { tokenOf } from "../request_guard.ts";
import { ApiProblem, forbiddenRoom, json, problemResponse } from "../responses.ts";
import { ADMIN_PATH, type ApiOptions, type ApiRequest, type Operation } from "./operation.ts";
import { OPERATIONS } from "./operations.ts";
import { check } from "./validation.ts";

const logger = getLogger(["bcast", "http"]);

/** Answers a request below `/api/` whose token is valid. */
export type Api = (
  request: Request,
  url: URL,
  grant: Grant,
  address: string,
) => Promise<Response | Rejection>;

/** The operations by path; `start` and `end` surround the room of a path that has one. */
const ROUTES = Object.entries(Object.groupBy(OPERATIONS, ({ path }) => path)).map(
  ([path, operations = []]) => {
    const [start = "", end] = path.split("{room}");
    return { path, start, end, operations };
  },
);

/** Serves the operations of the HTTP API. */
export function api(options: ApiOptions): Api {
  return async (request, url, grant, address) => {
    try {
      const answer = await serve({ request, url, grant, address, room: "" }, options);
      return answer instanceof Response || answer instanceof Rejection ? answer : json(200, answer);
    } catch (error) {
      if (error instanceof ApiProblem) return problemResponse(error);
      logger.error("Cannot answer {pathname}: {error}", { pathname: url.pathname, error });
      const message = "Internal error: report it to the operator of the hub";
      return problemResponse(new ApiProblem(500, "internal", message));
    }
  };
}

async function serve(request: ApiRequest, options: ApiOptions): Promise<object> {
  const { url: { pathname }, grant, address } = request;
  // Checked first: requests for paths that do not exist have a cost, too.
  const wait = Math.ceil(options.hub.quotas.consumePublishQuota(address, grant.name));
  if (wait > 0) {
    return new Rejection(429, `Too many requests: wait ${wait} s`, { retryAfter: wait });
  }
  const stranger = pathname.startsWith(ADMIN_PATH) ? notModerator(options.hub, request) : undefined;
  if (stranger !== undefined) return stranger;
  const { operation, room } = find(request.request.method, pathname);
  if (room === undefined) return await operation.answer(request, options);
  check(ROOM, room, "room");
  const { access } = operation;
  const { rights } = grant;
  if (access === "write" ? !rights.mayWrite(room) : !rights.mayRead(room)) {
    return forbiddenRoom(access === "write" ? "write to" : "read", room);
  }
  const shutdown = access === "read" ? undefined : options.hub.limiter.checkShutdown();
  return shutdown ?? await operation.answer({ ...request, room }, options);
}

/**
 * Finds the operation for a method and a path.
 *
 * @throws {ApiProblem} 404 or 405.
 */
function find(
  method: string,
  pathname: string,
): { readonly operation: Operation; readonly room: string | undefined } {
  for (const { start, end, operations } of ROUTES) {
    const found = end === undefined
      ? pathname === start
      : pathname.startsWith(start) && pathname.endsWith(end);
    // No room has a character that is escaped in a path.
    const room = end === undefined ? undefined : pathname.slice(start.length, -end.length);
    if (!found || room?.includes("/")) continue;
    const operation = operations.find((each) => methodsOf(each).includes(method));
    if (operation !== undefined) return { operation, room };
    const allow = operations.flatMap(methodsOf).join(", ");
    throw new ApiProblem(405, "method_not_allowed", `Use ${allow} for ${pathname}`, {
      headers: { allow },
    });
  }
  const isAdmin = pathname.startsWith(ADMIN_PATH);
  const paths = ROUTES.map(({ path }) => path)
    .filter((path) => path.startsWith(ADMIN_PATH) === isAdmin);
  const message = `There is nothing at ${visible(pathname)}: the paths are ${paths.join(", ")}`;
  throw new ApiProblem(404, "not_found", message);
}

function methodsOf({ method, access }: Operation): readonly string[] {
  return method === "GET" && access !== "listen" ? ["GET", "HEAD"] : [method];
}

function notModerator(
  { authentication }: Hub,
  { request: { headers }, url: { searchParams }, grant }: ApiRequest,
): Rejection | undefined {
  if (grant.admin) return undefined;
  if (!authentication.moderated) return new Rejection(403, NO_MODERATORS);
  return tokenOf(headers, searchParams) === undefined
    ? new Rejection(401, "Only moderators may do this: send an admin token", {
      headers: { "www-authenticate": `Bearer realm="bcast"` },
    })
    : new Rejection(403, "Your token does not let you moderate: use an admin token");
}

const NO_MODERATORS = "This hub has no admin token, so it has no moderators: create one with " +
  "bcast token secret FILE, and start the hub with --admin-token-file FILE";
