import { assertEquals } from "@std/assert";
import { SecretAuthorizer } from "../../auth/secrets.ts";
import { FakeClock } from "../kit/fake_clock.ts";
import { answerTo, SHARED, startGuardedHub, tokenFor } from "../kit/guarded_hub.ts";
import { requestUpgrade } from "../kit/raw_http.ts";
import { fetchJson } from "../kit/http.ts";
import { TestSocket } from "../kit/test_socket.ts";
import { startTestHub } from "../kit/test_hub.ts";

Deno.test("wrong tokens are rate limited over HTTP and in `hello`, correct ones never", async () => {
  const clock = new FakeClock();
  await using hub = await startGuardedHub({
    clock,
    limits: { maxFailures: 5 },
    trustedProxies: ["127.0.0.1"],
  });
  const from = (address: string, token: string): Promise<number> =>
    requestUpgrade(hub.port, [
      ["X-Forwarded-For", address],
      ["Authorization", `Bearer ${token}`],
    ]).then(({ status }) => status);
  const guesses: number[] = [];
  for (let guess = 0; guess < 7; guess++) guesses.push(await from("192.0.2.1", `guess-${guess}`));
  assertEquals(guesses, [401, 401, 401, 401, 401, 429, 429]);
  // Wrong guesses of others do not affect clients with a correct token.
  assertEquals(await from("192.0.2.1", SHARED), 101);
  assertEquals(await from("192.0.2.1", await tokenFor({ sub: "José-Luis 👋" })), 101);
  assertEquals(await from("192.0.2.2", SHARED), 101);
  const { headers } = await requestUpgrade(hub.port, [
    ["X-Forwarded-For", "192.0.2.1"],
    ["Authorization", "Bearer x"],
  ]);
  assertEquals(headers.get("retry-after"), "12");
  clock.advance(12_000);
  assertEquals(await from("192.0.2.1", "x"), 401);

  for (let guess = 0; guess < 5; guess++) {
    const socket = await TestSocket.open(hub.url, "bcast.v1");
    socket.send({ type: "hello", token: `guess-${guess}` });
    assertEquals((await socket.closed).code, 4501);
  }
  await using right = await TestSocket.open(hub.url, "bcast.v1");
  right.send({ type: "hello", token: SHARED });
  await right.next("welcome");
  const socket = await TestSocket.open(hub.url, "bcast.v1");
  socket.send({ type: "hello", token: "x" });
  const error = await socket.next("error");
  assertEquals([error["code"], error["retryAfter"]], ["rate_limited", 12]);
  assertEquals((await socket.closed).code, 4029);
});

Deno.test("a short secret is accepted after a few wrong ones, but not after a flood of guesses", async () => {
  const clock = new FakeClock();
  const short = "s3cr3t-münze";
  const long = "a-secret-that-nobody-guesses";
  await using hub = await startTestHub({
    clock,
    authorizer: new SecretAuthorizer([short, long]),
    limits: { maxFailures: 5 },
  });
  const ask = async (token: string): Promise<[status: number, wait: string | null]> => {
    const { status, headers } = await fetchJson(
      hub,
      `/api/status?${new URLSearchParams({ token })}`,
    );
    return [status, headers.get("retry-after")];
  };
  for (let guess = 0; guess < 49; guess++) await ask(`guess-${guess}`);
  assertEquals(await ask(short), [200, null]);
  assertEquals(await ask("wrong"), [429, "12"]);
  // From here on, correct and wrong guesses get the same response.
  for (const seconds of [0, 1, 5, 5]) {
    clock.advance(seconds * 1000);
    const answers = [await ask("wrong"), await ask(short), await ask("wrong")];
    assertEquals(new Set(answers.map(String)).size, 1, String(answers));
    assertEquals(answers[0]?.[0], 429);
    assertEquals(await ask(long), [200, null]);
  }
  clock.advance(12_000);
  assertEquals(await ask(short), [200, null]);
});

Deno.test("a missing or expired token does not count as a guess", async () => {
  await using hub = await startGuardedHub({ limits: { maxFailures: 1 } });
  const old = await tokenFor({ expiresAt: Date.now() - 60_000 });
  for (let time = 0; time < 3; time++) {
    assertEquals((await requestUpgrade(hub.port)).status, 401);
    const { status } = await requestUpgrade(hub.port, [["Authorization", `Bearer ${old}`]]);
    assertEquals(status, 401);
  }
  assertEquals(
    (await requestUpgrade(hub.port, [["Authorization", `Bearer ${SHARED}`]])).status,
    101,
  );
});

Deno.test("all connections of one address share a rate limit; another address has its own", async () => {
  const clock = new FakeClock();
  await using hub = await startTestHub({
    clock,
    limits: { rateOnLoopback: true, ratePerAddress: 5, rate: 0 },
  });
  await using one = await TestSocket.plain(hub.url, "One");
  await using two = await TestSocket.plain(hub.url, "Two");
  // Two connections were two of ten.
  for (let frame = 0; frame < 4; frame++) {
    for (const socket of [one, two]) {
      socket.send({ type: "ping" });
      await socket.next("pong");
    }
  }
  two.send({ type: "message", message: "too much", ref: "r" });
  const error = await two.next("error");
  assertEquals(
    [error["code"], error["ref"], error["message"], error["retryAfter"]],
    ["rate_limited", "r", "Over 5 frames a second from your address: wait 0.2 s", 0.2],
  );
  const { status, headers } = await requestUpgrade(hub.port);
  assertEquals([status, headers.get("retry-after")], [429, "1"]);
  clock.advance(1000);
  assertEquals(await answerTo(one, { type: "message", message: "hi" }), "ok");
});
