import { assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { connect, ConnectError, type ConnectOptions } from "../../client.ts";
import { redirectTarget } from "../../client/redirect.ts";
import { FakeClock } from "../kit/fake_clock.ts";
import { EventLog } from "../kit/event_log.ts";
import { joined, ScriptedHub } from "../kit/scripted_hub.ts";

/** A client that is about to connect, with its log and clock. */
function dialling(options: ConnectOptions) {
  const clock = new FakeClock();
  const connection = connect(options, { clock, random: () => 0.5 });
  const log = new EventLog(connection);
  /** Ends the wait of the client for its next attempt. */
  const retry = async () => {
    const offline = await log.until("offline");
    clock.advance(offline.retryIn);
    return offline;
  };
  return { connection, log, clock, retry };
}

Deno.test("`bye` says why, when and whether to reconnect", async () => {
  await using hub = new ScriptedHub();
  const { connection, log, retry } = dialling({ url: hub.url });
  const first = await hub.welcome();
  await log.until("online");
  first.bye({ code: 1001, retryAfter: 7, message: "New version\x1b[2J" });
  const offline = await retry();
  assertEquals([offline.code, offline.reason, offline.retryIn], [1001, "New version␛[2J", 7125]);
  const second = await hub.welcome();
  await log.until("online");
  // A mistake must not stop a client for long.
  second.bye({ code: 4503, reconnect: true, retryAfter: 1e9, message: "Come back" });
  assertEquals((await retry()).retryIn, 300_250);
  const third = await hub.welcome();
  await log.until("online");
  third.sayRaw('{"type":"bye","code":1001,"reconnect":false,"message":"Closed","shard":[4]}');
  third.close(1001);
  const error = await assertRejects(() => log.rest(), ConnectError, "Closed");
  assertEquals([error.failure, error.code], ["busy", 1001]);
  await connection.close();
});

Deno.test("`bye` sends a client elsewhere for one attempt", async () => {
  await using home = new ScriptedHub();
  await using away = new ScriptedHub();
  const { connection, log, retry } = dialling({ url: home.url, token: "t" });
  await using _ = connection;
  const first = await home.welcome();
  await log.until("joined");
  first.bye({ url: away.url });
  await retry();
  const there = await away.accept();
  const { token, session, rooms } = await there.hello();
  assertEquals([token, session, rooms?.length], ["t", "secret-1", 1]);
  there.welcome({ session: "secret-2", rooms: [joined("lobby", { recovered: true })] });
  await log.until("joined");
  there.close(1011);
  await retry();
  const back = await home.welcome();
  await log.until("online");
  // What answers there is no hub any more.
  away.answer(() => new Response("Gone", { status: 403 }));
  back.bye({ url: away.url });
  await retry();
  await retry();
  await home.welcome();
  await log.until("online");
});

Deno.test("`bye` at another host without TLS gets neither token nor session", async () => {
  await using home = new ScriptedHub();
  await using away = new ScriptedHub();
  const { connection, log, retry } = dialling({
    url: home.url,
    token: () => "t",
    session: "secret-0",
    sender: "Alice",
  });
  await using _ = connection;
  const first = await home.accept();
  // Already before `welcome`, as by a load balancer.
  assertEquals((await first.hello()).token, "t");
  first.bye({ url: `ws://user:pass@localhost:${away.port}/#x` });
  await retry();
  const there = await away.accept();
  const { token, session, sender } = await there.hello();
  assertEquals([token, session, sender], [undefined, undefined, "Alice"]);
  there.refuse({ code: "unauthorized", message: "Token?" });
  there.close(4501);
  await retry();
  const back = await home.accept();
  const again = await back.hello();
  assertEquals([again.token, again.session], ["t", "secret-0"]);
  back.welcome();
  await log.until("online");
});

Deno.test("hubs that send a client in circles do not keep it from its own hub", async () => {
  await using home = new ScriptedHub();
  await using away = new ScriptedHub();
  const { connection, log, retry } = dialling({ url: home.url, retryFirst: true });
  await using _ = connection;
  for (let round = 0; round < 3; round++) {
    (await home.welcome()).bye({ url: away.url });
    await retry();
    if (round === 2) break;
    (await away.welcome()).bye({ url: home.url });
    await retry();
  }
  (await away.welcome()).bye({ url: away.url });
  await retry();
  await home.welcome();
  await log.until("online");
});

Deno.test("`redirectTarget()` never leads to a less secure address, nor shares secrets there", () => {
  const url = fc.oneof(
    fc.webUrl({ validSchemes: ["ws", "wss", "http", "ftp"], withFragments: true }),
    fc.constantFrom("ws://a.example/x", "wss://a.example", "//b", "", "wss://u:p@a.example"),
    fc.string(),
  );
  const from = fc.constantFrom("ws://a.example/", "wss://a.example:99/ws?token=secret");
  fc.assert(fc.property(from, url, (origin, address) => {
    const target = redirectTarget(new URL(origin), address);
    if (target === undefined) return;
    const { protocol, hostname, username, hash, search } = target.url;
    assertEquals([username, hash, search.includes("secret")], ["", "", false]);
    if (origin.startsWith("wss:")) assertEquals(protocol, "wss:");
    if (protocol !== "wss:") assertEquals(target.trusted, hostname === "a.example");
  }));
  assertEquals(redirectTarget(new URL("ws://a/"), undefined), undefined);
});
