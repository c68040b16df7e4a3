import ipaddr from "ipaddr.js";

type IpAddress = ipaddr.IPv4 | ipaddr.IPv6;

/** Hops that are followed back: more than any real chain of proxies has. */
const MAX_HOPS = 32;

/** Networks of proxies whose word about where a request comes from is taken. */
export class TrustedProxies {
  readonly #networks: readonly [IpAddress, number][];

  /** @param networks as {@linkcode isNetwork} accepts them. */
  constructor(networks: readonly string[]) {
    this.#networks = networks.map(parseNetwork).filter((network) => network !== undefined);
  }

  /** Whether `address` is a trusted proxy's. */
  trusts(address: string): boolean {
    const parsed = parseAddress(address);
    return parsed !== undefined && this.#holds(parsed);
  }

  /**
   * Where a request comes from that `peer` has sent: as long as the hop that speaks is trusted, the
   * hop that it names, from the last one back. What is left of the first stranger can be forged.
   *
   * A trusted hop that says nothing readable is where the request comes from as far as is known.
   */
  clientAddress(peer: string, headers: Headers): string {
    let hop = parseAddress(peer);
    if (hop === undefined || !this.#holds(hop)) return peer;
    for (const text of forwardedFor(headers).slice(0, MAX_HOPS)) {
      const next = parseAddress(text);
      if (next === undefined) return peer;
      hop = next;
      if (!this.#holds(hop)) break;
    }
    return hop.toString();
  }

  #holds(address: IpAddress): boolean {
    return this.#networks.some(([network, bits]) =>
      network.kind() === address.kind() && address.match(network, bits)
    );
  }
}

/** Whether `text` is an address or a network in CIDR notation: `10.0.0.0/8`, `::1`. */
export function isNetwork(text: string): boolean {
  return parseNetwork(text) !== undefined;
}

/** What each hop said of the one before it, the nearest hop first. */
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

/** An address as proxies write it: perhaps with a port, IPv6 then in brackets. */
function parseAddress(text: string): IpAddress | undefined {
  const [, bracketed] = /^\[([0-9a-f:.]+)\](?::\d{1,5})?$/i.exec(text) ?? [];
  const [, dotted] = /^([\d.]+)(?::\d{1,5})?$/.exec(text) ?? [];
  // Not what the library makes of "010.1" or "1": proxies write four numbers, and so do attackers.
  if (dotted !== undefined) {
    return ipaddr.IPv4.isValidFourPartDecimal(dotted) ? ipaddr.IPv4.parse(dotted) : undefined;
  }
  const [v6 = ""] = (bracketed ?? text).split("%");
  if (!ipaddr.IPv6.isValid(v6)) return undefined;
  const parsed = ipaddr.IPv6.parse(v6);
  return parsed.isIPv4MappedAddress() ? parsed.toIPv4Address() : parsed;
}
