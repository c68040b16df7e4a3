/** What a page may send beside what every page may: asked for before the request itself. */
const REQUEST_HEADERS = "authorization, content-type, idempotency-key, last-event-id";

/** What a page may see of an answer beside its body. */
const ANSWER_HEADERS = "location, retry-after";

/** Seconds for which a browser need not ask again. */
const MAX_AGE = 600;

/**
 * The answer to a browser that asks whether a page may send what it wants to (Fetch standard,
 * "CORS-preflight request"); `undefined` for any other request. Whether the page's origin may talk to
 * the hub at all is decided before.
 */
export function preflight({ method, headers }: Request): Response | undefined {
  if (method !== "OPTIONS" || !headers.has("access-control-request-method")) return undefined;
  return new Response(null, {
    status: 204,
    headers: {
      "access-control-allow-methods": "GET, HEAD, POST",
      "access-control-allow-headers": REQUEST_HEADERS,
      "access-control-max-age": String(MAX_AGE),
    },
  });
}

/** Lets the pages of `origin` read an answer; those of any other cannot, if it is `undefined`. */
export function addCorsHeaders(response: Response, origin: string | undefined): Response {
  if (origin === undefined) return response;
  const { headers } = response;
  headers.set("access-control-allow-origin", origin);
  headers.set("access-control-expose-headers", ANSWER_HEADERS);
  headers.append("vary", "origin");
  return response;
}
