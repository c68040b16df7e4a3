import { X509Certificate } from "node:crypto";

/** The host and port that a request was sent to. */
export interface Authority {
  /** Lower case, in Punycode, IPv6 in brackets, without a trailing dot. */
  readonly name: string;
  /** `undefined` for the default port of the scheme. */
  readonly port: number | undefined;
  /** Both, as in the origin of a page. */
  readonly host: string;
}

/**
 * `uri-host [":" port]` (RFC 9110 section 7.2), without what no real name contains: a user, a zone,
 * escaped characters, and characters with a meaning in a shell, as operators get to see names.
 */
const AUTHORITY = /^(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{0,5}))?$/i;

/** Reads a `Host` header, or an `:authority`; `undefined` when it is invalid. */
export function readAuthority(text: string): Authority | undefined {
  const match = AUTHORITY.exec(text);
  const url = match === null ? null : URL.parse(`http://${text}`);
  const name = url?.hostname.replace(/\.$/, "") ?? "";
  if (url === null || name === "") return undefined;
  const port = match?.[1] ?? "";
  return { name, port: port === "" ? undefined : Number(port), host: url.host };
}

/**
 * The host that a request was sent to; `undefined` when it is invalid or contradictory.
 *
 * HTTP/2 has an `:authority` and need not have a `Host` (RFC 9113 section 8.3.1). The runtime puts
 * either into the URL, or its own address when there is neither.
 */
export function requestAuthority({ url, headers }: Request): Authority | undefined {
  const authority = readAuthority(/^https?:\/\/([^/?#]*)/i.exec(url)?.[1] ?? "");
  const header = headers.get("host");
  if (header === null || header === "") return authority;
  return readAuthority(header)?.host === authority?.host ? authority : undefined;
}

/** Which host names lead to a hub. */
export interface HostNames {
  /** The operator's, as {@linkcode readHostPattern} gives them. */
  readonly allowed: readonly string[];
  /** The machine's own. */
  readonly own: readonly string[];
  /** Origins whose pages may talk to the hub: their names may lead to it, too. */
  readonly origins: readonly string[];
}

/**
 * The names that a hub answers to. Any site can point a name of its own at this machine's address;
 * to the browser, that site and the hub are then the same (DNS rebinding). So the hub rejects names
 * it does not know. An address is not looked up, and cannot be rebound.
 */
export class HostList {
  readonly #patterns: ReadonlySet<string>;
  /** Whether the operator names hosts: then these apply behind proxies, too. */
  readonly explicit: boolean;

  constructor({ allowed, own, origins }: HostNames) {
    const hosts = origins.map((origin) =>
      origin === "*" ? origin : URL.parse(origin)?.hostname ?? ""
    );
    this.#patterns = new Set([...own, ...allowed, ...hosts].map((name) => name.toLowerCase()));
    this.explicit = allowed.length > 0;
  }

  /** Whether the hub answers to `name`, as in {@linkcode Authority}. */
  allows(name: string): boolean {
    if (isAddress(name) || name === "localhost" || name.endsWith(".localhost")) return true;
    const [first = ""] = name.split(".");
    return this.#patterns.has(name) || this.#patterns.has("*") ||
      this.#patterns.has(`*${name.slice(first.length)}`);
  }
}

function isAddress(name: string): boolean {
  return name.startsWith("[") || /^\d+\.\d+\.\d+\.\d+$/.test(name);
}

/**
 * Reads a host name, `*.` with a domain for each name directly below it, or `*` for all;
 * `undefined` when it is invalid.
 */
export function readHostPattern(text: string): string | undefined {
  if (text === "*") return text;
  const wildcard = text.startsWith("*.") ? "*." : "";
  const name = text.slice(wildcard.length);
  if (!/^[\p{L}\p{M}\p{N}._-]+$/u.test(name)) return undefined;
  const hostname = URL.parse(`http://${name}`)?.hostname.replace(/\.$/, "") ?? "";
  return hostname === "" ? undefined : wildcard + hostname;
}

/** The names under which other machines of the network know this one; empty when unknown. */
export function machineNames(): readonly string[] {
  // Reading the name without the permission would prompt the user.
  const { state } = Deno.permissions.querySync({ name: "sys", kind: "hostname" });
  const full = state === "granted" ? readHostPattern(Deno.hostname()) : undefined;
  if (full === undefined || full === "*") return [];
  const [short = full] = full.split(".");
  // Multicast DNS (RFC 6762) uses the first part.
  return [...new Set([full, short, `${short}.local`])];
}

/** The host names in a certificate in PEM form, wildcards included. */
export function certificateNames(pem: string): readonly string[] {
  const listed = new X509Certificate(pem).subjectAltName ?? "";
  return [...listed.matchAll(/(?:^|, )DNS:([^,"]+)/g)]
    .map(([, name = ""]) => readHostPattern(name))
    .filter((name) => name !== undefined);
}
