import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { Authorizer } from "../../../auth/authorizer.ts";
import { Rights } from "../../../auth/rights.ts";
import { openSqliteBroker } from "../../../broker/sqlite/sqlite_broker.ts";
import { BODY_TIMEOUT } from "../../../server/http/api/body.ts";
import { FakeClock } from "../../kit/fake_clock.ts";
import { temporaryFolder } from "../../kit/folder.ts";
import { rawRequest } from "../../kit/raw_http.ts";
import { fetchJson, httpUrl, post } from "../../kit/http.ts";
import { TestSocket } from "../../kit/test_socket.ts";
import { startTestHub } from "../../kit/test_hub.ts";
import { until } from "../../kit/wait.ts";

/** Accepts `NAME` or `NAME:ACCESS` as a token for the room `lobby`. */
const byName: Authorizer = {
  required: false,
  authorize(token) {
    const [name, access = "read-write"] = token?.split(":") ?? [];
    const rights = name === undefined ? Rights.all : Rights.parse({ lobby: access });
    if (rights === undefined) return { ok: false, failure: "wrong", reason: "No token" };
    return { ok: true, grant: { name, rights, admin: false, expiresAt: Infinity } };
  },
};

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

Deno.test("POST messages delivers to the members, without join or leave notices", async () => {
  await using hub = await startTestHub();
  await using alice = await TestSocket.plain(hub.url, "Alice");
  const told = await post(hub, "lobby", {
    message: "hi",
    data: [1],
    kind: "action",
    sender: "bot",
  });
  const { id, epoch, timestamp, ...rest } = told.body;
  assertEquals([told.status, id, rest], [201, 1, { room: "lobby", sender: "bot" }]);
  assertMatch(epoch, /^[\w-]+$/);
  assertEquals(await alice.next("message"), {
    type: "message",
    room: "lobby",
    id: 1,
    sender: "bot",
    timestamp,
    kind: "action",
    message: "hi",
    data: [1],
  });
  // Alice may see a notice of her own join.
  const others = alice.all("system").filter(({ message }) => message !== "Alice joined (1 online)");
  assertEquals(others, []);
  assertEquals((await fetchJson(hub, "/api/people")).body.online, 1);
  const location = told.headers.get("location") ?? "";
  const stored = await fetchJson(
    hub,
    new URL(location, httpUrl(hub, "/api/rooms/lobby/messages")).href,
  );
  assertEquals([stored.body.id, stored.body.sender], [1, told.body.sender]);
});

Deno.test("POST messages accepts text and removes its last line break", async () => {
  await using hub = await startTestHub();
  for (
    const [type, body, message] of [
      ["application/x-www-form-urlencoded", "a=b&c=%20+", "a=b&c=%20+"],
      ["text/plain", "über\n", "über"],
      ["text/plain; charset=UTF-8", "two\nlines\r\n", "two\nlines"],
      ["", "{}", "{}"],
    ] as const
  ) {
    const told = await post(hub, "lobby", body, { "content-type": type }, "?sender=cron");
    assertEquals([told.status, told.body.sender], [201, "cron"], type);
    const { body: { messages } } = await fetchJson(hub, "/api/rooms/lobby/messages?limit=1");
    assertEquals(messages[0].message, message);
  }
  assertEquals((await post(hub, "lobby", "hi")).body.sender, "guest");
});

Deno.test("POST messages treats null as an absent field", async () => {
  await using hub = await startTestHub();
  const none = { room: null, sender: null, kind: null, ref: null, format: null, via: null };
  const query = "?sender=Jean-Luc%20%F0%9F%8D%B5&via=cron";
  for (
    const [body, stored] of [
      [{ ...none, message: "مرحبا" }, { message: "مرحبا" }],
      [{ ...none, message: null, data: [null] }, { data: [null] }],
      [{ ...none, message: "m", data: null, key: null }, { message: "m" }],
    ] as const
  ) {
    const told = await post(hub, "lobby", body, {}, query);
    assertEquals([told.status, told.body.sender], [201, "Jean-Luc 🍵"], JSON.stringify(body));
    const { body: { messages } } = await fetchJson(hub, "/api/rooms/lobby/messages?limit=1");
    const {
      type: _type,
      room: _room,
      id: _id,
      sender: _sender,
      timestamp: _timestamp,
      ...content
    } = messages[0];
    assertEquals(content, { ...stored, via: ["cron"] });
  }
});

Deno.test("POST messages stores a request with the same key once, also after a restart", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/log.db`;
  const send = { message: "hi", sender: "bot" };
  const keyed = { "idempotency-key": "abc" };
  {
    await using hub = await startTestHub({ path });
    const first = await post(hub, "lobby", send, keyed);
    const again = await post(hub, "lobby", send, { "idempotency-key": `"abc"` });
    assertEquals([first.status, again.status], [201, 200]);
    assertEquals(again.body, { ...first.body, duplicate: true });
    assertEquals(again.headers.get("location"), first.headers.get("location"));
  }
  await using hub = await startTestHub({ path });
  assertEquals((await post(hub, "lobby", send, keyed)).status, 200);
  assertEquals((await post(hub, "lobby", { ...send, key: "abc" })).status, 200);
  // The header takes precedence, and a `ref` is no key.
  assertEquals((await post(hub, "lobby", { ...send, key: "def", ref: "ghi" }, keyed)).status, 200);
  // Keys belong to one sender and one room.
  assertEquals((await post(hub, "lobby", { ...send, sender: "other" }, keyed)).body.id, 2);
  assertEquals((await post(hub, "attic", send, keyed)).body.id, 1);
  // A session is another sender.
  await using alice = await TestSocket.plain(hub.url, "Alice");
  alice.send({ type: "message", message: "hi", key: "abc" });
  assertEquals((await alice.next("ack"))["id"], 3);
});

Deno.test("POST messages accepts the same key as a new message after five minutes", async () => {
  const clock = new FakeClock();
  const broker = await openSqliteBroker({ path: ":memory:", now: () => clock.now() });
  await using hub = await startTestHub({ broker, clock });
  const keyed = { "idempotency-key": "k" };
  const ids = [];
  for (const minutes of [0, 4, 12]) {
    clock.advance(minutes * 60_000);
    ids.push((await post(hub, "lobby", "hi", keyed)).body.id);
  }
  assertEquals(ids, [1, 1, 2]);
});

Deno.test("POST messages uses the token's name and rejects names of others with 409", async () => {
  await using hub = await startTestHub({ authorizer: byName });
  const signed = await post(hub, "lobby", { message: "hi", sender: "Bob" }, bearer("Alice"));
  assertEquals([signed.status, signed.body.sender], [201, "Alice"]);
  await using _carol = await TestSocket.plain(hub.url, "Carol");
  for (const sender of ["Alice", "alice", "Carol", "ＣＡＲＯＬ"]) {
    const told = await post(hub, "lobby", { message: "hi", sender });
    assertEquals([told.status, told.body.error?.code], [409, "name_taken"], sender);
  }
  // A client whose token fixes its name cannot choose another: the error says so.
  const other = await post(hub, "lobby", "hi", bearer("ALICE"));
  assertEquals([other.status, other.body.error], [409, {
    code: "name_taken",
    message: "A token that spells ALICE differently has the name: ask for another",
  }]);
});

Deno.test("rooms without permission are rejected with 403, whether they exist or not", async () => {
  await using hub = await startTestHub({ authorizer: byName });
  await post(hub, "ops", "secret");
  const reader = { headers: bearer("Eve:read") };
  for (const room of ["ops", "none"]) {
    for (const what of ["messages", "members", "messages?query=secret"]) {
      const { status, body } = await fetchJson(hub, `/api/rooms/${room}/${what}`, reader);
      assertEquals([status, body.error], [403, {
        code: "forbidden",
        message: `Your token does not permit you to read ${room}`,
      }]);
    }
  }
  assertEquals((await fetchJson(hub, "/api/rooms/lobby/messages", reader)).status, 200);
  const refused = await post(hub, "lobby", "hi", bearer("Eve:read"));
  assertEquals([refused.status, refused.body.error.code], [403, "forbidden"]);
});

Deno.test("GET messages pages in both directions and searches", async () => {
  await using hub = await startTestHub();
  for (const word of ["one", "two", "three", "four"]) await post(hub, "lobby", word);
  const read = async (query: string): Promise<unknown> => {
    const { body } = await fetchJson(hub, `/api/rooms/lobby/messages${query}`);
    return [...body.messages.map(({ message }: { message: string }) => message), body.more];
  };
  assertEquals(await read(""), ["one", "two", "three", "four", false]);
  assertEquals(await read("?limit=2"), ["three", "four", true]);
  assertEquals(await read("?after=1&limit=2"), ["two", "three", true]);
  assertEquals(await read("?before=3"), ["one", "two", false]);
  assertEquals(await read("?query=t*"), ["two", "three", false]);
  assertEquals(await read("?query=%22%20OR%20("), [false]);
  const { body } = await fetchJson(hub, "/api/rooms/unknown/messages");
  assertEquals([body.room, body.messages, body.more], ["unknown", [], false]);
});

Deno.test("GET members lists the people in the room", async () => {
  await using hub = await startTestHub();
  await using _alice = await TestSocket.plain(hub.url, "Alice", "room=a");
  const { body } = await fetchJson(hub, "/api/rooms/a/members");
  assertEquals(body, { online: 1, members: [{ name: "Alice", rooms: ["a"] }] });
  assertEquals((await fetchJson(hub, "/api/rooms/b/members")).body, { online: 0, members: [] });
});

Deno.test("POST messages over the rate is rejected with 429 and Retry-After", async () => {
  await using hub = await startTestHub({
    clock: new FakeClock(),
    authorizer: byName,
    limits: { rate: 1, burst: 2, ratePerAddress: 1000, rateOnLoopback: true },
  });
  const statuses = [];
  for (let n = 0; n < 4; n++) statuses.push((await post(hub, "lobby", "hi")).status);
  assertEquals(statuses, [201, 201, 429, 429]);
  const { headers, body } = await fetchJson(hub, "/api/rooms/lobby/messages");
  assertEquals(headers.get("retry-after"), "1");
  assertEquals([body.error.code, body.error.retryAfter], ["rate_limited", 1]);
  // The name of a token has a rate of its own.
  assertEquals((await post(hub, "lobby", "hi", bearer("Alice"))).status, 201);
});

Deno.test("POST messages is rejected with 503 while the hub stops", async () => {
  const clock = new FakeClock();
  await using hub = await startTestHub({ clock });
  await using _alice = await TestSocket.plain(hub.url, "Alice");
  let stopped = false;
  const stopping = hub.stop("Gone for lunch", 5000).finally(() => stopped = true);
  const told = await post(hub, "lobby", "hi");
  assertEquals([told.status, told.body.error.code, told.body.error.message], [
    503,
    "unavailable",
    "Gone for lunch",
  ]);
  assertEquals(told.headers.get("retry-after"), String(told.body.error.retryAfter));
  await until("the hub to be stopped", () => {
    clock.advance(1000);
    return stopped;
  });
  await stopping;
});

/** Invalid requests. */
const HOSTILE: readonly {
  readonly what: string;
  readonly body: BodyInit;
  readonly headers?: Record<string, string>;
  readonly query?: string;
  readonly room?: string;
  readonly refused: readonly [status: number, code: string];
}[] = [
  { what: "no JSON", body: "{", refused: [400, "bad_json"] },
  { what: "an empty body", body: "", refused: [400, "bad_json"] },
  { what: "a list", body: "[]", refused: [400, "bad_frame"] },
  { what: "no message", body: "{}", refused: [400, "bad_frame"] },
  {
    what: "an empty text",
    body: "\n",
    headers: { "content-type": "" },
    refused: [400, "bad_frame"],
  },
  { what: "60,000 nested lists", body: "[".repeat(60_000), refused: [400, "bad_json"] },
  {
    what: "data nested too deeply",
    body: `{"data":${"[".repeat(30_000)}${"]".repeat(30_000)}}`,
    refused: [400, "bad_frame"],
  },
  { what: "an infinite number", body: `{"data":1e400}`, refused: [400, "bad_frame"] },
  { what: "an unknown kind", body: `{"message":"a","kind":"x"}`, refused: [400, "unsupported"] },
  {
    what: "an invalid name",
    body: `{"message":"a","sender":"a@b"}`,
    refused: [400, "bad_name"],
  },
  {
    what: "a name with an escape sequence",
    body: `{"message":"a"}`,
    query: "?sender=%1b%5b2J",
    refused: [400, "bad_name"],
  },
  { what: "another room", body: `{"message":"a","room":"b"}`, refused: [400, "bad_room"] },
  { what: "a room with capitals", room: "Lobby", body: "{}", refused: [400, "bad_room"] },
  { what: "an escaped room", room: "%6cobby", body: "{}", refused: [400, "bad_room"] },
  { what: "an escaped slash", room: "..%2f..", body: "{}", refused: [400, "bad_room"] },
  { what: "an empty room", room: "", body: "{}", refused: [400, "bad_room"] },
  { what: "a parent directory", room: "%2e%2e", body: "{}", refused: [404, "not_found"] },
  { what: "a room in a room", room: "a/b", body: "{}", refused: [404, "not_found"] },
  { what: "65 KiB", body: `{"message":"${"x".repeat(65_537)}"}`, refused: [413, "too_big"] },
  {
    what: "text that is 65 KiB as JSON",
    body: `"`.repeat(40_000),
    headers: { "content-type": "text/plain" },
    refused: [413, "too_big"],
  },
  {
    what: "bytes that are not UTF-8",
    body: new Uint8Array([0x22, 0xc3, 0x28, 0xff]),
    refused: [400, "bad_frame"],
  },
  {
    what: "an image",
    body: "x",
    headers: { "content-type": "image/png" },
    refused: [415, "unsupported_type"],
  },
  {
    what: "another encoding",
    body: "x",
    headers: { "content-type": "text/plain; charset=utf-16" },
    refused: [415, "unsupported_type"],
  },
  {
    what: "a form with files",
    body: "x",
    headers: { "content-type": "multipart/form-data; boundary=x" },
    refused: [415, "unsupported_type"],
  },
  {
    what: "a key that is too long",
    body: `{"message":"a"}`,
    headers: { "idempotency-key": "k".repeat(65) },
    refused: [400, "bad_frame"],
  },
  {
    what: "an empty key",
    body: `{"message":"a"}`,
    headers: { "idempotency-key": `""` },
    refused: [400, "bad_frame"],
  },
  {
    what: "a key with an escape sequence",
    body: `{"message":"a"}`,
    headers: { "idempotency-key": "a\u009b2J" },
    refused: [400, "bad_frame"],
  },
  {
    what: "a key in the body with a space",
    body: `{"message":"a","key":"a b"}`,
    refused: [400, "bad_frame"],
  },
  {
    what: "a session that is none",
    body: `{"message":"a"}`,
    headers: { "bcast-session": "\u009b2J" },
    refused: [400, "bad_frame"],
  },
  {
    what: "a ref that is too long",
    body: `{"message":"a","ref":"${"r".repeat(65)}"}`,
    refused: [400, "bad_frame"],
  },
  // Pages can send these without a preflight, but not without an Origin.
  ...["text/plain", "application/x-www-form-urlencoded", "application/json"].map((type) => ({
    what: `${type} of a page elsewhere`,
    body: `{"message":"a"}`,
    headers: { "content-type": type, origin: "https://evil.example" },
    refused: [403, "forbidden"] as const,
  })),
  {
    what: "text of a page without an origin",
    body: "a",
    headers: { "content-type": "text/plain", origin: "null" },
    refused: [403, "forbidden"],
  },
];

Deno.test("POST messages rejects an invalid request with a one-line error and delivers nothing", async (t) => {
  await using hub = await startTestHub();
  await using alice = await TestSocket.plain(hub.url, "Alice");
  for (const { what, body, headers, query = "", room = "lobby", refused } of HOSTILE) {
    await t.step(what, async () => {
      const told = await fetchJson(hub, `/api/rooms/${room}/messages${query}`, {
        method: "POST",
        body,
        headers: { "content-type": "application/json", ...headers },
      });
      assertEquals([told.status, told.body.error.code], refused);
      assertMatch(told.body.error.message, /^[^\n\p{Cc}]{5,400}$/u);
    });
  }
  await post(hub, "lobby", "still there");
  const message = await alice.next("message");
  assertEquals([message["id"], message["message"]], [1, "still there"]);
});

const HEAD = (port: number): string =>
  `POST /api/rooms/lobby/messages HTTP/1.1\r\nHost: localhost:${port}\r\n`;

Deno.test("POST messages rejects a Content-Length over the limit with 413, unread", async () => {
  await using hub = await startTestHub();
  const told = await rawRequest(hub.port, `${HEAD(hub.port)}Content-Length: 1073741824\r\n\r\nabc`);
  assertEquals(told.status, 413);
  assertMatch(told.headers.get("connection") ?? "", /^close/);
});

Deno.test("POST messages stops reading an endless body", async () => {
  await using hub = await startTestHub();
  using socket = await Deno.connect({ hostname: "127.0.0.1", port: hub.port });
  const write = async (text: string): Promise<boolean> => {
    try {
      await socket.write(new TextEncoder().encode(text));
      return true;
    } catch (error) {
      // The hub closed the connection; the error differs.
      if (!(error instanceof Error)) throw error;
      return false;
    }
  };
  await write(`${HEAD(hub.port)}Transfer-Encoding: chunked\r\n\r\n`);
  const chunk = `4000\r\n${"x".repeat(0x4000)}\r\n`;
  let sent = 0;
  // More than all buffers on the way hold: a hub that goes on reading takes all of it.
  while (sent < 4096 && await write(chunk)) sent++;
  assert(sent < 4096, "the hub read 64 MiB");
  const status = await fetchJson(hub, "/api/status");
  assertEquals(status.body.messages, 0);
});

Deno.test("POST messages rejects a slow body with 408 after BODY_TIMEOUT", async () => {
  const clock = new FakeClock();
  await using hub = await startTestHub({ clock });
  const answer = rawRequest(hub.port, `${HEAD(hub.port)}Content-Length: 10\r\n\r\nabc`);
  let over = false;
  const told = answer.finally(() => over = true);
  // The clock stands still: advance it until the deadline of the request is over.
  await until("an answer", () => {
    clock.advance(BODY_TIMEOUT);
    return over;
  });
  assertEquals((await told).status, 408);
  assertMatch((await told).headers.get("connection") ?? "", /^close/);
  assertStringIncludes((await told).body, `"code":"timeout"`);
});

Deno.test("POST messages reads `via` from the query for text bodies", async () => {
  await using hub = await startTestHub();
  const said = async (): Promise<unknown> => {
    const { body: { messages } } = await fetchJson(hub, "/api/rooms/lobby/messages?limit=1");
    return messages[0].via;
  };
  assertEquals((await post(hub, "lobby", "hi", {}, "?via=a,B.c-d_9")).status, 201);
  assertEquals(await said(), ["a", "B.c-d_9"]);
  // The body takes precedence; an empty variable of a script means none.
  await post(hub, "lobby", { message: "hi", via: ["c"] }, {}, "?via=a");
  assertEquals(await said(), ["c"]);
  assertEquals((await post(hub, "lobby", "hi", {}, "?via=")).status, 201);
  assertEquals(await said(), undefined);
  const many = Array.from({ length: 17 }, () => "a").join();
  for (const wrong of ["a b", ",", "a,", many]) {
    const { status } = await post(hub, "lobby", "hi", {}, `?via=${encodeURIComponent(wrong)}`);
    assertEquals(status, 400, wrong);
  }
});
