import { assert, assertEquals } from "@std/assert";
import { networkOf } from "../../../lib/net.ts";
import { TokenBuckets } from "../../../server/limits/token_bucket.ts";

Deno.test("`networkOf()` treats a /64 of IPv6 as one address", () => {
  assertEquals(networkOf("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  assertEquals(networkOf("2001:db8:1:2::1"), networkOf("2001:DB8:1:2:ffff::"));
  assert(networkOf("2001:db8:1:3::1") !== networkOf("2001:db8:1:2::1"));
  assertEquals(networkOf("::ffff:192.0.2.1"), "192.0.2.1");
  assertEquals(networkOf("192.0.2.1"), "192.0.2.1");
  assertEquals(networkOf("local"), "local");
});

Deno.test("`TokenBuckets` forgets full buckets only", () => {
  const buckets = new TokenBuckets(1, 10);
  for (let address = 0; address < 1000; address++) buckets.take(String(address), 0);
  for (let time = 0; time < 10; time++) buckets.take("busy", 0);
  assertEquals(buckets.size, 1001);
  buckets.sweep(1000);
  assertEquals(buckets.size, 1);
  assert(buckets.wait("busy", 1000) === 0 && buckets.take("busy", 1000) === 0);
  assertEquals(buckets.take("busy", 1000), 1);
  buckets.sweep(20_000);
  assertEquals(buckets.size, 0);
});

Deno.test("`TokenBuckets` remembers a limited number of addresses", () => {
  const buckets = new TokenBuckets(1, 10);
  for (let address = 0; address < 60_000; address++) buckets.take(String(address), 0);
  assertEquals(buckets.size, 50_000);
});
