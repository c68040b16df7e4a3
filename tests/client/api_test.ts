import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { apiUrl } from "../../client/api.ts";
import { ConnectError, HubApi } from "../../client.ts";

/** A web server that responds to every request with `answer`, and its `ws://` address. */
function server(answer: (request: Request) => Response | Promise<Response>): AsyncDisposable & {
  readonly url: URL;
} {
  const http = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
  return {
    url: new URL(`ws://127.0.0.1:${http.addr.port}/`),
    [Symbol.asyncDispose]: () => http.shutdown(),
  };
}

const EMPTY = { online: 0, members: [] };

for (
  const [url, expected] of [
    ["ws://h:1/", "http://h:1/api/people"],
    ["ws://h:1/ws", "http://h:1/api/people"],
    ["wss://h/", "https://h/api/people"],
    ["wss://h/chat/ws?token=secret", "https://h/chat/api/people"],
    ["wss://u:p@h/chat/", "https://h/chat/api/people"],
    ["ws://[::1]:8765", "http://[::1]:8765/api/people"],
  ] as const
) {
  Deno.test(`apiUrl() of ${url} is the API of the same hub, without secrets`, () => {
    assertEquals(apiUrl(new URL(url), "people").href, expected);
    assertEquals(apiUrl(new URL(url), "people", { room: "a b" }).search, "?room=a+b");
  });
}

Deno.test("`HubApi` sends a bearer token and does not follow redirects with it", async () => {
  const seen: (string | null)[] = [];
  await using other = server(({ headers }) => {
    seen.push(`other ${headers.get("authorization")}`);
    return Response.json(EMPTY);
  });
  await using hub = server(({ headers, url }) => {
    seen.push(headers.get("authorization"));
    return url.includes("room=")
      ? Response.redirect(other.url.href.replace("ws:", "http:"), 302)
      : Response.json(EMPTY);
  });
  const api = new HubApi({ url: hub.url, token: "t1" });
  assertEquals(await api.members(), EMPTY);
  const error = await assertRejects(() => api.members("lobby"), ConnectError);
  assertMatch(error.message, /redirects to http:/);
  assertEquals(seen, ["Bearer t1", "Bearer t1"]);
});

Deno.test("`HubApi` reads the answers of a later hub, with fields and words that it does not know", async () => {
  const later = { later: { x: [1] } };
  await using hub = server(({ url }) => {
    const { pathname } = new URL(url);
    return Response.json(
      pathname.endsWith("bans")
        ? { measures: [{ kind: "shadow", by: "Root", since: "2026-01-01", ...later }], ...later }
        : { online: 1, members: [{ name: "Al", rooms: ["a"], away: false, ...later }], ...later },
    );
  });
  const api = new HubApi({ url: hub.url });
  assertEquals((await api.sanctions()).measures.map(({ kind }) => kind), ["shadow"]);
  assertEquals((await api.members()).members.map(({ name }) => name), ["Al"]);
});

for (
  const [what, answer, failure, message] of [
    [
      "a page",
      () => new Response("<html>", { headers: { "content-type": "text/html" } }),
      "not-a-hub",
      /^No bcast hub at ws:/,
    ],
    ["other JSON", () => Response.json({ online: "3" }), "not-a-hub", /^No bcast hub at ws:/],
    ["JSON null", () => Response.json(null), "not-a-hub", /^No bcast hub at ws:/],
    ["404 of a web server", () => new Response("no", { status: 404 }), "not-a-hub", /HTTP 404/],
    [
      "an older hub",
      () => new Response("Nothing is here\n", { status: 404, headers: { server: "bcast/0.0.9" } }),
      "unsupported",
      /^The hub at ws:\S+ is too old for this/,
    ],
    [
      "a hub with a fault",
      () => Response.json({ error: { code: "internal", message: "\x1b[2Jno" } }, { status: 500 }),
      "unsupported",
      /^The hub at ws:\S+ cannot answer: ␛\[2Jno$/,
    ],
    [
      "a hub that wants a token",
      () =>
        Response.json({ error: { code: "unauthorized", message: "Bring one" } }, { status: 401 }),
      "rejected",
      /^The hub at ws:\S+ rejected the request: Bring one$/,
    ],
    [
      "a full hub",
      () => new Response("", { status: 503, headers: { "retry-after": "5" } }),
      "busy",
      /busy/,
    ],
    [
      "a body without end",
      () =>
        new Response(
          new ReadableStream({
            pull: (controller) => controller.enqueue(new Uint8Array(65536).fill(32)),
          }),
        ),
      "not-a-hub",
      /^No bcast hub/,
    ],
  ] as const
) {
  Deno.test(`\`HubApi\` explains ${what} in one line`, async () => {
    await using hub = server(answer);
    const error = await assertRejects(() => new HubApi({ url: hub.url }).members(), ConnectError);
    assertEquals(error.failure, failure);
    assertMatch(error.message, message);
  });
}

Deno.test("`HubApi` tells a closed port, a timeout, an unknown host and an abort apart", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = new URL(`ws://127.0.0.1:${listener.addr.port}/`);
  // The connection opens, but the server never responds.
  const slow = await assertRejects(() => new HubApi({ url, timeout: 50 }).status(), ConnectError);
  assertEquals(slow.failure, "network");
  assertMatch(slow.message, /does not answer$/);
  const controller = new AbortController();
  const asked = new HubApi({ url, signal: controller.signal }).status();
  controller.abort("SIGINT");
  assertEquals((await assertRejects(() => asked, ConnectError)).failure, "closed");
  listener.close();
  const none = await assertRejects(() => new HubApi({ url }).status(), ConnectError);
  assertEquals(none.failure, "connection-refused");
  assertMatch(none.message, /^Nothing listens at ws:/);
  const unknown = await assertRejects(
    () => new HubApi({ url: new URL("ws://nobody.invalid/") }).status(),
    ConnectError,
  );
  assertEquals(unknown.failure, "unknown-host");
});
