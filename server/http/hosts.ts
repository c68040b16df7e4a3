import { X509Certificate } from "node:crypto";
import { isAddress } from "./authority.ts";

/** What decides by which names a hub may be called. */
export interface HostNames {
  /** Those that the operator allows, as {@linkcode readHostPattern} gives them. */
  readonly allowed: readonly string[];
  /** Those that are the machine's own. */
  readonly own: readonly string[];
  /** Origins whose pages may talk to the hub: their names may lead to it, too. */
  readonly origins: readonly string[];
}

/**
 * The names by which a hub may be called. Any site can give a name of its own this machine's address
 * and is then, to the browser, the same site as the hub (DNS rebinding): so the hub answers to no
 * name that it does not know. An address is not looked up, and cannot be rebound.
 */
export class HostList {
  readonly #patterns: ReadonlySet<string>;
  /** Whether the operator names hosts: then only those come through proxies, too. */
  readonly explicit: boolean;

  constructor({ allowed, own, origins }: HostNames) {
    const hosts = origins.map((origin) =>
      origin === "*" ? origin : URL.parse(origin)?.hostname ?? ""
    );
    this.#patterns = new Set([...own, ...allowed, ...hosts].map((name) => name.toLowerCase()));
    this.explicit = allowed.length > 0;
  }

  /** Whether the hub answers to `name`, as `Authority` has it. */
  allows(name: string): boolean {
    if (isAddress(name) || name === "localhost" || name.endsWith(".localhost")) return true;
    const [first = ""] = name.split(".");
    return this.#patterns.has(name) || this.#patterns.has("*") ||
      this.#patterns.has(`*${name.slice(first.length)}`);
  }
}

/**
 * A host name, `*.` with a domain for each name directly below it, or `*` for all; `undefined` when
 * it is none.
 */
export function readHostPattern(text: string): string | undefined {
  if (text === "*") return text;
  const wildcard = text.startsWith("*.") ? "*." : "";
  const name = text.slice(wildcard.length);
  if (!/^[\p{L}\p{M}\p{N}._-]+$/u.test(name)) return undefined;
  const hostname = URL.parse(`http://${name}`)?.hostname.replace(/\.$/, "") ?? "";
  return hostname === "" ? undefined : wildcard + hostname;
}

/** The names by which other machines of the network know this one; none where that is not known. */
export function machineNames(): readonly string[] {
  // Asking without permission would stop and ask a person.
  const { state } = Deno.permissions.querySync({ name: "sys", kind: "hostname" });
  const full = state === "granted" ? readHostPattern(Deno.hostname()) : undefined;
  if (full === undefined || full === "*") return [];
  const [short = full] = full.split(".");
  // Multicast DNS (RFC 6762) knows it by its first part.
  return [...new Set([full, short, `${short}.local`])];
}

/** The host names that a certificate in PEM form is for, with the wildcards in them. */
export function certificateNames(pem: string): readonly string[] {
  const listed = new X509Certificate(pem).subjectAltName ?? "";
  return [...listed.matchAll(/(?:^|, )DNS:([^,"]+)/g)]
    .map(([, name = ""]) => readHostPattern(name))
    .filter((name) => name !== undefined);
}
