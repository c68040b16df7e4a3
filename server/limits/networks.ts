import ipaddr from "ipaddr.js";
import { isLoopback } from "../../lib/net.ts";

/** Bits of an IPv6 address that belong to one subscriber: whoever has one address has 2^64 more. */
const IPV6_SUBSCRIBER_BITS = 64;

/**
 * What counts as one address where addresses are limited: the address itself, of IPv6 its /64
 * network. IPv4 in the clothes of IPv6 is IPv4.
 */
export function networkOf(address: string): string {
  // IPv4, which is most of them, and whatever has no number at all.
  if (!address.includes(":")) return address;
  const [bare = ""] = address.split("%");
  if (!ipaddr.IPv6.isValid(bare)) return address;
  const parsed = ipaddr.IPv6.parse(bare);
  if (parsed.isIPv4MappedAddress()) return parsed.toIPv4Address().toString();
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${bare}/${IPV6_SUBSCRIBER_BITS}`)}/64`;
}

/**
 * The network of an address as a person writes it, or of a network as `networkOf()` names it.
 * `undefined` for anything else, for broader networks among it.
 */
export function parseNetwork(text: string): string | undefined {
  const [, address = "", bits] = /^\[?([0-9a-f:.]{2,45})\]?(\/\d{1,3})?$/i.exec(text) ?? [];
  if (address.includes(":")) {
    if (!ipaddr.IPv6.isValid(address)) return undefined;
    const network = networkOf(address);
    // A single address, or the network that stands for it.
    return bits === undefined || bits === "/128" || network.endsWith(bits) ? network : undefined;
  }
  const single = bits === undefined || bits === "/32";
  return single && ipaddr.IPv4.isValidFourPartDecimal(address)
    ? ipaddr.IPv4.parse(address).toString()
    : undefined;
}

/** Whether a network that {@linkcode parseNetwork} gave is, or holds, this machine itself. */
export function isLoopbackNetwork(network: string): boolean {
  return isLoopback(network) || network === networkOf("::1");
}
