import type { ApiError, ParseError } from "../../../protocol.ts";
import { Rejection, type RejectionDetails } from "../../limits/rejection.ts";
import type { RoomRefusal } from "../../limits/room_limiter.ts";

/**
 * A failure that the API reports to its client; handlers throw it. Unlike a `Rejection`, it is
 * neither counted nor logged.
 */
export class ApiProblem extends Error {
  override readonly name = "ApiProblem";

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly details: RejectionDetails = {},
  ) {
    super(message);
  }
}

/** The headers of a JSON response that no cache keeps. */
export const JSON_HEADERS: Readonly<Record<string, string>> = {
  "content-type": "application/json; charset=utf-8",
  "cache-control": "no-store",
};

/** The text of a JSON response. */
export function jsonText(body: object): string {
  return JSON.stringify(body) + "\n";
}

/** A JSON response that no cache keeps. */
export function json(
  status: number,
  body: object,
  headers?: Readonly<Record<string, string>>,
): Response {
  return new Response(jsonText(body), { status, headers: { ...JSON_HEADERS, ...headers } });
}

export function problemResponse(
  { status, code, message, details: { retryAfter, headers } }: Omit<ApiProblem, "name">,
): Response {
  const body: ApiError = { error: { code, message, retryAfter } };
  const response = json(status, body, headers);
  if (retryAfter !== undefined) response.headers.set("retry-after", String(retryAfter));
  return response;
}

/** The response to a rejected request. */
export function errorResponse({ status, reason, retryAfter, headers }: Rejection): Response {
  const code = REJECTION_CODES[status] ?? "unauthorized";
  return problemResponse({ status, code, message: reason, details: { retryAfter, headers } });
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
export function forbiddenRoom(action: "read" | "write to", room: string): Rejection {
  return new Rejection(403, `Your token does not permit you to ${action} ${room}`);
}

export function badRequest({ code, message }: ParseError): ApiProblem {
  return new ApiProblem(code === "too_big" ? 413 : 400, code, message);
}

/**
 * For a room that does not exist and cannot be created.
 *
 * @throws {ApiProblem} if waiting does not help.
 */
export function roomRejected({ code, message, retryAfter }: RoomRefusal): Rejection {
  if (retryAfter === undefined) throw new ApiProblem(409, code, message);
  return new Rejection(429, message, { retryAfter });
}
