import type { ApiError, ParseError } from "../../protocol.ts";
import type { RoomRefusal } from "../limits/room_limiter.ts";
import type { GuardRejection } from "./request_guard.ts";
import type { ShutdownNotice } from "./shutdown.ts";

type ResponseHeaders = Readonly<Record<string, string>>;

/** A failure that the API reports to its client; handlers throw it. */
export class ApiProblem extends Error {
  override readonly name = "ApiProblem";
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly headers: ResponseHeaders = {},
  ) {
    super(message);
  }
}

/** A request rejected before anything was done. The router counts and logs these. */
export class Rejected implements GuardRejection {
  readonly ok = false;

  constructor(
    readonly status: 401 | 403 | 429 | 503,
    readonly reason: string,
    readonly headers: ResponseHeaders = {},
  ) {}

  /** @param retryAfter in seconds. */
  static forNow(status: 429 | 503, reason: string, retryAfter: number): Rejected {
    return new Rejected(status, reason, { "retry-after": String(retryAfter) });
  }

  static stopping({ reason, retryAfter }: ShutdownNotice): Rejected {
    return Rejected.forNow(503, reason, retryAfter());
  }
}

/** A JSON response that no cache keeps. */
export function json(status: number, body: object, headers: ResponseHeaders = {}): Response {
  return new Response(JSON.stringify(body) + "\n", {
    status,
    headers: {
      "content-type": "application/json; charset=utf-8",
      "cache-control": "no-store",
      ...headers,
    },
  });
}

export function problemResponse(
  { status, code, message, headers }: Omit<ApiProblem, "name">,
): Response {
  const wait = headers["retry-after"];
  const retryAfter = wait === undefined ? undefined : Number(wait);
  const body: ApiError = { error: { code, message, retryAfter } };
  return json(status, body, headers);
}

/** The response to a request that the guard or the API rejected. */
export function errorResponse({ status, reason, headers }: GuardRejection): Response {
  const code = REJECTION_CODES[status] ?? "unauthorized";
  return problemResponse({ status, code, message: reason, headers });
}

const REJECTION_CODES: Readonly<Record<number, string>> = {
  400: "bad_host",
  401: "unauthorized",
  403: "forbidden",
  421: "misdirected",
  429: "rate_limited",
  503: "unavailable",
};

/** For a token without a right; the same whether the room exists or not. */
export function forbiddenRoom(action: "read" | "write to", room: string): Rejected {
  return new Rejected(403, `Your token does not permit you to ${action} ${room}`);
}

export function badRequest({ code, message }: ParseError): ApiProblem {
  return new ApiProblem(code === "too_big" ? 413 : 400, code, message);
}

/**
 * For a room that does not exist and cannot be created.
 *
 * @throws {ApiProblem} if waiting does not help.
 */
export function roomRejected({ code, message, retryAfter }: RoomRefusal): Rejected {
  if (retryAfter === undefined) throw new ApiProblem(409, code, message);
  return Rejected.forNow(429, message, retryAfter);
}
