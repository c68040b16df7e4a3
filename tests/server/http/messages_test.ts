import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { openSqliteBroker } from "../../../broker/sqlite/sqlite_broker.ts";
import { maxFrameBytes } from "../../../protocol.ts";
import { FakeClock } from "../../kit/fake_clock.ts";
import { fetchJson, httpUrl, post } from "../../kit/http.ts";
import { postModeration, startModeratedHub, startTestHub } from "../../kit/test_hub.ts";
import { TestSocket } from "../../kit/test_socket.ts";
import { until } from "../../kit/wait.ts";
import type { Server } from "../../../server.ts";

const MESSAGES = "/api/rooms/lobby/messages";

Deno.test("GET messages/{id} returns the message as in the list, with its epoch", async () => {
  await using hub = await startTestHub();
  await post(hub, "lobby", { message: "one", "x-acme-order": { n: 1 }, kind: "x-acme-alarm" });
  await post(hub, "lobby", "two");
  const { body: { messages, epoch } } = await fetchJson(hub, MESSAGES);
  for (const message of messages) {
    const { status, body } = await fetchJson(hub, `${MESSAGES}/${message.id}`);
    assertEquals([status, body], [200, { ...message, epoch }]);
  }
});

Deno.test("GET messages/{id} answers 404 for messages that are trimmed or not written yet", async () => {
  const broker = await openSqliteBroker({
    path: ":memory:",
    retention: { maxMessages: 2, maxAge: Infinity },
  });
  await using hub = await startTestHub({ broker });
  for (const text of ["a", "b", "c"]) await post(hub, "lobby", text);
  await broker.trim();
  const statuses: number[] = [];
  for (const id of [1, 2, 3, 4, 999_999_999_999_999]) {
    const { status, body } = await fetchJson(hub, `${MESSAGES}/${id}`);
    if (status === 404) assertEquals(body.error.code, "not_found");
    statuses.push(status);
  }
  assertEquals(statuses, [404, 200, 200, 404, 404]);
  assertEquals((await fetchJson(hub, "/api/rooms/none/messages/1")).status, 404);
  for (const id of ["0", "-1", "1.5", "x", "99999999999999999999", "%31", ""]) {
    const { status, body } = await fetchJson(hub, `${MESSAGES}/${id}`);
    assertEquals([status, body.error.code], [400, "bad_parameter"], id);
  }
});

/** Asks for a path with the ETag of an earlier answer. */
async function revalidate(hub: Server, path: string, etag: string): Promise<Response> {
  const response = await fetch(httpUrl(hub, path), { headers: { "if-none-match": etag } });
  await response.body?.cancel();
  return response;
}

/** The ETag of an answer; older runtimes compress answers, and mark the tag as weak. */
function tagOf(headers: Headers): string {
  return headers.get("etag")?.replace(/^W\//, "") ?? "";
}

Deno.test("messages have an ETag that stays the same as long as the answer", async () => {
  await using hub = await startTestHub();
  for (const text of ["a", "b", "c"]) await post(hub, "lobby", text);
  const paths = [
    MESSAGES,
    `${MESSAGES}?limit=2`,
    `${MESSAGES}?after=1&limit=1`,
    `${MESSAGES}?after=3`,
    `${MESSAGES}?before=2`,
    `${MESSAGES}?query=b`,
    `${MESSAGES}/2`,
  ];
  const tags = new Map<string, string>();
  for (const path of paths) {
    const { headers } = await fetchJson(hub, path);
    const etag = tagOf(headers);
    assertMatch(etag, /^"[\x21\x23-\x7e]+"$/);
    assertEquals(headers.get("cache-control"), "private, no-cache");
    const head = await fetch(httpUrl(hub, path), { method: "HEAD" });
    assertEquals([head.status, tagOf(head.headers), await head.text()], [200, etag, ""]);
    for (const given of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      const response = await revalidate(hub, path, given);
      assertEquals([response.status, tagOf(response.headers)], [304, etag], given);
      assertEquals(response.headers.get("cache-control"), "private, no-cache");
    }
    for (const given of ['"other"', etag.slice(1, -1), ""]) {
      assertEquals((await revalidate(hub, path, given)).status, 200, given);
    }
    tags.set(path, etag);
  }
  await post(hub, "lobby", "d and b");
  const changed = [];
  for (const [path, etag] of tags) {
    if ((await revalidate(hub, path, etag)).status === 200) {
      changed.push(path.replace(MESSAGES, ""));
    }
  }
  assertEquals(changed, ["", "?limit=2", "?after=3", "?query=b"]);
});

Deno.test("the same page of another log has another ETag", async () => {
  const tags = [];
  for (let n = 0; n < 2; n++) {
    await using hub = await startTestHub();
    await post(hub, "lobby", "hi");
    tags.push((await fetchJson(hub, MESSAGES)).headers.get("etag"));
  }
  assertNotEquals(tags[0], tags[1]);
});

Deno.test("a page of history fits a frame, whatever its characters", async () => {
  const broker = await openSqliteBroker({ path: ":memory:" });
  // 3 bytes of UTF-8 a unit, and 6 characters of JSON.
  const EACH = 60;
  for (const unit of ["世", "\u0001", "a"]) {
    await broker.append(Array.from({ length: EACH }, () => ({
      room: "lobby",
      sender: "Alice",
      content: { message: unit.repeat(10_000), data: { "x": unit.repeat(500) } },
    })));
  }
  await using hub = await startTestHub({ broker });
  const { body: { epoch } } = await fetchJson(hub, `${MESSAGES}?limit=1`);
  let after = 0;
  for (let more = true; more;) {
    const response = await fetch(httpUrl(hub, `${MESSAGES}?limit=500&after=${after}`));
    const bytes = await response.bytes();
    assert(bytes.length < maxFrameBytes(0), `${bytes.length} bytes`);
    const page = JSON.parse(new TextDecoder().decode(bytes));
    assertEquals([page.messages[0].id, page.epoch], [after + 1, epoch]);
    more = page.more;
    after = page.messages.at(-1).id;
  }
  assertEquals(after, 3 * EACH);
});

Deno.test("?wait= answers at once if there is a message, else with the first that comes", async () => {
  const clock = new FakeClock();
  await using hub = await startTestHub({ clock });
  await post(hub, "lobby", "one");
  const known = await fetchJson(hub, `${MESSAGES}?after=0&wait=60`);
  assertEquals(known.body.messages.length, 1);
  const coming = fetchJson(hub, `${MESSAGES}?after=1&wait=60`);
  await until("the request waits", () => hub.online === 1);
  await post(hub, "attic", "elsewhere");
  await post(hub, "lobby", "two");
  const { status, body, headers } = await coming;
  const { body: page } = await fetchJson(hub, `${MESSAGES}?after=1`);
  assertEquals([status, body], [200, page]);
  assertEquals(body.messages.map(({ message }: { message: string }) => message), ["two"]);
  assertEquals(headers.get("cache-control"), "no-store");
  // A position beyond the log will not come: the client learns the epoch at once.
  const ahead = await fetchJson(hub, `${MESSAGES}?after=99&wait=60`);
  assertEquals([ahead.body.messages, ahead.body.epoch], [[], page.epoch]);
  await until("no reader is left", () => hub.online === 0);
});

Deno.test("?wait= answers with an empty page after that many seconds", async () => {
  const clock = new FakeClock();
  await using hub = await startTestHub({ clock });
  const coming = fetchJson(hub, `${MESSAGES}?after=0&wait=30`);
  let answered = false;
  const done = coming.then(() => answered = true);
  await until("the request waits", () => hub.online === 1);
  clock.advance(29_999);
  assertEquals([answered, hub.online], [false, 1]);
  clock.advance(1);
  await done;
  const { status, body } = await coming;
  const { body: { epoch } } = await fetchJson(hub, MESSAGES);
  assertEquals([status, body], [200, { room: "lobby", epoch, messages: [], more: false }]);
  assertEquals(hub.online, 0);
});

Deno.test("?wait= is free again when its client has gone, and is not announced", async () => {
  await using hub = await startTestHub({ limits: { maxConnections: 2 } });
  await using alice = await TestSocket.plain(hub.url, "Alice");
  const abort = new AbortController();
  const init = { signal: abort.signal };
  const response = await fetch(httpUrl(hub, `${MESSAGES}?after=0&wait=60`), init);
  assertEquals([response.status, hub.online], [200, 2]);
  const full = await fetchJson(hub, `${MESSAGES}?after=0&wait=60`);
  assertEquals([full.status, full.body.error.code], [503, "unavailable"]);
  // Only waiting takes a connection.
  assertEquals((await fetchJson(hub, `${MESSAGES}?after=0`)).status, 200);
  const { online, members } = (await fetchJson(hub, "/api/rooms/lobby/members")).body;
  assertEquals([online, members.length], [1, 1]);
  abort.abort();
  await until("it is forgotten", () => hub.online === 1);
  await post(hub, "lobby", "hi");
  await alice.next("message");
  assertEquals(alice.all("system").filter(({ event }) => event === "leave"), []);
});

Deno.test("?wait= ends with what there is when the hub stops or the room is closed", async () => {
  const hub = await startModeratedHub();
  const waiting = fetchJson(hub, "/api/rooms/party/messages?after=0&wait=60");
  await until("the request waits", () => hub.online === 1);
  await postModeration(hub, "close-room", { room: "party" });
  assertEquals((await waiting).body.messages, []);
  const closed = await fetchJson(hub, "/api/rooms/party/messages?after=0&wait=60");
  assertEquals([closed.status, closed.body.error.code], [403, "forbidden"]);
  const last = fetchJson(hub, `${MESSAGES}?after=0&wait=60`);
  await until("the request waits", () => hub.online === 1);
  await hub.stop("Bye");
  const { status, body } = await last;
  assertEquals([status, body.messages], [200, []]);
});

Deno.test("?wait= without a position, with a filter, or too long is rejected", async () => {
  await using hub = await startTestHub();
  for (
    const query of [
      "?wait=1",
      "?wait=1&before=3",
      "?wait=1&after=1&before=3",
      "?wait=1&after=1&query=x",
      "?wait=61&after=1",
      "?wait=-1&after=1",
      "?wait=0.5&after=1",
      "?wait=&after=1",
    ]
  ) {
    const { status, body } = await fetchJson(hub, MESSAGES + query);
    assertEquals([status, body.error.code], [400, "bad_parameter"], query);
  }
  assertEquals((await fetchJson(hub, `${MESSAGES}?wait=0`)).status, 200);
  const head = await fetch(httpUrl(hub, `${MESSAGES}?after=0&wait=60`), { method: "HEAD" });
  assertEquals(head.status, 200);
  assertEquals(hub.online, 0);
});
