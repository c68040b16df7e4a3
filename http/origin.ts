/** Characters of an origin that are worth repeating to who sent it. */
const MAX_SHOWN = 100;

/** Whose pages may talk to the hub. */
export interface OriginRules {
  /** Origins as {@linkcode readOrigin} gives them, `null`, or `*` for all. */
  readonly origins: readonly string[];
  /** Whether the hub is bound to this machine alone. */
  readonly local: boolean;
}

/** What a request says of where it was sent, and by whose page. */
export interface Target {
  /** The `Origin` header; `undefined`: not from a page of a browser, as far as that shows. */
  readonly origin: string | undefined;
  /** The host and port that it was sent to, as it or a trusted proxy says. */
  readonly host: string;
  /** `http:` or `https:` where that is certain. */
  readonly protocol?: "http:" | "https:";
  /** Whether a trusted proxy passed it on. */
  readonly proxied: boolean;
  /** Whether it asks for a WebSocket, where browsers always name the origin. */
  readonly upgrade: boolean;
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
 */
export function originRefusal(target: Target, rules: OriginRules): string | undefined {
  if (rules.origins.includes("*")) return undefined;
  const origin = target.origin === undefined ? undefined : readOrigin(target.origin) ?? "?";
  if (origin !== undefined && rules.origins.includes(origin)) return undefined;
  if (isRebound(target, rules)) {
    return "This hub is for its own machine, and you named another host: ask for localhost, or " +
      "start it with --origin, or --trust-proxy";
  }
  if (origin === undefined || isSame(origin, target)) return undefined;
  // Read as a URL it holds nothing but what may stand in one.
  const named = origin === "?" || origin.length > MAX_SHOWN ? "--origin" : `--origin ${origin}`;
  return `Pages of another site may not talk to this hub: start it with ${named} to allow them`;
}

/**
 * Whether a name that is not this machine's leads here. Any site can give its own name the address
 * 127.0.0.1 and is then the same origin as the hub there (DNS rebinding).
 */
function isRebound({ host, origin, upgrade, proxied }: Target, rules: OriginRules): boolean {
  if (!rules.local || proxied) return false;
  // No browser's: whatever name it uses is its own business, and so it is to use none.
  if (origin === undefined && (upgrade || host === "")) return false;
  const name = URL.parse(`http://${host}`)?.hostname ?? "";
  if (isLocalName(name)) return false;
  return !rules.origins.some((allowed) => URL.parse(allowed)?.hostname === name);
}

/** Whether `name`, as URLs have it, can only mean the machine itself. */
function isLocalName(name: string): boolean {
  return name === "localhost" || name.endsWith(".localhost") || name === "[::1]" ||
    /^127\.\d+\.\d+\.\d+$/.test(name);
}

function isSame(origin: string, { host, protocol }: Target): boolean {
  const page = URL.parse(origin);
  if (page === null) return false;
  // A proxy that takes care of TLS need not say so: then the page's own scheme is believed.
  if (protocol !== undefined && page.protocol !== protocol) return false;
  return page.host !== "" && URL.parse(`${page.protocol}//${host}`)?.host === page.host;
}
