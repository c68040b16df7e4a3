/** Longer origins are not repeated in the answer. */
const MAX_SHOWN = 100;

const REFUSED = "Pages of another site may not talk to this hub";

/** Request headers that a page may set beside those that every page may. */
const CORS_REQUEST_HEADERS =
  "authorization, bcast-session, content-type, idempotency-key, if-none-match, last-event-id";

/** Response headers that a page may read beside those that every page may. */
const CORS_RESPONSE_HEADERS = "etag, location, retry-after";

/** Seconds for which a browser may keep the answer to a preflight. */
const CORS_MAX_AGE = 600;

/** The parts of a request that name its target and the page that sent it. */
export interface OriginTarget {
  /** The `Origin` header; `undefined` when no page sent the request, as far as that shows. */
  readonly origin: string | undefined;
  /** The `Sec-Fetch-Site` header; `undefined` from old browsers and other programs. */
  readonly site: string | undefined;
  /** Whether this is for the page or its files, which any site may link to. */
  readonly linkable: boolean;
  /** The host and port that it was sent to, as the request or a trusted proxy says. */
  readonly host: string;
  /** `undefined` when a proxy may have changed it. */
  readonly protocol?: "http:" | "https:" | undefined;
}

/** The scheme, host and port of an origin, `null` or `*`; `undefined` when it is invalid. */
export function readOrigin(text: string): string | undefined {
  if (text === "null" || text === "*") return text;
  const url = URL.parse(text);
  if (url === null || url.host === "" || !/^[a-z][a-z0-9+.-]*:\/\/[^/?#]+\/?$/i.test(text)) {
    return undefined;
  }
  return `${url.protocol}//${url.host}`;
}

/**
 * Why a request is rejected: a page of another site must not use a visitor's browser to talk to a
 * hub that only the visitor can reach. `undefined` when the origin is fine.
 *
 * @param allowed origins as {@linkcode readOrigin} gives them, `null`, or `*` for all.
 */
export function originRefusal(
  target: OriginTarget,
  allowed: readonly string[],
): string | undefined {
  if (allowed.includes("*")) return undefined;
  const origin = target.origin === undefined ? undefined : readOrigin(target.origin) ?? "?";
  if (origin !== undefined && allowed.includes(origin)) return undefined;
  if (origin === undefined) {
    // Images, scripts, forms, links and prefetches send no origin: only Fetch Metadata shows that
    // another site caused them. Allowed pages use fetch() or EventSource, which send one.
    return target.linkable || !isForeign(target.site)
      ? undefined
      : `${REFUSED}, and this one does not say which it is: use fetch() from one that --origin names`;
  }
  if (isSame(origin, target) && (target.linkable || !isForeign(target.site))) return undefined;
  // Read as a URL, an origin has no characters that could harm a terminal.
  const named = origin === "?" || origin.length > MAX_SHOWN ? "--origin" : `--origin ${origin}`;
  return `${REFUSED}: start it with ${named} to allow them`;
}

/** The origin of the page that sent a request, if it is one of `allowed`: it may read the answer. */
export function corsOrigin({ headers }: Request, allowed: readonly string[]): string | undefined {
  const origin = readOrigin(headers.get("origin") ?? "");
  if (origin === undefined || origin === "*") return undefined;
  return allowed.includes(origin) || allowed.includes("*") ? origin : undefined;
}

/**
 * The answer to a preflight (Fetch standard, "CORS-preflight request"); `undefined` for any other
 * request. The caller has checked the origin.
 */
export function preflight({ method, headers }: Request): Response | undefined {
  if (method !== "OPTIONS" || !headers.has("access-control-request-method")) return undefined;
  return new Response(null, {
    status: 204,
    headers: {
      "access-control-allow-methods": "GET, HEAD, POST",
      "access-control-allow-headers": CORS_REQUEST_HEADERS,
      "access-control-max-age": String(CORS_MAX_AGE),
    },
  });
}

/** Lets pages of `origin` read a response; no other page can. */
export function addCorsHeaders(response: Response, origin: string | undefined): Response {
  if (origin === undefined) return response;
  const { headers } = response;
  headers.set("access-control-allow-origin", origin);
  headers.set("access-control-expose-headers", CORS_RESPONSE_HEADERS);
  headers.append("vary", "origin");
  return response;
}

/**
 * Whether a page of another origin caused a request (Fetch Metadata), even on another port of the
 * same host. `none` means that the user typed the address.
 */
function isForeign(site: string | undefined): boolean {
  return site === "cross-site" || site === "same-site";
}

function isSame(origin: string, { host, protocol }: OriginTarget): boolean {
  const page = URL.parse(origin);
  if (page === null) return false;
  // A proxy that terminates TLS need not say so: then the scheme of the page is believed.
  if (protocol !== undefined && page.protocol !== protocol) return false;
  return page.host !== "" && URL.parse(`${page.protocol}//${host}`)?.host === page.host;
}
