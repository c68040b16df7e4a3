/** Characters of an origin that are worth repeating to who sent it. */
const MAX_SHOWN = 100;

const REFUSED = "Pages of another site may not talk to this hub";

/** What a request says of where it was sent, and by whose page. */
export interface OriginTarget {
  /** The `Origin` header; `undefined`: not from a page of a browser, as far as that shows. */
  readonly origin: string | undefined;
  /** The `Sec-Fetch-Site` header; `undefined` from anything but a browser, and from old ones. */
  readonly site: string | undefined;
  /** Whether this is for the page or its files, which any site may link to. */
  readonly linkable: boolean;
  /** The host and port that it was sent to, as it or a trusted proxy says. */
  readonly host: string;
  /** `http:` or `https:` where that is certain. */
  readonly protocol?: "http:" | "https:";
}

/** The scheme, host and port of an origin, `null`, or `undefined` when it is none. */
export function readOrigin(text: string): string | undefined {
  if (text === "null" || text === "*") return text;
  const url = URL.parse(text);
  if (url === null || url.host === "" || !/^[a-z][a-z0-9+.-]*:\/\/[^/?#]+\/?$/i.test(text)) {
    return undefined;
  }
  return `${url.protocol}//${url.host}`;
}

/**
 * Why a request is not answered: a page of another site must not talk to a hub through the browser
 * of somebody who can reach it. `undefined` when there is nothing against it.
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
    // Images, scripts, forms, links and prefetches name no origin: only the browser itself says
    // that they are not the hub's. A page that is allowed uses fetch() or EventSource, which do.
    return target.linkable || !isForeign(target.site)
      ? undefined
      : `${REFUSED}, and this one does not say which it is: use fetch() from one that --origin names`;
  }
  if (isSame(origin, target) && (target.linkable || !isForeign(target.site))) return undefined;
  // Read as a URL it holds nothing but what may stand in one.
  const named = origin === "?" || origin.length > MAX_SHOWN ? "--origin" : `--origin ${origin}`;
  return `${REFUSED}: start it with ${named} to allow them`;
}

/**
 * Whether the browser says that a page of another origin caused a request (Fetch Metadata). A page
 * at another port of the same host is another, too. `none` is the user, who typed the address.
 */
function isForeign(site: string | undefined): boolean {
  return site === "cross-site" || site === "same-site";
}

function isSame(origin: string, { host, protocol }: OriginTarget): boolean {
  const page = URL.parse(origin);
  if (page === null) return false;
  // A proxy that takes care of TLS need not say so: then the page's own scheme is believed.
  if (protocol !== undefined && page.protocol !== protocol) return false;
  return page.host !== "" && URL.parse(`${page.protocol}//${host}`)?.host === page.host;
}
