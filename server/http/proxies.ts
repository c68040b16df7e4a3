import ipaddr from "ipaddr.js";

type IpAddress = ipaddr.IPv4 | ipaddr.IPv6;

/** Hops that are followed back: more than any real chain of proxies has. */
const MAX_HOPS = 32;

/** Networks of proxies that are believed about where a request comes from. */
export class TrustedProxies {
  readonly #networks: readonly [IpAddress, number][];

  /** @param networks as {@linkcode isNetwork} accepts them. */
  constructor(networks: readonly string[]) {
    this.#networks = networks.map(parseNetwork).filter((network) => network !== undefined);
  }

  /** Whether `address` belongs to a trusted proxy. */
  trusts(address: string): boolean {
    const parsed = parseAddress(address);
    return parsed !== undefined && this.#contains(parsed);
  }

  /**
   * The address that a request from `peer` comes from. Follows the hops back from the last one, up
   * to the first that is not trusted: anything before that hop can be forged.
   *
   * If a trusted proxy names no readable address, the request counts as the peer's.
   */
  clientAddress(peer: string, headers: Headers): string {
    let hop = parseAddress(peer);
    if (hop === undefined || !this.#contains(hop)) return peer;
    for (const text of forwardedFor(headers).slice(0, MAX_HOPS)) {
      const next = parseAddress(text);
      if (next === undefined) return peer;
      hop = next;
      if (!this.#contains(hop)) break;
    }
    return hop.toString();
  }

  #contains(address: IpAddress): boolean {
    return this.#networks.some(([network, bits]) =>
      network.kind() === address.kind() && address.match(network, bits)
    );
  }
}

/** Whether `text` is an address or a network in CIDR notation: `10.0.0.0/8`, `::1`. */
export function isNetwork(text: string): boolean {
  return parseNetwork(text) !== undefined;
}

/** Whether a request has a header by which the guard believes trusted proxies. */
export function isForwarded(headers: Headers): boolean {
  return ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "forwarded"]
    .some((name) => headers.has(name));
}

/** Whether a request has a header that any proxy may set. */
export function isProxied(headers: Headers): boolean {
  return isForwarded(headers) || headers.has("x-real-ip") || headers.has("via");
}

/** The addresses that each proxy has received the request from, the nearest one first. */
function forwardedFor(headers: Headers): readonly string[] {
  const listed = headers.get("x-forwarded-for");
  if (listed !== null) return listed.split(",").map((hop) => hop.trim()).reverse();
  // RFC 7239: for=192.0.2.60;proto=http;by=203.0.113.43, for="[2001:db8::17]:4711"
  const elements = headers.get("forwarded")?.split(",") ?? [];
  return elements.map((element) => /(?:^|;)\s*for="?([^";]*)"?/i.exec(element)?.[1] ?? "")
    .reverse();
}

function parseNetwork(text: string): [IpAddress, number] | undefined {
  const [address = "", bits, ...rest] = text.split("/");
  const parsed = parseAddress(address);
  if (parsed === undefined || rest.length > 0) return undefined;
  const most = parsed.kind() === "ipv4" ? 32 : 128;
  if (bits === undefined) return [parsed, most];
  const length = /^\d{1,3}$/.test(bits) ? Number(bits) : Infinity;
  return length <= most ? [parsed, length] : undefined;
}

/** Reads an address as proxies write it: with or without a port, which needs brackets around IPv6. */
function parseAddress(text: string): IpAddress | undefined {
  const [, bracketed] = /^\[([0-9a-f:.]+)\](?::\d{1,5})?$/i.exec(text) ?? [];
  const [, dotted] = /^([\d.]+)(?::\d{1,5})?$/.exec(text) ?? [];
  // The library also reads "010.1" and "1"; proxies write four numbers, and attackers do not.
  if (dotted !== undefined) {
    return ipaddr.IPv4.isValidFourPartDecimal(dotted) ? ipaddr.IPv4.parse(dotted) : undefined;
  }
  const [v6 = ""] = (bracketed ?? text).split("%");
  if (!ipaddr.IPv6.isValid(v6)) return undefined;
  const parsed = ipaddr.IPv6.parse(v6);
  return parsed.isIPv4MappedAddress() ? parsed.toIPv4Address() : parsed;
}
