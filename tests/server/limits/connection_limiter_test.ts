import { assert, assertEquals, assertMatch } from "@std/assert";
import { type Authorizer, OPEN_GRANT } from "../../../auth/authorizer.ts";
import { DEFAULT_SERVER_LIMITS } from "../../../server/limits/server_limits.ts";
import { Rejection } from "../../../server/limits/rejection.ts";
import { startMemoryHub } from "../../kit/memory_hub.ts";

const STRANGER = "192.0.2.1";

const authorizer: Authorizer = {
  required: true,
  authorize(token) {
    if (token === undefined) return { ok: false, failure: "missing", reason: "No token" };
    if (token === "wrong") return { ok: false, failure: "wrong", reason: "Wrong token" };
    return { ok: true, grant: { ...OPEN_GRANT, name: token } };
  },
};

Deno.test("`add()` and `remove()` count by network, and `empty()` resolves for each transport", async () => {
  await using world = await startMemoryHub();
  const { limiter } = world.hub;
  limiter.add({ address: "2001:db8::1", kind: "tcp" });
  limiter.add({ address: "2001:db8::ffff", kind: "websocket" });
  limiter.add({ address: "::ffff:192.0.2.1", kind: "websocket" });
  assertEquals(limiter.count, 3);
  assertEquals(limiter.countFrom("2001:db8::2"), 2);
  assertEquals(limiter.countFrom("2001:db8:1::2"), 0);
  assertEquals(limiter.countFrom("192.0.2.1"), 1);
  const resolved: string[] = [];
  const all = limiter.empty().then(() => resolved.push("all"));
  const sockets = limiter.empty(["websocket"]).then(() => resolved.push("websocket"));
  limiter.remove({ address: "2001:db8::ffff", kind: "websocket" });
  limiter.remove({ address: "192.0.2.1", kind: "websocket" });
  await sockets;
  assertEquals(resolved, ["websocket"]);
  limiter.remove({ address: "2001:db8::1", kind: "tcp" });
  await all;
  await limiter.empty();
  assertEquals([limiter.count, limiter.countFrom("2001:db8::1")], [0, 0]);
});

Deno.test("`checkCapacity()` rejects beyond the total with 503, beyond the address's limit with 429", async () => {
  const limits = { ...DEFAULT_SERVER_LIMITS, maxConnections: 3, maxPerAddress: 1 };
  await using world = await startMemoryHub({ limits });
  const { limiter } = world.hub;
  limiter.add({ address: STRANGER, kind: "sse" });
  assertEquals(
    limiter.checkCapacity(STRANGER),
    new Rejection(429, "Your address has 1 connections: close one first", { retryAfter: 5 }),
  );
  assertEquals(limiter.checkCapacity("192.0.2.2"), undefined);
  limiter.add({ address: "127.0.0.1", kind: "tcp" });
  assertEquals(limiter.checkCapacity("127.0.0.1"), undefined);
  limiter.add({ address: "127.0.0.1", kind: "tcp" });
  const full = new Rejection(503, "The hub is full: 3 connections", { retryAfter: 5 });
  assertEquals(limiter.checkCapacity("127.0.0.1"), full);
  assertEquals(limiter.checkTcp("127.0.0.1"), full);
  assertEquals(full.headers, { "retry-after": "5" });
});

Deno.test("`checkRate()` rejects with 429 until the quota of the address allows another request", async () => {
  const limits = { ...DEFAULT_SERVER_LIMITS, ratePerAddress: 1 };
  await using world = await startMemoryHub({ limits });
  const { hub: { limiter }, clock } = world;
  assertEquals(limiter.checkRate(STRANGER), undefined);
  assertEquals(limiter.checkTcp(STRANGER), undefined);
  const rejection = limiter.checkRate(STRANGER);
  assertEquals([rejection?.status, rejection?.retryAfter], [429, 1]);
  assertEquals(limiter.checkTcp(STRANGER)?.status, 429);
  assertEquals(limiter.checkRate("192.0.2.2"), undefined);
  clock.advance(1000);
  assertEquals(limiter.checkRate(STRANGER), undefined);
});

Deno.test("a shutdown rejects with 503 and its reason; a new certificate leaves TCP open", async () => {
  await using world = await startMemoryHub();
  const { limiter } = world.hub;
  assertEquals(limiter.checkShutdown(), undefined);
  limiter.shutdown = { reason: "New certificate", retryAfter: () => 1, closesTcp: false };
  assertEquals(
    limiter.checkShutdown(),
    new Rejection(503, "New certificate", { retryAfter: 1 }),
  );
  assertEquals(limiter.checkTcp(STRANGER), undefined);
  limiter.shutdown = { reason: "Stopping", retryAfter: () => 2, closesTcp: true };
  assertEquals(limiter.checkTcp(STRANGER), new Rejection(503, "Stopping", { retryAfter: 2 }));
});

Deno.test("`authorize()` rejects bad tokens with 401, too many with 429, banned clients with 403", async () => {
  const limits = { ...DEFAULT_SERVER_LIMITS, maxFailures: 1 };
  await using world = await startMemoryHub({ authorizer, limits });
  const { limiter, moderation } = world.hub;
  const alice = { ok: true, grant: { ...OPEN_GRANT, name: "Alice" } } as const;
  assertEquals(await limiter.authorize("Alice", STRANGER), alice);
  for (
    const [token, challenge] of [
      [undefined, `Bearer realm="bcast"`],
      ["wrong", `Bearer realm="bcast", error="invalid_token"`],
    ] as const
  ) {
    const rejection = await limiter.authorize(token, STRANGER);
    assert(rejection instanceof Rejection);
    assertEquals([rejection.status, rejection.headers], [401, { "www-authenticate": challenge }]);
  }
  const lockedOut = await limiter.authorize("wrong", STRANGER);
  assert(lockedOut instanceof Rejection);
  assertEquals([lockedOut.status, lockedOut.retryAfter], [429, 60]);
  await moderation.ban({ name: "Alice" }, {}, { name: "Root", address: "local" });
  const banned = await limiter.authorize("Alice", STRANGER);
  assert(banned instanceof Rejection);
  assertEquals(banned.status, 403);
  assertMatch(banned.reason, /banned/);
  assertEquals(
    await limiter.authenticate("Alice", STRANGER),
    alice,
    "leaves bans to the handshake",
  );
});

Deno.test("`recordRejection()` counts by status", async () => {
  await using world = await startMemoryHub();
  const { limiter, counters } = world.hub;
  limiter.recordRejection(STRANGER, new Rejection(503, "Full"));
  limiter.recordRejection(STRANGER, new Rejection(503, "Full"));
  limiter.recordRejection(STRANGER, new Rejection(401, "No token"));
  assertEquals([...counters.turnedAwayByStatus], [[503, 2], [401, 1]]);
});
