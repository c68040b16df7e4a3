import { type AssetEntry, type AssetList, type Coding, LIST, PAGE } from "./asset_list.ts";

const DIST = new URL("../../web/dist/", import.meta.url);

/**
 * Content Security Policy (level 3): nothing inline runs, nothing comes from elsewhere. `'self'`
 * includes WebSockets of the same host and port.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  // The page draws the icon with the number of unread messages.
  "img-src 'self' data:",
  "connect-src 'self'",
  "manifest-src 'self'",
  "worker-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  // Strings never become script; the page creates its only dynamic script URL with this policy.
  "require-trusted-types-for 'script'",
  "trusted-types bcast",
].join("; ");

const HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": POLICY,
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
};

/** One year: a file with its hash in its name never changes. */
const CACHE_FOREVER = "public, max-age=31536000, immutable";

/** Revalidates every time; an unchanged file costs only a 304. */
const REVALIDATE = "no-cache";

/** A file with its bytes in each coding. */
interface Asset {
  readonly entry: AssetEntry;
  readonly bodies: ReadonlyMap<Coding | "identity", Uint8Array<ArrayBuffer>>;
}

/** The files of the web page, from `web/dist` or from the executable. */
export class Assets {
  #files: ReadonlyMap<string, Asset> | undefined;

  /** @param folder the output of the build. */
  constructor(private readonly folder: URL = DIST) {}

  /**
   * Answers a request for a file of the page; `undefined` when there is no such file. The page
   * itself is only for clients that accept HTML.
   */
  answer(request: Request, pathname: string): Response | undefined {
    if (request.method !== "GET" && request.method !== "HEAD") return undefined;
    if (pathname === "/") return acceptsHtml(request) ? this.#page(request) : undefined;
    const asset = this.#load().get(pathname.slice(1));
    return asset === undefined || pathname.slice(1) === PAGE ? undefined : serve(request, asset);
  }

  #page(request: Request): Response {
    const page = this.#load().get(PAGE);
    if (page !== undefined) return serve(request, page);
    const text = 'The hub is running, but its web page is not built: run "deno task web"\n';
    return new Response(request.method === "HEAD" ? null : text, {
      status: 503,
      headers: { ...HEADERS, "content-type": "text/plain; charset=utf-8" },
    });
  }

  /** Reads the files at the first request: a hub without web clients never loads them. */
  #load(): ReadonlyMap<string, Asset> {
    if (this.#files !== undefined && this.#files.size > 0) return this.#files;
    return this.#files = readAll(this.folder);
  }
}

function readAll(folder: URL): ReadonlyMap<string, Asset> {
  let list: AssetList;
  try {
    list = JSON.parse(Deno.readTextFileSync(new URL(LIST, folder)));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return new Map();
    throw error;
  }
  return new Map(list.files.map((entry) => [entry.path, read(folder, entry)]));
}

function read(folder: URL, entry: AssetEntry): Asset {
  const bodies = new Map<Coding | "identity", Uint8Array<ArrayBuffer>>();
  for (const coding of ["identity", ...entry.codings] as const) {
    const name = coding === "identity" ? entry.path : `${entry.path}.${coding}`;
    bodies.set(coding, Deno.readFileSync(new URL(name, folder)));
  }
  return { entry, bodies };
}

function serve(request: Request, { entry, bodies }: Asset): Response {
  const coding = entry.codings.find((each) => acceptsCoding(request, each)) ?? "identity";
  const body = bodies.get(coding) ?? new Uint8Array();
  // One per coding: a cache sees different bytes (RFC 9110 section 8.8.3.3).
  const etag = `"${entry.hash.slice(0, 24)}-${coding}"`;
  const headers = new Headers({
    ...HEADERS,
    "content-type": entry.type,
    "cache-control": entry.immutable ? CACHE_FOREVER : REVALIDATE,
    etag,
    vary: entry.path === PAGE ? "accept, accept-encoding" : "accept-encoding",
  });
  if (matches(request, etag)) return new Response(null, { status: 304, headers });
  if (coding !== "identity") headers.set("content-encoding", coding);
  headers.set("content-length", String(body.length));
  return new Response(request.method === "HEAD" ? null : body, { headers });
}

function acceptsHtml({ headers }: Request): boolean {
  return /\btext\/html\b/i.test(headers.get("accept") ?? "");
}

/** Whether `coding` is listed with a weight above zero (RFC 9110 section 12.5.3). */
function acceptsCoding({ headers }: Request, coding: Coding): boolean {
  return (headers.get("accept-encoding") ?? "").split(",").some((part) => {
    const [name = "", ...parameters] = part.split(";").map((each) => each.trim().toLowerCase());
    return name === coding && !parameters.some((each) => /^q=0(?:\.0*)?$/.test(each));
  });
}

function matches({ headers }: Request, etag: string): boolean {
  const known = headers.get("if-none-match")?.split(",").map((each) => each.trim()) ?? [];
  return known.some((each) => each === etag || each === `W/${etag}` || each === "*");
}
