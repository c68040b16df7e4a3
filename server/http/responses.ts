import type { RoomRefusal } from "../limits/room_limiter.ts";
import type { ApiError, ParseError } from "../../protocol.ts";
import type { Body } from "./body.ts";
import { Rejection } from "../limits/rejection.ts";

/** An answer in JSON that nothing on the way keeps. */
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

/** What is wrong with a request; `retryAfter` in seconds. */
export function problem(
  status: number,
  code: string,
  message: string,
  retryAfter?: number,
): Response {
  const body: ApiError = {
    error: { code, message, ...(retryAfter === undefined ? {} : { retryAfter }) },
  };
  const answer = json(status, body);
  if (retryAfter !== undefined) answer.headers.set("retry-after", String(retryAfter));
  return answer;
}

/** The answer to what could not be read. */
export function badRequest({ code, message }: ParseError): Response {
  return problem(code === "too_big" ? 413 : 400, code, message);
}

/** The answer to a body that could not be read. */
export function unreadBody({ status, reason }: Extract<Body, { readonly ok: false }>): Response {
  const code = status === 413 ? "too_big" : status === 408 ? "timeout" : "bad_frame";
  const answer = problem(status, code, reason);
  // Nobody waits for what is left of the body.
  if (status !== 400) answer.headers.set("connection", "close");
  return answer;
}

/** The answer about a room that does not exist and cannot come into being. */
export function noSuchRoom({ code, message, retryAfter }: RoomRefusal): Response | Rejection {
  return retryAfter === undefined
    ? problem(409, code, message)
    : new Rejection(429, message, { retryAfter });
}

/** The answer to a rejected request. */
export function errorResponse({ status, reason, retryAfter, headers }: Rejection): Response {
  const answer = problem(status, DENIALS[status] ?? "unauthorized", reason, retryAfter);
  for (const [name, value] of Object.entries(headers)) answer.headers.set(name, value);
  return answer;
}

const DENIALS: Readonly<Record<number, string>> = {
  400: "bad_host",
  401: "unauthorized",
  403: "forbidden",
  421: "misdirected",
  429: "rate_limited",
  503: "unavailable",
};
