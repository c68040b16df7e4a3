import { DEFAULT_PORT, visible } from "../protocol.ts";

/** The address of a hub, as a user writes it. */
export interface HubAddress {
  /** `HOST`, `HOST:PORT`, or a `ws://`, `wss://`, `http://` or `https://` URL. */
  readonly url?: string;
  /** Default `localhost`; accepts the same forms as `url`. */
  readonly host?: string;
  /** Default: 8765 for a bare host, else that of the scheme. */
  readonly port?: number;
  /** Whether to use TLS for an address without a scheme. */
  readonly tls?: boolean;
}

const SCHEMES: Readonly<Record<string, "ws:" | "wss:">> = {
  "ws:": "ws:",
  "wss:": "wss:",
  "http:": "ws:",
  "https:": "wss:",
};

const WITH_SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;
const WITH_PORT = /^(?:[a-z][a-z0-9+.-]*:\/\/)?[^/?#]*:\d+(?:[/?#]|$)/i;
/** Digits alone, which URLs parse as an IPv4 address: 22001 becomes 0.0.85.241. */
const NUMBER = /^:?(?:\d+|0x[0-9a-f]+)$/i;
const BARE_IPV6 = /^[0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*$/i;

/**
 * The WebSocket URL of a hub.
 *
 * A bare host gets port 8765, a URL its scheme's default (`ws://host` is port 80). `url` overrides
 * `host`; `port` and `tls` apply where those say nothing.
 *
 * @throws {TypeError} with one line for the user when the address is invalid.
 */
export function hubUrl({ url, host, port, tls = false }: HubAddress = {}): URL {
  const given = (url ?? host ?? "localhost").trim();
  if (NUMBER.test(given)) {
    throw new TypeError(
      `Cannot connect to ${quoted(given)}: for a port, write localhost:PORT or --port PORT`,
    );
  }
  const hasScheme = WITH_SCHEME.test(given);
  const address = BARE_IPV6.test(given) ? `[${given}]` : given;
  const parsed = parse(hasScheme ? address : `${tls ? "wss" : "ws"}://${address}`, given);
  const scheme = SCHEMES[parsed.protocol];
  if (scheme === undefined || parsed.hostname === "") throw nonsense(given);
  if (tls && scheme === "ws:") {
    throw new TypeError(`Cannot use TLS with ${quoted(given)}: write wss:// or leave TLS off`);
  }
  if (parsed.protocol !== scheme) parsed.protocol = scheme;
  // WebSocket URLs have no fragment (RFC 6455 section 3).
  parsed.hash = "";
  if (!portIn(address)) {
    const chosen = port ?? (hasScheme ? undefined : DEFAULT_PORT);
    if (chosen !== undefined) parsed.port = String(checkedPort(chosen));
  }
  return parsed;
}

/** Whether an address, as a user writes it, has a port. */
export function portIn(address: string): boolean {
  return WITH_PORT.test(BARE_IPV6.test(address) ? `[${address}]` : address);
}

/** `url` for display: without secrets (user, query) and without an empty path. */
export function shownUrl(url: URL): string {
  return visible(`${url.protocol}//${url.host}${url.pathname === "/" ? "" : url.pathname}`);
}

function parse(address: string, given: string): URL {
  if (address.includes("\\") || /\s/.test(address)) throw nonsense(given);
  const parsed = URL.parse(address);
  if (parsed === null || parsed.port === "0") throw nonsense(given);
  return parsed;
}

function checkedPort(port: number): number {
  if (Number.isSafeInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new TypeError(`Cannot use port ${port}: use 1 to 65535`);
}

function nonsense(given: string): TypeError {
  return new TypeError(
    `Cannot connect to ${quoted(given)}: use HOST, HOST:PORT, ws://HOST:PORT or wss://HOST:PORT`,
  );
}

/** Drops the query, which may hold a token. */
function quoted(given: string): string {
  const text = given.replace(/[?#].*$/s, "");
  return `"${visible(text.length > 100 ? text.slice(0, 100) + "…" : text)}"`;
}
