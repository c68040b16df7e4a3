import { assert, assertEquals } from "@std/assert";
import { TokenBuckets } from "../../../server/limits/token_bucket.ts";

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
