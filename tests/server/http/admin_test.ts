import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { configure, type LogRecord, reset } from "@logtape/logtape";
import { combineAuthorizers } from "../../../auth/authorizer.ts";
import { JwtAuthorizer, mintToken } from "../../../auth/jwt.ts";
import { secretKey, signingSecret } from "../../../auth/keys.ts";
import { SecretAuthorizer } from "../../../auth/secrets.ts";
import { formatText } from "../../../cli/logging.ts";
import type { Server } from "../../../server.ts";
import { requestUpgrade } from "../../kit/raw_http.ts";
import { TestSocket } from "../../kit/test_socket.ts";
import { startTestHub, type TestHubOptions } from "../../kit/test_hub.ts";

const ADMIN = "an-admin-token-of-the-hub";
const SHARED = "a-shared-secret-of-the-hub";
const KEY = new TextEncoder().encode("0123456789abcdef0123456789abcdef");

/** An open hub with moderators that trusts X-Forwarded-For. */
function moderated(options: TestHubOptions = {}): Promise<Server> {
  return startTestHub({
    authorizer: combineAuthorizers([
      new SecretAuthorizer([ADMIN], { admin: true }),
      new SecretAuthorizer([SHARED]),
      new JwtAuthorizer({ keys: [secretKey(KEY)] }),
    ], { open: true }),
    trustedProxies: ["127.0.0.1"],
    ...options,
  });
}

interface Answer {
  readonly status: number;
  readonly body: { readonly [field: string]: unknown };
  readonly headers: Headers;
}

async function ask(
  hub: Server,
  what: string,
  body?: unknown,
  { token = ADMIN, from, method }: {
    readonly token?: string;
    readonly from?: string;
    readonly method?: string;
  } = {},
): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${hub.port}/api/${what}`, {
    method: method ?? (body === undefined ? "GET" : "POST"),
    headers: {
      ...(token === "" ? {} : { authorization: `Bearer ${token}` }),
      ...(from === undefined ? {} : { "x-forwarded-for": from }),
    },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json(), headers: response.headers };
}

function words({ body }: Answer): string {
  const error = body["error"] as { readonly code: string; readonly message: string } | undefined;
  return error === undefined ? "" : `${error.code}: ${error.message}`;
}

Deno.test("commands below /api/admin/ need an admin token, also on the hub's own machine", async () => {
  await using hub = await moderated();
  await using bystander = await TestSocket.plain(hub.url, "Bystander");
  for (const what of ["kick", "ban", "mute", "close-room", "announce", "bans", "nothing"]) {
    const body = what === "bans" ? undefined : { name: "Bystander" };
    const none = await ask(hub, `admin/${what}`, body, { token: "" });
    assertEquals([none.status, words(none).slice(0, 12)], [401, "unauthorized"], what);
    assertEquals(none.headers.get("www-authenticate"), `Bearer realm="bcast"`);
    const shared = await ask(hub, `admin/${what}`, body, { token: SHARED });
    assertEquals([shared.status, words(shared).slice(0, 9)], [403, "forbidden"], what);
    assertEquals((await ask(hub, `admin/${what}`, body, { token: "guess" })).status, 401, what);
  }
  bystander.send({ type: "ping" });
  await bystander.next("pong");
  assertEquals((await ask(hub, "admin/bans")).body, { measures: [] });
});

Deno.test("a token with the claim `admin: true` may moderate; others get 403", async () => {
  await using hub = await moderated();
  const key = signingSecret(KEY);
  const now = { issuedAt: Date.now() };
  const admin = await mintToken(key, { ...now, sub: "Rita", admin: true });
  const plain = await mintToken(key, { ...now, sub: "Bob" });
  assertEquals((await ask(hub, "admin/ban", { name: "Eve" }, { token: admin })).status, 200);
  assertEquals((await ask(hub, "admin/bans", undefined, { token: plain })).status, 403);
  const { body } = await ask(hub, "admin/bans");
  const [ban] = body["measures"] as { readonly by: string }[];
  assertEquals(ban?.by, "Rita");
});

Deno.test("/api/admin/ answers 403 with how to create an admin token if the hub has none", async () => {
  for (const authorizer of [undefined, new SecretAuthorizer([SHARED])]) {
    await using hub = await startTestHub(authorizer === undefined ? {} : { authorizer });
    const answer = await ask(hub, "admin/kick", { name: "Eve" }, { token: SHARED });
    assertEquals(answer.status, 403);
    assertStringIncludes(words(answer), "--admin-token-file FILE");
  }
});

Deno.test("a ban answers 403 with the reason at the upgrade and below /api/, 4503 after it", async () => {
  await using hub = await moderated();
  const evil = { from: "2001:db8::7", token: "" };
  const { body } = await ask(hub, "admin/ban", {
    address: "2001:db8::1234",
    reason: "scraping",
    for: 3600,
  });
  assertEquals(body, { affected: 0, addresses: [] });
  const refused = await ask(hub, "people", undefined, evil);
  assertEquals(refused.status, 403);
  assertMatch(
    words(refused),
    /^forbidden: Your address is banned until \d{4}-\S+ \d\d:\d\d UTC: scraping$/,
  );
  const upgrade = await requestUpgrade(hub.port, [["X-Forwarded-For", "2001:db8::7"]]);
  assertEquals(upgrade.status, 403);
  assertStringIncludes(upgrade.body, "Your address is banned until ");
  // Other addresses are not banned, and neither is a moderator from this one.
  const other = { from: "2001:db8:0:1::7", token: "" };
  assertEquals((await ask(hub, "people", undefined, other)).status, 200);
  const { status } = await ask(hub, "admin/unban", { address: "2001:db8::/64" }, {
    from: "2001:db8::7",
  });
  assertEquals(status, 200);
  assertEquals((await ask(hub, "people", undefined, evil)).status, 200);
  // A ban of a token's name applies from any address.
  const token = await mintToken(signingSecret(KEY), { issuedAt: Date.now(), sub: "Eve" });
  await ask(hub, "admin/ban", { name: "eve" });
  assertEquals((await ask(hub, "people", undefined, { token })).status, 403);
  assertEquals(
    (await requestUpgrade(hub.port, [["Authorization", `Bearer ${token}`]])).status,
    403,
  );
  const socket = await TestSocket.open(hub.url, "bcast.v1");
  socket.send({ type: "hello", token });
  const { code, reason } = await socket.closed;
  assertEquals([code, reason], [4503, "eve is banned"]);
});

Deno.test("commands report how many clients they affected, and 404 if there are none", async () => {
  await using hub = await moderated();
  const [eve] = await TestSocket.v1(hub.url, { sender: "Eve", rooms: [{ room: "party" }] });
  await using bystander = await TestSocket.plain(hub.url, "Bystander");
  assertEquals((await ask(hub, "admin/mute", { name: "Eve", for: 60 })).body, { affected: 1 });
  assertEquals((await ask(hub, "admin/unmute", { name: "EVE" })).body, { affected: 1 });
  assertEquals((await ask(hub, "admin/announce", { message: "  two\n lines " })).body, {
    affected: 2,
  });
  const said = await bystander.next("system", ({ event }) => event === "announcement");
  assertEquals(said["message"], "two lines");
  assertEquals((await ask(hub, "admin/close-room", { room: "party" })).body, { affected: 1 });
  await eve.next("left");
  assertEquals((await ask(hub, "admin/open-room", { room: "party" })).body, { affected: 1 });
  assertEquals((await ask(hub, "admin/kick", { name: "eve", reason: "enough" })).body, {
    affected: 1,
    addresses: ["127.0.0.1"],
  });
  assertEquals((await eve.closed).reason, "A moderator kicked you: enough");
  for (
    const [what, body, message] of [
      ["kick", { name: "Eve" }, "no_such_user: Eve is not connected"],
      ["unban", { name: "Eve" }, "not_found: Eve is not banned"],
      ["unmute", { address: "192.0.2.7" }, "not_found: 192.0.2.7 is not muted"],
      ["open-room", { room: "party" }, "not_found: Room party is not closed"],
    ] as const
  ) {
    const answer = await ask(hub, `admin/${what}`, body);
    assertEquals([answer.status, words(answer)], [404, message]);
  }
});

for (
  const [what, body, status, message] of [
    ["kick", {}, 400, '"name" is missing'],
    ["kick", { name: "a/b" }, 400, "A name is 1 to 32"],
    ["kick", { name: 7 }, 400, "A name is 1 to 32"],
    ["kick", { name: "Eve", resaon: "x" }, 400, 'Unknown field "resaon": use name, reason'],
    ["kick", { name: "Eve", "\x1b[2J": 1 }, 400, 'Unknown field "␛[2J"'],
    ["ban", {}, 400, 'Give a "name" or an "address"'],
    ["ban", { name: "Eve", for: -1 }, 400, '"for" must be a number of seconds'],
    ["ban", { name: "Eve", for: "1d" }, 400, '"for" must be a number of seconds'],
    ["ban", { name: "Eve", for: 1e300 }, 400, '"for" must be a number of seconds'],
    ["ban", { name: "Eve", reason: "" }, 400, '"reason" must be a text'],
    ["ban", { name: "Eve", reason: "x".repeat(201) }, 400, '"reason" must be a text'],
    ["ban", { address: "10.0.0.0/8" }, 400, "An address is like"],
    ["ban", { address: "127.0.0.1" }, 400, "Cannot ban 127.0.0.1: it is the hub's own machine"],
    ["ban", { address: "::1" }, 400, "Cannot ban ::/64: it is the hub's own machine"],
    [
      "mute",
      { address: "::ffff:127.9.9.9" },
      400,
      "Cannot mute 127.9.9.9: it is the hub's own machine",
    ],
    ["close-room", { room: "../x" }, 400, "A room is 1 to 64"],
    ["announce", { message: "x".repeat(1001) }, 400, '"message" must be a text'],
    ["announce", "[1]", 400, "Send a JSON object"],
    ["announce", "{", 400, "Send a JSON object"],
    ["announce", `{"message":"${"x".repeat(65_536)}"}`, 413, "The body is larger than 65536 bytes"],
    ["announce", "[".repeat(16_000), 400, "Send a JSON object"],
    ["kick", `{"__proto__":{"name":"Eve"}}`, 400, 'Unknown field "__proto__"'],
    ["constructor", {}, 404, "There is nothing at /api/admin/constructor"],
    ["bans", {}, 405, "Use GET, HEAD for /api/admin/bans"],
  ] as const
) {
  const shown = typeof body === "string" ? body.slice(0, 20) : JSON.stringify(body).slice(0, 50);
  Deno.test(`POST /api/admin/${what} ${shown} gets ${status} and affects no client`, async () => {
    await using hub = await moderated();
    await using bystander = await TestSocket.plain(hub.url, "Eve");
    const answer = await ask(hub, `admin/${what}`, body);
    assertEquals(answer.status, status);
    assertStringIncludes(words(answer), message);
    bystander.send({ type: "message", message: "still here", ref: 1 });
    await bystander.next("ack");
    assertEquals((await ask(hub, "admin/bans")).body, { measures: [] });
  });
}

Deno.test("a ban, a mute and a closed room may last a fraction of a second", async (t) => {
  await using hub = await moderated();
  for (const [index, seconds] of [0.0001, 0.5, 1.005, 59.9999].entries()) {
    for (
      const [what, whom] of [
        ["ban", { name: `Zoë-${index} 🦊` }],
        ["mute", { address: `2001:db8:${index}::7` }],
        ["close-room", { room: `x-${index}.y_` }],
      ] as const
    ) {
      await t.step(`${what} for ${seconds} s`, async () => {
        const answer = await ask(hub, `admin/${what}`, { ...whom, for: seconds });
        assertEquals([answer.status, words(answer)], [200, ""]);
        const ready = await fetch(`http://127.0.0.1:${hub.port}/readyz`);
        await ready.body?.cancel();
        assertEquals(ready.status, 200);
      });
    }
  }
});

Deno.test("GET of a command is rejected with 405 and `Allow: POST`", async () => {
  await using hub = await moderated();
  const answer = await ask(hub, "admin/kick");
  assertEquals([answer.status, answer.headers.get("allow")], [405, "POST"]);
});

Deno.test("each command is one line of the audit log with moderator, address, action and target, without the token", async () => {
  const records: LogRecord[] = [];
  await configure({
    reset: true,
    sinks: { list: (record) => void records.push(record) },
    loggers: [
      { category: "bcast", sinks: ["list"], lowestLevel: "debug" },
      { category: ["logtape", "meta"], lowestLevel: "error" },
    ],
  });
  try {
    await using hub = await moderated();
    const token = await mintToken(signingSecret(KEY), {
      issuedAt: Date.now(),
      sub: "Rita",
      admin: true,
    });
    const evil = "\x1b[2J\u202e\nINFO fake line\r";
    const order = async (what: string, body: object, by = ADMIN): Promise<void> => {
      assertEquals(
        (await ask(hub, `admin/${what}`, body, { token: by, from: "192.0.2.1" })).status,
        200,
      );
    };
    await order("ban", { name: "Eve", address: "2001:db8::7", reason: evil, for: 60 });
    await order("unban", { name: "Eve" });
    await order("mute", { name: "Eve" }, token);
    await order("unmute", { name: "Eve" });
    await order("close-room", { room: "party" });
    await order("open-room", { room: "party" });
    await order("announce", { message: evil });
    await using _eve = await TestSocket.plain(hub.url, "Eve");
    await order("kick", { name: "eve" });
    const text = records.map(formatText);
    const lines = text.filter((line) => line.includes("audit"))
      .map((line) => line.slice(line.indexOf("audit: ") + 7).replace(/until \S+Z/, "until TIME"));
    assertEquals(lines, [
      "admin at 192.0.2.1 banned Eve until TIME: ␛[2J<U+202E> INFO fake line\n",
      "admin at 192.0.2.1 banned 2001:db8::/64 until TIME: ␛[2J<U+202E> INFO fake line\n",
      "admin at 192.0.2.1 unbanned Eve\n",
      "Rita at 192.0.2.1 muted Eve\n",
      "admin at 192.0.2.1 unmuted Eve\n",
      "admin at 192.0.2.1 closed party\n",
      "admin at 192.0.2.1 opened party\n",
      "admin at 192.0.2.1 announced to all clients: ␛[2J<U+202E> INFO fake line\n",
      "admin at 192.0.2.1 kicked eve\n",
    ]);
    const all = text.join("");
    assert(!all.includes(ADMIN) && !all.includes(token));
  } finally {
    await reset();
  }
});

Deno.test("sanctions apply to clients that use only HTTP", async () => {
  await using hub = await moderated();
  const say = (sender: string): Promise<Answer> =>
    ask(hub, `rooms/lobby/messages?sender=${sender}`, "hi", { token: "" });
  assertEquals((await say("Bob")).status, 201);
  assertEquals(
    (await ask(hub, "admin/mute", { name: "bob", for: 60, reason: "noise" })).status,
    200,
  );
  const muted = await say("Bob");
  assertEquals([muted.status, muted.headers.get("retry-after")], [403, "60"]);
  assertStringIncludes(words(muted), "noise");
  await ask(hub, "admin/unmute", { name: "Bob" });
  await ask(hub, "admin/ban", { name: "Bob" });
  assertEquals((await say("BOB")).status, 403);
  assertEquals((await say("Carol")).status, 201);

  const events = await fetch(`http://127.0.0.1:${hub.port}/api/rooms/lobby/events`);
  await ask(hub, "admin/close-room", { room: "lobby", reason: "cleaning" });
  // The stream ends with the reason.
  assertStringIncludes(await events.text(), "Room lobby is closed: cleaning");
  const closed = await say("Carol");
  assertEquals(closed.status, 403);
  assertStringIncludes(words(closed), "cleaning");
  const again = await ask(hub, "rooms/lobby/events", undefined, { token: "" });
  assertEquals(again.status, 403);
  await ask(hub, "admin/open-room", { room: "lobby" });
  assertEquals((await say("Carol")).status, 201);
});
