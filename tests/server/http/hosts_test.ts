import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { connect as connectHttp2, constants } from "node:http2";
import fc from "fast-check";
import { readAuthority, requestAuthority } from "../../../server/http/hosts.ts";
import {
  certificateNames,
  HostList,
  machineNames,
  readHostPattern,
} from "../../../server/http/hosts.ts";
import { keyPair } from "../../kit/certificates.ts";
import { rawGet, rawRequest, requestUpgrade } from "../../kit/raw_http.ts";
import { startTestHub, type TestHubOptions } from "../../kit/test_hub.ts";

/** The status for each `Host` header, for a hub without `allowedHosts`; `PORT` is the hub's. */
const HOSTS: readonly (readonly [host: string, status: number])[] = [
  // Addresses need no DNS.
  ["127.0.0.1:PORT", 200],
  ["127.0.0.1", 200],
  ["192.0.2.1:1", 200],
  ["2130706433", 200],
  ["127.1", 200],
  ["[::1]:PORT", 200],
  ["[::ffff:127.0.0.1]", 200],
  ["[2001:DB8::1]:PORT", 200],
  // This machine.
  ["localhost:PORT", 200],
  ["localhost", 200],
  ["LOCALHOST.", 200],
  ["localhost:", 200],
  ["localhost:1", 200],
  ["chat.localhost:PORT", 200],
  // Names that anyone can register.
  ["evil.example:PORT", 421],
  ["evil.example", 421],
  ["EVIL.EXAMPLE.", 421],
  ["localhost.evil.example:PORT", 421],
  ["127.0.0.1.evil.example:PORT", 421],
  ["notlocalhost", 421],
  ["localhost.localdomain", 421],
  ["xn--mnchen-3ya.example", 421],
  ["under_score.example", 421],
  [`${"a".repeat(60)}.${"b".repeat(60)}.example`, 421],
  // Not names.
  ["user@localhost:PORT", 400],
  ["localhost@evil.example", 400],
  ["user:secret@localhost", 400],
  ["localhost/", 400],
  ["localhost/x", 400],
  ["localhost?x", 400],
  ["localhost#x", 400],
  ["localhost\\evil", 400],
  ["loc%61lhost", 400],
  ["localhost:99999", 400],
  ["localhost:x", 400],
  ["localhost:1:2", 400],
  ["[::1", 400],
  ["[]", 400],
  ["[fe80::1%eth0]", 400],
  ["[fe80::1%25eth0]", 400],
  ["::1", 400],
  [".", 400],
  [":1", 400],
  ["a b", 400],
  ["$(id)", 400],
  ["a;b", 400],
  ["localhost, evil.example", 400],
  ["münchen.example", 400],
  ["999.999.999.999", 400],
];

Deno.test("the Host header decides between 200, 421 and 400", async (t) => {
  await using hub = await startTestHub();
  for (const [name, status] of HOSTS) {
    const host = name.replace("PORT", String(hub.port));
    await t.step(`Host: ${name}`, async () => {
      for (const path of ["/api/status", "/api/rooms/lobby/messages", "/metrics"]) {
        const answer = await rawGet(hub.port, path, [["Host", host]]);
        assertEquals([path, answer.status], [path, status], answer.body);
        if (status === 421) {
          assertEquals(answer.body.trimEnd().split("\n").length, 1);
          assertStringIncludes(answer.body, "--allowed-host");
        }
        if (status === 400 && path.startsWith("/api/")) {
          const { error } = JSON.parse(answer.body);
          assertEquals(error.code, "bad_host");
          assertMatch(error.message, /^The Host header is not a host: \w/);
        }
      }
      // Health checks may use any valid name.
      const healthy = status === 400 ? [200, 400, 404] : [200];
      const { status: health } = await rawGet(hub.port, "/healthz", [["Host", host]]);
      assert(healthy.includes(health), String(health));
    });
  }
});

Deno.test("POST to a foreign name with a matching origin gets 421 on every kind of hub", async (t) => {
  const hubs: readonly [what: string, options: TestHubOptions][] = [
    ["localhost", { host: "localhost" }],
    ["all addresses", { host: "0.0.0.0" }],
    ["a trusted proxy", { trustedProxies: ["127.0.0.1"] }],
  ];
  for (const [what, options] of hubs) {
    await t.step(what, async () => {
      await using hub = await startTestHub(options);
      const name = `evil.example:${hub.port}`;
      const body = "hi";
      const answer = await rawRequest(
        hub.port,
        `POST /api/rooms/lobby/messages HTTP/1.1\r\nHost: ${name}\r\nOrigin: http://${name}\r\n` +
          `Content-Length: ${body.length}\r\nContent-Type: text/plain\r\n\r\n${body}`,
      );
      assertEquals(answer.status, 421, answer.body);
      assertEquals(JSON.parse(answer.body).error.code, "misdirected");
      assertStringIncludes(answer.body, "--allowed-host evil.example");
    });
  }
});

Deno.test("contradicting hosts in one request are rejected", async () => {
  await using hub = await startTestHub();
  const first = "GET http://evil.example/api/status HTTP/1.1\r\nHost: localhost\r\n\r\n";
  assertEquals((await rawRequest(hub.port, first)).status, 400);
  const same = "GET http://localhost/api/status HTTP/1.1\r\nHost: LOCALHOST:80\r\n\r\n";
  assertEquals((await rawRequest(hub.port, same)).status, 200);
  for (const [one, two] of [["localhost", "evil.example"], ["evil.example", "localhost"]]) {
    const both = `GET /api/status HTTP/1.1\r\nHost: ${one}\r\nHost: ${two}\r\n\r\n`;
    const { status } = await rawRequest(hub.port, both);
    // The runtime may close the connection before the hub sees the request.
    assert([0, 400].includes(status), String(status));
  }
});

Deno.test("--allowed-host also restricts the hosts that a proxy forwards", async (t) => {
  await using hub = await startTestHub({
    allowedHosts: ["chat.example", "*.lan"],
    trustedProxies: ["127.0.0.1"],
  });
  const forwarded = ["X-Forwarded-For", "192.0.2.1"] as const;
  for (
    const [host, headers, status] of [
      ["chat.example", [], 200],
      ["CHAT.example.:1", [], 200],
      ["hub.lan", [], 200],
      ["lan", [], 421],
      ["a.b.lan", [], 421],
      ["xchat.example", [], 421],
      ["x.chat.example", [], 421],
      ["localhost", [], 200],
      ["chat.example", [forwarded], 200],
      ["other.example", [forwarded], 421],
      ["127.0.0.1", [forwarded, ["X-Forwarded-Host", "chat.example"]], 200],
      ["127.0.0.1", [forwarded, ["X-Forwarded-Host", "other.example"]], 421],
      ["127.0.0.1", [forwarded, ["X-Forwarded-Host", "user@chat.example"]], 400],
    ] as const
  ) {
    await t.step(`${host} ${JSON.stringify(headers)}`, async () => {
      const answer = await rawGet(hub.port, "/api/status", [["Host", host], ...headers]);
      assertEquals(answer.status, status, answer.body);
    });
  }
});

Deno.test("a hub answers to the machine's name, the name it is bound to and the names in its certificate", async () => {
  const own = machineNames();
  assert(own.includes(Deno.hostname().toLowerCase()), own.join());
  assert(own.some((name) => name.endsWith(".local")), own.join());
  await using hub = await startTestHub();
  for (const name of own) {
    assertEquals((await rawGet(hub.port, "/api/status", [["Host", name]])).status, 200, name);
  }
  const { cert } = await keyPair([
    "hub.example",
    "*.wild.example",
    "127.0.0.1",
    "xn--mnchen-3ya.example",
  ]);
  assertEquals(certificateNames(cert), [
    "hub.example",
    "*.wild.example",
    "xn--mnchen-3ya.example",
  ]);
  const list = new HostList({ own: certificateNames(cert), allowed: [], origins: [] });
  for (const name of ["hub.example", "a.wild.example", "xn--mnchen-3ya.example", "[::1]"]) {
    assert(list.allows(name), name);
  }
  for (const name of ["wild.example", "a.b.wild.example", "example", "ahub.example"]) {
    assert(!list.allows(name), name);
  }
});

Deno.test("`readHostPattern()` accepts DNS names only", () => {
  for (
    const [text, name] of [
      ["chat.example", "chat.example"],
      ["CHAT.Example.", "chat.example"],
      ["my_hub", "my_hub"],
      ["münchen.example", "xn--mnchen-3ya.example"],
      ["聊天.example", "xn--rss932g.example"],
      ["*.example", "*.example"],
      ["*", "*"],
    ] as const
  ) assertEquals(readHostPattern(text), name);
  for (
    const text of ["", "a b", "a:1", "http://a", "a/b", "*a", "a*", "*.", "[::1]", "a@b", "#", "🦊"]
  ) {
    assertEquals(readHostPattern(text), undefined, text);
  }
});

Deno.test("`readAuthority()` never reads a foreign name as a known one", () => {
  const list = new HostList({ own: ["hub"], allowed: [], origins: [] });
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 8 }), fc.boolean(), (text, before) => {
      const host = before ? `${text}evil.example` : `evil.example${text}`;
      const authority = readAuthority(host);
      return authority === undefined || !list.allows(authority.name);
    }),
    { numRuns: 2000 },
  );
});

/** Asks over HTTP/2, with these pseudo-headers and headers. */
function ask2(
  origin: string,
  headers: Record<string, string>,
  body?: string,
): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const session = connectHttp2(origin, { rejectUnauthorized: false });
    session.on("error", reject);
    const request = session.request(headers);
    let status = 0;
    let text = "";
    request.setEncoding("utf8");
    request.on("response", (answer) => status = Number(answer[constants.HTTP2_HEADER_STATUS]));
    request.on("data", (part: string) => text += part);
    request.on("end", () => session.close(() => resolve({ status, body: text })));
    request.on("error", reject);
    request.end(body);
  });
}

/** Before 2.9, the runtime's own client had no HTTP/2 over TLS. */
const isOldClient = /^2\.[0-8]\./.test(Deno.version.deno);

for (const secure of isOldClient ? [false] : [false, true]) {
  const scheme = secure ? "https" : "http";
  Deno.test(`HTTP/2 over ${scheme}: the hub's own page may post, a foreign authority is rejected`, async () => {
    await using hub = await startTestHub({
      host: "localhost",
      ...(secure ? { tls: await keyPair() } : {}),
    });
    const origin = `${scheme}://127.0.0.1:${hub.port}`;
    const post = (authority: string, from: string) =>
      ask2(origin, {
        ":method": "POST",
        ":path": "/api/rooms/lobby/messages",
        ":authority": authority,
        "origin": from,
        "content-type": "text/plain",
      }, "hi");
    const own = `localhost:${hub.port}`;
    assertEquals((await post(own, `${scheme}://${own}`)).status, 201);
    const evil = `evil.example:${hub.port}`;
    assertEquals((await post(evil, `${scheme}://${evil}`)).status, 421);
    assertEquals((await post(own, `${scheme}://${evil}`)).status, 403);
    const get = (headers: Record<string, string>) =>
      ask2(origin, { ":path": "/api/status", ...headers });
    assertEquals((await get({ ":authority": own })).status, 200);
    assertEquals((await get({ ":authority": evil })).status, 421);
    assertEquals((await get({ ":authority": own, host: evil })).status, 400);
    assertEquals((await get({ ":authority": evil, host: own })).status, 400);
  });

  Deno.test(`HTTP/2 over ${scheme}: WebSockets are not offered (RFC 8441)`, async () => {
    await using hub = await startTestHub(secure ? { tls: await keyPair() } : {});
    const session = connectHttp2(`${scheme}://127.0.0.1:${hub.port}`, {
      rejectUnauthorized: false,
    });
    const offered = await new Promise<boolean | undefined>((resolve, reject) => {
      session.on("error", reject);
      session.on("remoteSettings", (settings) => resolve(settings.enableConnectProtocol));
    });
    await new Promise<void>((resolve) => session.close(resolve));
    // Once it is offered, the rules for upgrades must apply to CONNECT, too.
    assert(offered !== true);
  });
}

Deno.test("`requestAuthority()` reads the authority of HTTP/2, and rejects one that Host contradicts", () => {
  const at = (url: string, host?: string): string | undefined =>
    requestAuthority(new Request(url, host === undefined ? {} : { headers: { host } }))?.host;
  assertEquals(at("https://localhost:1/x"), "localhost:1");
  assertEquals(at("https://localhost:1/x", "LOCALHOST:1"), "localhost:1");
  assertEquals(at("https://localhost:1/x", "evil.example"), undefined);
});

Deno.test("a WebSocket without an origin is not a browser's, and may use any host name", async () => {
  await using hub = await startTestHub();
  const host = ["Host", "hub.lan"] as const;
  assertEquals((await requestUpgrade(hub.port, [host])).status, 101);
  const page = ["Origin", "http://hub.lan"] as const;
  assertEquals((await requestUpgrade(hub.port, [host, page])).status, 421);
});
