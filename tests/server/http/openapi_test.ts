import { assert, assertEquals, assertMatch } from "@std/assert";
import { type Authorizer, combineAuthorizers } from "../../../auth/authorizer.ts";
import { Rights } from "../../../auth/rights.ts";
import { SecretAuthorizer } from "../../../auth/secrets.ts";
import { FakeClock } from "../../kit/fake_clock.ts";
import { fetchJson, httpUrl, post } from "../../kit/http.ts";
import { SseReader } from "../../kit/sse_reader.ts";
import { openApiChecker } from "../../kit/openapi_checker.ts";
import { TestSocket } from "../../kit/test_socket.ts";
import { startTestHub } from "../../kit/test_hub.ts";

/** Rejects the token `bad`; the token `reader` may only read. */
const authorizer: Authorizer = {
  required: false,
  authorize(token) {
    if (token === "bad") return { ok: false, failure: "wrong", reason: "The token is wrong" };
    const rights = Rights.parse({ lobby: token === "reader" ? "read" : "read-write" });
    if (rights === undefined) return { ok: false, failure: "wrong", reason: "No rights" };
    return { ok: true, grant: { name: undefined, rights, admin: false, expiresAt: Infinity } };
  },
};

const MESSAGES = "/api/rooms/{room}/messages";
const MESSAGE = "/api/rooms/{room}/messages/{id}";
const EVENTS = "/api/rooms/{room}/events";
const ROOMS_EVENTS = "/api/events";

function saying(body: string, type = "text/plain", more: Record<string, string> = {}): RequestInit {
  return { body, headers: { "content-type": type, ...more } };
}

Deno.test("GET /api/openapi.json describes every response of every path", async () => {
  const clock = new FakeClock();
  // One wrong token for each operation.
  await using hub = await startTestHub({ clock, authorizer, limits: { maxFailures: 100 } });
  const checker = await openApiChecker(hub);
  using client = Deno.createHttpClient({ allowHost: true });
  // The operations of moderators have a test of their own.
  const operations = checker.operations.filter(([, path]) => !path.startsWith("/api/admin/"));
  await using alice = await TestSocket.plain(hub.url, "Alice");
  alice.send({ type: "message", message: "hi", data: [1], kind: "action" });
  await alice.next("message");
  const [away] = await TestSocket.v1(hub.url, { sender: "Bob", rooms: [{ room: "lobby" }] });
  away.socket.close(3000);
  await away.closed;
  for (const [method, path] of operations) {
    const body = method === "POST" ? saying("hi") : {};
    await checker.ask(hub, method, path, "", body);
    await checker.ask(hub, method, path, "?token=bad", body);
    await checker.ask(hub, method, path, "?unknown=1", body);
    const headers = new Headers(body.headers);
    headers.set("origin", "https://evil.example");
    await checker.ask(hub, method, path, "", { ...body, headers });
    headers.set("host", "evil.example");
    const misdirected: RequestInit & { client: Deno.HttpClient } = { ...body, headers, client };
    await checker.ask(hub, method, path, "", misdirected);
  }
  const keyed = saying(`{"message":"hi"}`, "application/json", { "idempotency-key": "k" });
  for (
    const [method, path, query, init] of [
      ["GET", "/api/people", "?room=NO", {}],
      ["GET", EVENTS, "?after=x", {}],
      ["GET", ROOMS_EVENTS, "?room=lobby&recent=1", {}],
      ["GET", MESSAGE, "?token=reader", { headers: { "if-none-match": "*" } }],
      ["GET", MESSAGES, "?limit=1", { headers: { "if-none-match": "*" } }],
      ["GET", MESSAGES, "?limit=0", {}],
      ["POST", MESSAGES, "", saying("")],
      ["POST", MESSAGES, "", keyed],
      ["POST", MESSAGES, "", keyed],
      [
        "POST",
        MESSAGES,
        "",
        saying(`{"message":"other"}`, "application/json", { "idempotency-key": "k" }),
      ],
      ["POST", MESSAGES, "?sender=Alice", saying("hi")],
      ["POST", MESSAGES, "", saying("x".repeat(70_000))],
      ["POST", MESSAGES, "", saying("x", "image/png")],
      ["POST", MESSAGES, "?token=reader", saying("hi")],
    ] as const
  ) {
    await checker.ask(hub, method, path, query, init);
  }
  await using limited = await startTestHub({
    clock,
    limits: { ratePerAddress: 1, rateOnLoopback: true },
  });
  for (const [method, path] of operations) {
    while (!checker.seen.has(`${method} ${path} 429`)) {
      await checker.ask(limited, method, path, "", method === "POST" ? saying("hi") : {});
    }
  }
  await using full = await startTestHub({ limits: { maxConnections: 0 } });
  await checker.ask(full, "GET", EVENTS);
  await checker.ask(full, "GET", ROOMS_EVENTS, "?room=lobby");
  await checker.ask(full, "GET", MESSAGES, "?after=0&wait=1");
  await using crowded = await startTestHub({ rooms: ["ops"], limits: { maxRoomsTotal: 1 } });
  await checker.ask(crowded, "GET", EVENTS);
  await checker.ask(crowded, "GET", ROOMS_EVENTS, "?room=lobby");
  await checker.ask(crowded, "GET", MESSAGES, "?after=0&wait=1");
  await checker.ask(crowded, "GET", MESSAGE);
  const stopping = await startTestHub({ clock });
  await using _carol = await TestSocket.plain(stopping.url, "Carol");
  const stopped = stopping.stop("Bye", 100);
  await checker.ask(stopping, "POST", MESSAGES, "", saying("hi"));
  clock.advance(1000);
  await stopped;
  // An internal error cannot be provoked, and a slow body has a test of its own.
  const left = operations.flatMap(([method, path, { responses }]) =>
    Object.keys(responses).map((status) => `${method} ${path} ${status}`)
  ).filter((what) => !checker.seen.has(what) && !what.endsWith(" 500"));
  assertEquals(left, [`POST ${MESSAGES} 408`]);
});

/** The places where a schema permits no other fields or words than those of this version. */
function closedPlaces(value: unknown, path: string): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const place = `${path}/${key}`;
    const closes = (key === "additionalProperties" && inner === false) || key === "enum" ||
      (key === "const" && inner !== true);
    return closes ? [place] : closedPlaces(inner, place);
  });
}

Deno.test("what the hub sends may have fields and words of a later version", async () => {
  await using hub = await startTestHub();
  const { document } = await openApiChecker(hub);
  // The only schema of a request.
  const { Post: _post, ...schemas } = document.components.schemas;
  assertEquals(closedPlaces(schemas, ""), []);
  for (const item of Object.values(document.paths)) {
    for (const { responses } of Object.values(item)) {
      assertEquals(closedPlaces(responses, ""), []);
    }
  }
});

Deno.test("GET /api/openapi.json describes the events of a stream", async () => {
  const moderators = new SecretAuthorizer(["an-admin-token-of-the-hub"], { admin: true });
  await using hub = await startTestHub({
    authorizer: combineAuthorizers([moderators], { open: true }),
  });
  const checker = await openApiChecker(hub);
  await post(hub, "lobby", "hi");
  await using events = await SseReader.open(hub, "lobby", "?after=other:1");
  await events.message(1);
  for (const order of ["announce", "close-room"]) {
    const body = JSON.stringify({
      room: "lobby",
      [order === "announce" ? "message" : "reason"]: "x",
    });
    const headers = { authorization: "Bearer an-admin-token-of-the-hub" };
    await fetchJson(hub, `/api/admin/${order}`, { method: "POST", body, headers });
  }
  await events.next("the end", ({ event }) => event === "notice");
  for (
    const [event, schema] of [
      ["message", "Message"],
      ["reset", "Reset"],
      ["announcement", "Notice"],
      ["notice", "Notice"],
    ] as const
  ) {
    const block = events.blocks.find((block) => block.event === event);
    checker.check(schema, JSON.parse(block?.data ?? ""));
  }
});

Deno.test("responses have CORS headers for allowed origins only", async () => {
  await using hub = await startTestHub({ origins: ["https://chat.example"] });
  const ask = async (method: string, path: string, origin: string): Promise<Response> => {
    const response = await fetch(httpUrl(hub, path), {
      method,
      headers: { origin, "access-control-request-method": "POST" },
    });
    await response.body?.cancel();
    return response;
  };
  for (
    const [method, path, status] of [
      ["OPTIONS", "/api/rooms/lobby/messages", 204],
      ["GET", "/api/rooms/lobby/messages", 200],
      ["GET", "/api/rooms/lobby/events", 200],
      ["GET", "/api/nothing", 404],
    ] as const
  ) {
    const shared = await ask(method, path, "https://chat.example");
    const { headers } = shared;
    const reader = headers.get("access-control-allow-origin");
    assertEquals([shared.status, reader], [status, "https://chat.example"], path);
    // The runtime may add accept-encoding.
    assertMatch(headers.get("vary") ?? "", /(^|, )origin$/);
    assertEquals(headers.get("access-control-allow-credentials"), null);
    const foreign = await ask(method, path, "https://evil.example");
    assertEquals([foreign.status, foreign.headers.get("access-control-allow-origin")], [403, null]);
    const own = await ask(method, path, httpUrl(hub, "").replace(/\/$/, ""));
    assertEquals(own.headers.get("access-control-allow-origin"), null);
  }
  const { headers } = await ask("OPTIONS", "/api/status", "https://chat.example");
  assertEquals(headers.get("access-control-allow-methods"), "GET, HEAD, POST");
  const allowed = headers.get("access-control-allow-headers") ?? "";
  assert(allowed.split(", ").includes("authorization"));
});
