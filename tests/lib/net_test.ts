import { assertEquals } from "@std/assert";
import { isLoopback } from "../../lib/net.ts";

Deno.test("`isLoopback()` recognizes this machine by name, by address and behind IPv6", () => {
  const own = ["localhost", "127.0.0.1", "127.0.0.2", "::1", "[::1]", "::ffff:127.0.0.1"];
  const others = ["10.0.0.1", "::", "0.0.0.0", "::2", "::ffff:10.0.0.1", "localhost.example", ""];
  assertEquals(own.filter((host) => !isLoopback(host)), []);
  assertEquals(others.filter(isLoopback), []);
});
