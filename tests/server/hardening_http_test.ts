import { assert, assertEquals } from "@std/assert";
import { formatJson, formatText } from "../../cli/logging.ts";
import { rawRequest, UPGRADE } from "../kit/raw_http.ts";
import { TestSocket } from "../kit/test_socket.ts";
import { startTestHub } from "../kit/test_hub.ts";
import { collectLog } from "../kit/collected_log.ts";

const request = (line: string, headers = ""): string =>
  `${line}\r\nHost: localhost\r\nConnection: close\r\n${headers}\r\n`;
const get = (path: string, headers = ""): string => request(`GET ${path} HTTP/1.1`, headers);
const upgrade = (path: string, headers = UPGRADE): string =>
  `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`;

/**
 * Hostile requests, and the status of the response. Where there are two, the runtime decides, and
 * its versions differ.
 */
const TABLE: readonly (readonly [what: string, request: string, ...statuses: number[]])[] = [
  // Path traversal: the hub serves no files, and must not start to.
  ...[
    ...["/../../etc/passwd", "/..", "/.", "/./../x", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fx"],
    ...["/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "/..%5c..%5cx", "/..\\..\\x", "/%00", "/a%00.html"],
    ...["/%252e%252e/x", "/ws/%2e%2e%2f", "/metrics/../../x", "//etc/passwd", "/ws//", "/ws/"],
    ...["/WS", "/ws%00", "/;/ws", "/%zz", "/%c0%ae%c0%ae/x", "/file:///etc/passwd"],
  ].map((path) =>
    [`path ${path}`, get(path), path === "/.." || path === "/." ? 200 : 404] as const
  ),
  ["path with a raw NUL", get("/a\0b"), 400],
  ["another host in the path", get("http://elsewhere.example/etc/passwd"), 400],
  // Odd requests.
  ["a path of 60 KB", get(`/${"a".repeat(60_000)}`), 404],
  ["a path of 1 MB", get(`/${"a".repeat(1_000_000)}`), 400, 431],
  ["a query of 60 KB", get(`/?${"a=b&".repeat(15_000)}`), 200],
  ["a header of 1 MB", get("/", `X: ${"y".repeat(1_000_000)}\r\n`), 400, 431],
  ["500 headers", get("/", "X: y\r\n".repeat(500)), 400, 431],
  ["a Host that is none", "GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n", 400],
  ["a Host like a bracket", "GET / HTTP/1.1\r\nHost: [\r\nConnection: close\r\n\r\n", 400],
  ["a Host like a path", "GET / HTTP/1.1\r\nHost: x/../..\r\nConnection: close\r\n\r\n", 400],
  ["two hosts", get("/", "Host: other\r\n"), 400],
  ["HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", 200],
  ["HTTP/0.9", "GET /\r\n\r\n", 400],
  ["HTTP/2.0 in clear text", request("GET / HTTP/2.0"), 400],
  ["no HTTP at all", "\x16\x03\x01\x02\x00\x01\r\n\r\n", 400],
  ["a header that goes on in the next line", get("/", "X: a\r\n b\r\n"), 400],
  ["a header with a raw NUL", get("/", "X: a\0b\r\n"), 400],
  [
    "a request hidden in another",
    request(
      "POST / HTTP/1.1",
      "Content-Length: 4\r\n" +
        "Transfer-Encoding: chunked\r\n",
    ) + "0\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n",
    400,
    405,
  ],
  ["a body for /", request("POST / HTTP/1.1", "Content-Length: 5\r\n") + "hello", 405],
  ["a body of 100 GB", request("POST / HTTP/1.1", "Content-Length: 100000000000\r\n"), 405],
  ...["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"].map((method) =>
    [`method ${method}`, request(`${method} /ws HTTP/1.1`), 405] as const
  ),
  ["CONNECT", request("CONNECT other:25 HTTP/1.1"), 400],
  // Invalid handshakes (RFC 6455 section 4.2.1).
  ["an upgrade by POST", upgrade("/").replace("GET", "POST"), 405],
  ["version 8", upgrade("/", UPGRADE.replace("13", "8")), 426],
  ["no version", upgrade("/", UPGRADE.replace(/Sec-WebSocket-Version.*\r\n/, "")), 426],
  ["no key", upgrade("/", UPGRADE.replace(/Sec-WebSocket-Key.*\r\n/, "")), 400],
  ["a short key", upgrade("/", UPGRADE.replace("dGhlIHNhbXBsZSBub25jZQ==", "eA==")), 400],
  ["a key that is none", upgrade("/", UPGRADE.replace("dGhl", "????")), 400],
  ["an upgrade to something else", upgrade("/", UPGRADE.replace("websocket", "h2c")), 200],
  ["a room that is none", upgrade("/?room=../../x"), 400],
  ["a room with a line end", upgrade("/?room=a%0d%0aX:y"), 400],
];

for (const [what, text, ...statuses] of TABLE) {
  Deno.test(`hardening: ${what}: ${statuses.join(" or ")}, and a bystander loses nothing`, async () => {
    await using trouble = await collectLog();
    await using hub = await startTestHub();
    await using bystander = await TestSocket.plain(hub.url, "Bystander");
    const answer = await rawRequest(hub.port, text);
    assert(statuses.includes(answer.status), answer.head);
    assert(!answer.body.includes("root:"), "no file comes out");
    assert(answer.body.length < 500, answer.body);
    bystander.send({ type: "message", message: "still here" });
    assertEquals((await bystander.next("message"))["id"], 1);
    assertEquals(trouble.errors, []);
  });
}

for (
  const [host, status] of [["a b", 400], ["[", 400], ["x/../..", 400], ["other", 200]] as const
) {
  Deno.test(`hardening: a Host ${host} where any page may talk to the hub: ${status}`, async () => {
    await using trouble = await collectLog();
    await using hub = await startTestHub({ origins: ["*"] });
    const text = `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
    assertEquals((await rawRequest(hub.port, text)).status, status);
    assertEquals(trouble.errors, []);
  });
}

Deno.test("hardening: pipelined requests are answered in order", async () => {
  await using hub = await startTestHub();
  using conn = await Deno.connect({ hostname: "127.0.0.1", port: hub.port });
  const one = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
  await conn.write(
    new TextEncoder().encode(one("/") + one("/a") + one("/metrics") + get("/?room=x")),
  );
  let text = "";
  for await (const part of conn.readable.pipeThrough(new TextDecoderStream())) text += part;
  const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status);
  assertEquals(statuses, ["200", "404", "200", "200"]);
});

Deno.test("hardening: long lists of subprotocols are read with and without spaces", async () => {
  await using hub = await startTestHub();
  for (
    const list of [
      "a,bcast.text",
      "a, bcast.text",
      "bcast.text,a",
      "a,".repeat(5000) + "bcast.text",
    ]
  ) {
    const answer = await rawRequest(
      hub.port,
      upgrade("/", `${UPGRADE}Sec-WebSocket-Protocol: ${list}\r\n`),
    );
    assertEquals(answer.status, 101);
    assert(/^sec-websocket-protocol: bcast\.text$/m.test(answer.head.replaceAll("\r", "")));
  }
});

const EVIL = [
  "a\r\nX-Injected: yes",
  "a\n2026-01-01T00:00:00.000Z error   hub: forged",
  '"},{"level":"error"}',
  "\u001b[2J\u001b]0;title\u0007",
  "\u202egnp.exe",
  "%s%n{name}{connection}",
  "${jndi:ldap://x}",
  "<script>alert(1)</script>",
];

for (const evil of EVIL) {
  Deno.test(`hardening: ${JSON.stringify(evil)} injects nothing into headers or the log`, async () => {
    await using trouble = await collectLog();
    await using hub = await startTestHub();
    const encoded = encodeURIComponent(evil);
    for (
      const query of [`sender=${encoded}`, `room=${encoded}`, `format=${encoded}`, `${encoded}=1`]
    ) {
      const answer = await rawRequest(hub.port, upgrade(`/?${query}`));
      assert(!/x-injected/i.test(answer.head), answer.head);
      const lost = await rawRequest(hub.port, get(`/${encoded}?${query}`));
      assertEquals(lost.status, 404);
      assert(!lost.body.includes("script"), lost.body);
    }
    await using client = await TestSocket.plain(hub.url);
    for (const type of ["nick", "hello", evil]) client.send({ type, sender: evil, ref: evil });
    client.send({ type: "join", room: evil });
    client.send({ type: "direct", to: evil, message: evil });
    client.send({ type: "message", message: evil, ref: 1 });
    await client.next("ack", (frame) => frame["ref"] === 1);
    assert(trouble.records.length > 3);
    for (const record of trouble.records) {
      const line = formatText(record);
      assertEquals(line.split("\n").length, 2, line);
      // deno-lint-ignore no-control-regex -- control characters are what this tests
      assert(!/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/.test(line), line);
      const json = JSON.parse(formatJson(record));
      assertEquals(Object.keys(json), ["time", "level", "logger", "message", "properties"]);
      assert(json.level !== "error");
      const about = record.category.at(-1);
      // Lines about a connection name it.
      if (about === "hub") assert(/^c\d+$/.test(String(json.properties.connection)), line);
    }
  });
}
