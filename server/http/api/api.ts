import { getLogger } from "@logtape/logtape";
import { visible } from "../../../protocol.ts";
import { ROOM } from "../../../protocol/http_api.ts";
import type { Hub } from "../../hub.ts";
import { Rejection } from "../../limits/rejection.ts";
import { ApiProblem, forbiddenRoom, json, problemResponse } from "./responses.ts";
import { ADMIN_PATH, type ApiOptions, type ApiRequest, type Operation } from "./operation.ts";
import { OPERATIONS } from "./operations.ts";
import { MESSAGE_ID } from "./messages.ts";
import { check, checkParameters, readNumber } from "./validation.ts";

const logger = getLogger(["bcast", "http"]);

/** Answers requests below `/api/` that the router has authorized. */
export type Api = (request: Omit<ApiRequest, "room" | "id">) => Promise<Response | Rejection>;

/** A path and its operations. */
interface Route {
  readonly path: string;
  /** Matches the path. Neither a room nor an id has a character that is escaped in a path. */
  readonly pattern: RegExp;
  readonly operations: readonly Operation[];
}

const ROUTES: readonly Route[] = Object.entries(Object.groupBy(OPERATIONS, ({ path }) => path))
  .map(([path, operations = []]) => {
    const pattern = path.replaceAll(".", "\\.").replaceAll(/\{(\w+)\}/g, "(?<$1>[^/]*)");
    return { path, pattern: new RegExp(`^${pattern}$`), operations };
  });

/** Serves the operations of the HTTP API. */
export function api(options: ApiOptions): Api {
  return async (request) => {
    try {
      const answer = await serve({ ...request, room: "", id: 0 }, options);
      return answer instanceof Response || answer instanceof Rejection ? answer : json(200, answer);
    } catch (error) {
      if (error instanceof ApiProblem) return problemResponse(error);
      const { pathname } = request.url;
      logger.error("Cannot answer {pathname}: {error}", { pathname, error });
      const message = "Internal error: report it to the operator of the hub";
      return problemResponse(new ApiProblem(500, "internal", message));
    }
  };
}

async function serve(request: ApiRequest, options: ApiOptions): Promise<object> {
  const { url: { pathname }, grant, address } = request;
  const { hub } = options;
  // Checked first: requests for paths that do not exist have a cost, too.
  const tooMany = hub.limiter.checkClientRate(address, grant.name);
  if (tooMany !== undefined) return tooMany;
  const route = ROUTES.find(({ pattern }) => pattern.test(pathname));
  const stranger = isForModerators(pathname, route) ? notModerator(hub, request) : undefined;
  if (stranger !== undefined) return stranger;
  const operation = operationFor(request, route);
  checkParameters(operation.query, request.url.searchParams);
  const { room, id } = route?.pattern.exec(pathname)?.groups ?? {};
  const shutdown = needsHub(operation) ? hub.limiter.checkShutdown() : undefined;
  if (room === undefined) return shutdown ?? await operation.answer(request, options);
  check(ROOM, room, "room");
  const { rights } = grant;
  const writes = operation.access === "write";
  if (!(writes ? rights.mayWrite(room) : rights.mayRead(room))) {
    return forbiddenRoom(writes ? "write to" : "read", room);
  }
  if (shutdown !== undefined) return shutdown;
  const message = id === undefined ? 0 : check(MESSAGE_ID, readNumber(id), "id", "bad_parameter");
  return await operation.answer({ ...request, room, id: message }, options);
}

/** Whether a hub that is stopping rejects the operation. Moderators can act until the end. */
function needsHub({ access }: Operation): boolean {
  return access === "write" || access === "listen";
}

/** @throws {ApiProblem} 404 or 405. */
function operationFor({ request, url: { pathname } }: ApiRequest, route?: Route): Operation {
  if (route === undefined) {
    const paths = ROUTES.filter((each) => isForModerators(pathname) === isForModerators("", each))
      .map(({ path }) => path);
    const message = `There is nothing at ${visible(pathname)}: the paths are ${paths.join(", ")}`;
    throw new ApiProblem(404, "not_found", message);
  }
  const { operations } = route;
  const operation = operations.find((each) => methodsOf(each).includes(request.method));
  if (operation !== undefined) return operation;
  const allow = operations.flatMap(methodsOf).join(", ");
  const message = `Use ${allow} for ${pathname}`;
  throw new ApiProblem(405, "method_not_allowed", message, { headers: { allow } });
}

/** Unknown paths below `/api/admin/` are for moderators, too: others do not learn which exist. */
function isForModerators(pathname: string, route?: Route): boolean {
  return route?.operations.some(({ access }) => access === "moderate") ??
    pathname.startsWith(ADMIN_PATH);
}

function methodsOf({ method, access }: Operation): readonly string[] {
  return method === "GET" && access !== "listen" ? ["GET", "HEAD"] : [method];
}

function notModerator(
  { authentication }: Hub,
  { token, grant }: ApiRequest,
): Rejection | undefined {
  if (grant.admin) return undefined;
  if (!authentication.moderated) return new Rejection(403, NO_MODERATORS);
  return token === undefined
    ? new Rejection(401, "Only moderators may do this: send an admin token", {
      headers: { "www-authenticate": `Bearer realm="bcast"` },
    })
    : new Rejection(403, "Your token does not let you moderate: use an admin token");
}

const NO_MODERATORS = "This hub has no admin token, so it has no moderators: create one with " +
  "bcast token secret FILE, and start the hub with --admin-token-file FILE";
