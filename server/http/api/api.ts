import { getLogger } from "@logtape/logtape";
import type { Grant } from "../../../auth/authorizer.ts";
import { isRoomName, visible } from "../../../protocol.ts";
import { ADMIN_PATH, notModerator } from "./admin.ts";
import { json, problem } from "../responses.ts";
import { Rejection } from "../../limits/rejection.ts";
import type { ApiOptions, ApiRequest } from "./api_request.ts";
import { type Endpoint, ENDPOINTS, type Operation } from "./endpoints.ts";

export { errorResponse } from "../responses.ts";

const logger = getLogger(["bcast", "http"]);

/** Answers requests below `/api/`, as far as `grant` permits; or turns them away. */
export type Api = (
  request: Request,
  url: URL,
  grant: Grant,
  address: string,
) => Promise<Response | Rejection>;

/** What stands for a room in the paths of {@linkcode ENDPOINTS}. */
const ROOM = "{room}";

/**
 * The hub's answers to those who are not connected.
 *
 * Who may ask at all is decided before.
 */
export function api(options: ApiOptions): Api {
  return async (request, url, grant, address) => {
    const { pathname } = url;
    const { hub } = options;
    // Whatever is asked for, and whether it is there: looking costs something too.
    const wait = Math.ceil(hub.consumePublishQuota(address, grant.name));
    if (wait > 0) {
      return new Rejection(429, `Too much at once: wait ${wait} s`, { retryAfter: wait });
    }
    const stranger = pathname.startsWith(ADMIN_PATH)
      ? notModerator(hub, request, url, grant)
      : undefined;
    if (stranger !== undefined) return stranger;
    const found = find(pathname);
    if (found === undefined) return nothingAt(pathname);
    const { endpoint, room } = found;
    const operation = endpoint.operations.find(({ methods }) => methods.includes(request.method));
    if (operation === undefined) return wrongMethod(endpoint, pathname);
    try {
      const ask: ApiRequest = { request, url, room: room ?? "", grant, address };
      const refusal = room === undefined ? undefined : refuse(operation, ask, options);
      if (refusal !== undefined) return refusal;
      const answer = await operation.answer(ask, options);
      return answer instanceof Response || answer instanceof Rejection ? answer : json(200, answer);
    } catch (error) {
      logger.error("Cannot answer {pathname}: {error}", { pathname, error });
      return problem(500, "internal", "The hub had a fault: tell its operator");
    }
  };
}

function nothingAt(pathname: string): Response {
  const moderates = pathname.startsWith(ADMIN_PATH);
  const known = ENDPOINTS.map(({ path }) => path)
    .filter((path) => path.startsWith(ADMIN_PATH) === moderates);
  const there = moderates
    ? `below ${ADMIN_PATH} are ${known.map((path) => path.slice(ADMIN_PATH.length)).join(", ")}`
    : `there are ${known.join(", ")}`;
  return problem(404, "not_found", `Nothing is at ${visible(pathname)}: ${there}`);
}

function find(pathname: string): { endpoint: Endpoint; room: string | undefined } | undefined {
  for (const endpoint of ENDPOINTS) {
    const [before = "", after] = endpoint.path.split(ROOM);
    if (after === undefined) {
      if (pathname === before) return { endpoint, room: undefined };
      continue;
    }
    if (!pathname.startsWith(before) || !pathname.endsWith(after)) continue;
    // No room has a character that would be escaped: whatever is, is no room.
    const room = pathname.slice(before.length, -after.length);
    if (!room.includes("/")) return { endpoint, room };
  }
  return undefined;
}

/** What is against a request about a room, whatever it asks. */
function refuse(
  { access }: Operation,
  { room, grant: { rights } }: ApiRequest,
  { hub }: ApiOptions,
): Response | Rejection | undefined {
  if (!isRoomName(room)) {
    const message = "A room is 1 to 64 of a-z 0-9 . _ - and starts with a letter or digit";
    return problem(400, "bad_room", message);
  }
  // The same answer whether there is such a room or not.
  if (!(access === "write" ? rights.mayWrite(room) : rights.mayRead(room))) {
    const what = access === "write" ? "write to" : "read";
    return new Rejection(403, `Your token does not permit to ${what} ${room}`);
  }
  return access === "read" ? undefined : hub.limiter.checkShutdown();
}

function wrongMethod({ operations }: Endpoint, pathname: string): Response {
  const allowed = operations.flatMap(({ methods }) => methods).join(", ");
  const answer = problem(405, "method_not_allowed", `Use ${allowed} for ${pathname}`);
  answer.headers.set("allow", allowed);
  return answer;
}
