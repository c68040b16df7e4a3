/** The host and port that a request was sent to. */
export interface Authority {
  /** Lower case, in Punycode, IPv6 in brackets, without a dot at its end. */
  readonly name: string;
  /** `undefined`: that of the scheme. */
  readonly port: number | undefined;
  /** Both, as the origin of a page would have them. */
  readonly host: string;
}

/**
 * `uri-host [":" port]` (RFC 9110 section 7.2), without what is in no real name: a user, a zone,
 * escaped characters, and those that mean something to a shell, as names are shown to operators.
 */
const FORM = /^(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{0,5}))?$/i;

/** Reads a `Host` header, or an `:authority`; `undefined` when it is none. */
export function readAuthority(text: string): Authority | undefined {
  const form = FORM.exec(text);
  const url = form === null ? null : URL.parse(`http://${text}`);
  const name = url?.hostname.replace(/\.$/, "") ?? "";
  if (url === null || name === "") return undefined;
  const port = form?.[1] ?? "";
  return { name, port: port === "" ? undefined : Number(port), host: url.host };
}

/**
 * The host that a request was sent to. HTTP/2 has an `:authority` and need not have a `Host`
 * (RFC 9113 section 8.3.1); the runtime puts either into the URL, and its own address where there is
 * none at all.
 *
 * `undefined` when it cannot be read, or when the two contradict each other.
 */
export function sentTo({ url, headers }: Request): Authority | undefined {
  const authority = readAuthority(/^https?:\/\/([^/?#]*)/i.exec(url)?.[1] ?? "");
  const header = headers.get("host");
  if (header === null || header === "") return authority;
  return readAuthority(header)?.host === authority?.host ? authority : undefined;
}

/** Whether a name, as {@linkcode Authority} has it, is an IP address: no DNS says where it leads. */
export function isAddress(name: string): boolean {
  return name.startsWith("[") || /^\d+\.\d+\.\d+\.\d+$/.test(name);
}
