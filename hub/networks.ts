import ipaddr from "ipaddr.js";

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
