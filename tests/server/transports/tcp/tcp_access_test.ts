import { assert, assertEquals, assertMatch } from "@std/assert";
import { type Authorizer, combineAuthorizers } from "../../../../auth/authorizer.ts";
import { JwtAuthorizer, mintToken, type TokenClaims } from "../../../../auth/jwt.ts";
import { secretKey, signingSecret } from "../../../../auth/keys.ts";
import { SecretAuthorizer } from "../../../../auth/secrets.ts";
import type { Server } from "../../../../server.ts";
import { keyPair } from "../../../kit/certificates.ts";
import { FakeClock } from "../../../kit/fake_clock.ts";
import { LineClient } from "../../../kit/line_client.ts";
import { TestSocket } from "../../../kit/test_socket.ts";
import { startTestHub, type TestHubOptions } from "../../../kit/test_hub.ts";
import { until } from "../../../kit/wait.ts";

const KEY = new TextEncoder().encode("0123456789abcdef0123456789abcdef");
const SHARED = "a-shared-secret-of-the-hub";
const PROMPT = "* This hub wants a token. Give it as your first line: /token SECRET";
const WRONG = "* The token is wrong: ask the hub's operator for the right one";

const authorizer = combineAuthorizers([
  new SecretAuthorizer([SHARED]),
  new JwtAuthorizer({ keys: [secretKey(KEY)] }),
]);

function tokenFor(claims: Omit<TokenClaims, "issuedAt">): Promise<string> {
  return mintToken(signingSecret(KEY), { issuedAt: Date.now() - 60_000, ...claims });
}

/** A hub that requires tokens, and its port for plain TCP. */
async function guarded(options: TestHubOptions = {}): Promise<[Server, number]> {
  const hub = await startTestHub({ authorizer, tcp: { port: 0 }, ...options });
  assert(hub.tcpPort !== undefined);
  return [hub, hub.tcpPort];
}

/** Sends `line` after the prompt; resolves with all lines of the hub when it has closed. */
async function tryLine(port: number, line: string): Promise<readonly string[]> {
  await using client = await LineClient.open(port, false);
  await client.line(/wants a token/);
  await client.send(`${line}\n`);
  assertEquals(await client.ended, true);
  return client.lines;
}

for (const command of ["/token", "/login", "/TOKEN"]) {
  Deno.test(`${command} as the first line lets a client in`, async () => {
    const [hub, port] = await guarded();
    await using _hub = hub;
    await using alice = await TestSocket.plain(hub.url, "Alice", `token=${SHARED}`);
    await using client = await LineClient.open(port, false);
    await client.line(/wants a token/);
    assertEquals(client.lines, [PROMPT]);
    // What follows in the same packet is sent under the token, in order.
    await client.send(`${command} ${SHARED}\r\nhello\r\nagain\r\n`);
    await client.line(/^\* You are guest-/);
    await client.line(/: again/);
    assertEquals((await alice.next("message"))["message"], "hello");
    assert(!client.text.includes(SHARED));
  });
}

Deno.test("a TCP client has the name and the rights of its token", async () => {
  const [hub, port] = await guarded();
  await using _hub = hub;
  await using _thief = await TestSocket.plain(hub.url, "Carol", `token=${SHARED}`);
  const rooms = { lobby: "read-write", news: "read" } as const;
  await using carol = await LineClient.open(port, false);
  await carol.send(`/token ${await tokenFor({ sub: "Carol", rooms })}\n`);
  await carol.line(/^\* In room lobby/);
  await carol.line(/^\* You are Carol/);
  await carol.send("hello\n");
  await carol.line(/Carol: hello/);
  await carol.send("/nick Root\n/join secret\n/join news\nmay I?\n");
  await carol.line(/^\* Error: Your token says that you are Carol/);
  await carol.line(/^\* Error: Your token does not let you into secret/);
  await carol.line(/^\* In room news/);
  await carol.line(/^\* Error: Your token lets you read news, not write/);
  await using reader = await LineClient.open(port, false);
  await reader.send(`/token ${await tokenFor({ sub: "Dora", rooms: { news: "read" } })}\n`);
  // It may not read the default room, so it joins the one that its token names.
  await reader.line(/^\* In room news/);
});

for (
  const [what, line, answer] of [
    ["a wrong token", "/token wrong", WRONG],
    ["a part of the right one", `/token ${SHARED.slice(0, -1)}`, WRONG],
    ["a message", "hello", "* A token must come first: /token SECRET"],
    ["no token after the command", "/token", "* A token must come first: /token SECRET"],
    ["two tokens", `/token ${SHARED} ${SHARED}`, "* A token must come first: /token SECRET"],
    ["an empty line", "", "* A token must come first: /token SECRET"],
  ] as const
) {
  Deno.test(`${what} in place of a token is rejected, and counts as 401`, async () => {
    const [hub, port] = await guarded({ metrics: "local" });
    await using _hub = hub;
    // One attempt per connection: the second line is ignored.
    assertEquals(await tryLine(port, `${line}\n/token ${SHARED}`), [PROMPT, answer]);
    assertEquals(hub.online, 0);
    const metrics = await (await fetch(`http://127.0.0.1:${hub.port}/metrics`)).text();
    assertMatch(metrics, /^bcast_turned_away_total\{status="401"\} 1$/m);
    assertMatch(metrics, /^bcast_connections_total 0$/m);
  });
}

Deno.test("invalid UTF-8 in place of a token is rejected", async () => {
  const [hub, port] = await guarded();
  await using _hub = hub;
  await using client = await LineClient.open(port, false);
  await client.send(new Uint8Array([0x63, 0x61, 0x66, 0xe9, 0x0a, 0xf1, 0x0a]));
  assertEquals(await client.ended, true);
  assertEquals(client.lines, [PROMPT, "* A token must come first: /token SECRET"]);
});

Deno.test("a client without a token is disconnected after `helloTimeout`", async () => {
  const clock = new FakeClock();
  const [hub, port] = await guarded({ clock, limits: { helloTimeout: 3 } });
  await using _hub = hub;
  await using silent = await LineClient.open(port, false);
  await silent.line(/wants a token/);
  await using known = await LineClient.open(port, false);
  await known.send(`/token ${SHARED}\n`);
  await known.line(/^\* You are/);
  clock.advance(2999);
  assertEquals(silent.lines.length, 1);
  clock.advance(1);
  assertEquals(await silent.ended, true);
  assertEquals(silent.lines, [PROMPT, "* No token within 3 seconds"]);
  await known.send("still here\n");
  await known.line(/: still here/);
});

Deno.test("a client whose token expires is told to bring a new one, then disconnected", async () => {
  const clock = new FakeClock(Date.now());
  // A minute passes at once, without a chance to write: no client may count as stalled.
  const [hub, port] = await guarded({ clock, limits: { heartbeat: 0 } });
  await using _hub = hub;
  await using carol = await LineClient.open(port, false);
  await carol.send(`/token ${await tokenFor({ sub: "Carol", expiresAt: clock.now() + 60_000 })}\n`);
  await carol.line(/^\* You are Carol/);
  clock.advance(60_000);
  await carol.line(
    /^\* Error: Your token has expired: reconnect with a new one within 30 seconds$/,
  );
  clock.advance(30_000);
  assertEquals(await carol.ended, true);
  assertMatch(carol.lines.at(-1) ?? "", /^\* The token expired .* ago: reconnect with a new one$/);
});

Deno.test("a token whose check ends after `helloTimeout` does not let the client in", async () => {
  const clock = new FakeClock();
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<Awaited<ReturnType<Authorizer["authorize"]>>>();
  const slow: Authorizer = {
    required: true,
    authorize: () => {
      asked.resolve();
      return answer.promise;
    },
  };
  const [hub, port] = await guarded({ clock, authorizer: slow });
  await using _hub = hub;
  await using client = await LineClient.open(port, false);
  await client.send("/token x\nhello\n");
  await asked.promise;
  clock.advance(10_000);
  answer.resolve(await authorizer.authorize(SHARED, Date.now()));
  assertEquals(await client.ended, true);
  assertEquals(client.lines.at(-1), "* No token within 10 seconds");
  assertEquals(hub.online, 0);
});

Deno.test("wrong tokens over all transports count together, and a right one is still accepted", async () => {
  const clock = new FakeClock(Date.now());
  const [hub, port] = await guarded({ clock, limits: { maxFailures: 3 } });
  await using _hub = hub;
  const refused = await TestSocket.open(`${hub.url}?token=wrong`).catch((error: Error) => error);
  assert(refused instanceof Error);
  for (let count = 0; count < 2; count++) {
    assertEquals((await tryLine(port, "/token wrong")).at(-1), WRONG);
  }
  const throttled = "* Too many wrong tokens came from your address: wait 20 s";
  assertEquals((await tryLine(port, "/token wrong")).at(-1), throttled);
  await using client = await LineClient.open(port, false);
  await client.send(`/token ${SHARED}\n`);
  await client.line(/^\* You are/);
});

Deno.test("clients without a token yet count as connections, and get the reason of a stop", async () => {
  const [hub, port] = await guarded({ limits: { maxConnections: 1 } });
  await using waiting = await LineClient.open(port, false);
  await waiting.line(/wants a token/);
  await using late = await LineClient.open(port, false);
  assertEquals(await late.ended, true);
  assertEquals(late.lines, ["* The hub is full: 1 connections"]);
  await hub.stop("Back in a minute");
  assertEquals(await waiting.ended, true);
  assertEquals(waiting.lines, [PROMPT, "* Back in a minute"]);
});

Deno.test("TCP connections count towards the rate of their address", async () => {
  const clock = new FakeClock();
  const limits = { rateOnLoopback: true, ratePerAddress: 1 };
  await using hub = await startTestHub({ clock, tcp: { port: 0 }, limits });
  const port = hub.tcpPort ?? 0;
  await using _first = await LineClient.open(port);
  await using _second = await LineClient.open(port);
  await using third = await LineClient.open(port, false);
  assertEquals(await third.ended, true);
  assertEquals(third.lines, ["* Too much comes from your address: slow down"]);
  clock.advance(1000);
  await using _fourth = await LineClient.open(port);
});

Deno.test("`renew()` keeps TCP clients connected", async () => {
  const first = await keyPair();
  await using hub = await startTestHub({ tls: first, tcp: { port: 0 } });
  await using client = await LineClient.open(hub.tcpPort ?? 0);
  await hub.renew(await keyPair());
  await client.send("still here\n");
  await client.line(/: still here/);
  await using _newcomer = await LineClient.open(hub.tcpPort ?? 0);
});

Deno.test("`stop()` with a drain serves TCP clients until their turn, and accepts no new ones", async () => {
  const clock = new FakeClock();
  const hub = await startTestHub({ clock, tcp: { port: 0 } });
  const port = hub.tcpPort ?? 0;
  await using first = await LineClient.open(port);
  await using second = await LineClient.open(port);
  const stopping = hub.stop("Back in a minute", 10_000);
  await until("no new client is accepted", async () => {
    try {
      await using newcomer = await LineClient.open(port, false);
      await newcomer.ended;
      assertEquals(newcomer.lines, []);
      return false;
    } catch (error) {
      return error instanceof Deno.errors.ConnectionRefused;
    }
  });
  // In small steps: the same clock times how long a client has to read the reason.
  clock.advance(1000);
  assertEquals(await first.ended, true);
  assertEquals(first.lines.at(-1), "* Back in a minute");
  clock.advance(4000);
  await second.send("still here\n");
  await second.line(/: still here/);
  clock.advance(1000);
  assertEquals(await second.ended, true);
  assertEquals(second.lines.at(-1), "* Back in a minute");
  clock.advance(4000);
  await stopping;
});
