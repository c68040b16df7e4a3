import { assert, assertEquals } from "@std/assert";
import { isLoopback, networkOf } from "../../lib/net.ts";

Deno.test("`isLoopback()` recognizes this machine by name, by address and behind IPv6", () => {
  const own = ["localhost", "127.0.0.1", "127.0.0.2", "::1", "[::1]", "::ffff:127.0.0.1"];
  const others = ["10.0.0.1", "::", "0.0.0.0", "::2", "::ffff:10.0.0.1", "localhost.example", ""];
  assertEquals(own.filter((host) => !isLoopback(host)), []);
  assertEquals(others.filter(isLoopback), []);
});

Deno.test("`networkOf()` treats a /64 of IPv6 as one address", () => {
  assertEquals(networkOf("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  assertEquals(networkOf("2001:db8:1:2::1"), networkOf("2001:DB8:1:2:ffff::"));
  assert(networkOf("2001:db8:1:3::1") !== networkOf("2001:db8:1:2::1"));
  assertEquals(networkOf("::ffff:192.0.2.1"), "192.0.2.1");
  assertEquals(networkOf("192.0.2.1"), "192.0.2.1");
  assertEquals(networkOf("local"), "local");
});
