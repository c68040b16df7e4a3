import ipaddr from "ipaddr.js";

/** Whether `host`, a name or an address, is this machine itself. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" || host.startsWith("127.") ||
    host.startsWith("::ffff:127.");
}

/** Whether `host` is the unspecified address: a server at it listens on all addresses. */
export function isUnspecified(host: string): boolean {
  return host === "0.0.0.0" || host === "::" || host === "[::]";
}

/** IPv6 subscribers get whole /64 networks, so limits count those. */
const IPV6_SUBSCRIBER_BITS = 64;

/**
 * The key under which limits count an address: an IPv4 address itself, the /64 network of an IPv6
 * address. IPv4-mapped IPv6 addresses count as IPv4.
 */
export function networkOf(address: string): string {
  // IPv4, or not an IP address at all.
  if (!address.includes(":")) return address;
  const [bare = ""] = address.split("%");
  if (!ipaddr.IPv6.isValid(bare)) return address;
  const parsed = ipaddr.IPv6.parse(bare);
  if (parsed.isIPv4MappedAddress()) return parsed.toIPv4Address().toString();
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${bare}/${IPV6_SUBSCRIBER_BITS}`)}/64`;
}

/**
 * Parses an address, or a network in the form of {@linkcode networkOf}. `undefined` for anything
 * else, including broader networks.
 */
export function parseNetwork(text: string): string | undefined {
  const [, address = "", bits] = /^\[?([0-9a-f:.]{2,45})\]?(\/\d{1,3})?$/i.exec(text) ?? [];
  if (address.includes(":")) {
    if (!ipaddr.IPv6.isValid(address)) return undefined;
    const network = networkOf(address);
    // A single address, or its /64 network.
    return bits === undefined || bits === "/128" || network.endsWith(bits) ? network : undefined;
  }
  const single = bits === undefined || bits === "/32";
  return single && ipaddr.IPv4.isValidFourPartDecimal(address)
    ? ipaddr.IPv4.parse(address).toString()
    : undefined;
}

/** Whether a network from {@linkcode parseNetwork} is or contains this machine. */
export function isLoopbackNetwork(network: string): boolean {
  return isLoopback(network) || network === networkOf("::1");
}
