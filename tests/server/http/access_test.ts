import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { configure, type LogRecord, reset } from "@logtape/logtape";
import { SecretAuthorizer } from "../../../auth/secrets.ts";
import { formatJson, formatText } from "../../../cli/logging.ts";
import { isNetwork, TrustedProxies } from "../../../server/http/proxies.ts";
import { readOrigin } from "../../../server/http/origin.ts";
import { rawGet, type RawHeaders, rawRequest, requestUpgrade } from "../../kit/raw_http.ts";
import { TestSocket } from "../../kit/test_socket.ts";
import { startTestHub } from "../../kit/test_hub.ts";

const CROSS = "Pages of another site may not talk to this hub";
const MISDIRECTED = "This hub does not answer to the name";

/** Requests of browsers to a hub on this machine, and whether they are accepted. */
const ORIGINS: readonly {
  readonly what: string;
  readonly headers: (port: number) => RawHeaders;
  readonly origins?: readonly string[];
  readonly trusted?: boolean;
  /** Part of the reason; `undefined` when the request is accepted. */
  readonly refused?: string;
}[] = [
  { what: "no browser", headers: () => [] },
  { what: "no browser, by another name of this machine", headers: () => [["Host", "myhub"]] },
  { what: "the hub's own page", headers: (port) => [["Origin", `http://localhost:${port}`]] },
  {
    what: "the hub's own page at 127.0.0.1",
    headers: (port) => [["Host", `127.0.0.1:${port}`], ["Origin", `http://127.0.0.1:${port}`]],
  },
  {
    what: "the hub's own page at [::1]",
    headers: (port) => [["Host", `[::1]:${port}`], ["Origin", `http://[::1]:${port}`]],
  },
  {
    what: "a page of another site",
    headers: () => [["Origin", "https://evil.example"]],
    refused: CROSS,
  },
  {
    what: "a page of another port",
    headers: () => [["Origin", "http://localhost:3000"]],
    refused: CROSS,
  },
  {
    what: "a page whose name begins like this one",
    headers: (port) => [["Origin", `http://localhost:${port}.evil.example`]],
    refused: CROSS,
  },
  { what: "a page without an origin", headers: () => [["Origin", "null"]], refused: CROSS },
  {
    what: "a sandboxed page that is allowed",
    headers: () => [["Origin", "null"]],
    origins: ["null"],
  },
  { what: "an origin that is none", headers: () => [["Origin", "evil"]], refused: CROSS },
  { what: "an origin of nothing", headers: () => [["Origin", ""]], refused: CROSS },
  {
    what: "an origin with escape sequences",
    headers: () => [["Origin", "http://a\u009b2J"]],
    refused: CROSS,
  },
  {
    what: "two origins",
    headers: (port) => [["Origin", `http://localhost:${port}`], ["Origin", "https://evil.example"]],
    refused: CROSS,
  },
  {
    what: "a site that is allowed",
    headers: () => [["Origin", "https://chat.example"]],
    origins: ["https://other.example", "https://chat.example"],
  },
  {
    what: "a site that is allowed under another scheme",
    headers: () => [["Origin", "http://chat.example"]],
    origins: ["https://chat.example"],
    refused: CROSS,
  },
  {
    what: "any site where all are",
    headers: () => [["Origin", "https://x.example"]],
    origins: ["*"],
  },
  {
    what: "a name that was made to lead here",
    headers: (port) => [
      ["Host", `evil.example:${port}`],
      ["Origin", `http://evil.example:${port}`],
    ],
    refused: MISDIRECTED,
  },
  {
    what: "a name that begins like this machine's",
    headers: (port) => [
      ["Host", `127.0.0.1.evil.example:${port}`],
      ["Origin", `http://127.0.0.1.evil.example:${port}`],
    ],
    refused: MISDIRECTED,
  },
  {
    what: "a forwarded host from an untrusted proxy",
    headers: () => [
      ["X-Forwarded-Host", "evil.example"],
      ["Origin", "http://evil.example"],
    ],
    refused: CROSS,
  },
  {
    what: "a page through a trusted proxy",
    headers: () => [
      ["Host", "localhost:8765"],
      ["X-Forwarded-Host", "chat.example"],
      ["X-Forwarded-Proto", "https"],
      ["Origin", "https://chat.example"],
    ],
    trusted: true,
  },
  {
    what: "a page through a trusted proxy that keeps the host",
    headers: () => [
      ["Host", "chat.example"],
      ["X-Forwarded-For", "192.0.2.1"],
      ["Origin", "https://chat.example"],
    ],
    trusted: true,
  },
  {
    what: "a trusted proxy's machine that does not say that it passes on",
    headers: () => [["Host", "chat.example"], ["Origin", "https://chat.example"]],
    trusted: true,
    refused: MISDIRECTED,
  },
  {
    what: "a page on a trusted proxy's machine with a name that was made to lead here",
    headers: (port) => [
      ["Host", `evil.example:${port}`],
      // A script can send these headers to the site that its page is from.
      ["X-Forwarded-For", "192.0.2.1"],
      ["X-Forwarded-Host", "localhost"],
      ["X-Forwarded-Proto", "http"],
      ["Origin", `http://evil.example:${port}`],
    ],
    trusted: true,
    refused: MISDIRECTED,
  },
  {
    what: "a page without TLS through a trusted proxy with",
    headers: () => [
      ["Host", "chat.example"],
      ["X-Forwarded-Proto", "https"],
      ["Origin", "http://chat.example"],
    ],
    trusted: true,
    refused: CROSS,
  },
  {
    what: "another page through a trusted proxy",
    headers: () => [
      ["Host", "chat.example"],
      ["Forwarded", "for=192.0.2.1"],
      ["Origin", "https://evil.example"],
    ],
    trusted: true,
    refused: CROSS,
  },
];

for (const { what, headers, origins = [], trusted = false, refused } of ORIGINS) {
  Deno.test(`an upgrade from ${what} is ${refused === undefined ? "accepted" : "rejected"}`, async () => {
    await using hub = await startTestHub({
      origins,
      trustedProxies: trusted ? ["127.0.0.0/8"] : [],
    });
    await using bystander = await TestSocket.plain(hub.url, "Bystander");
    const { status, body } = await requestUpgrade(hub.port, headers(hub.port));
    const denied = refused === MISDIRECTED ? 421 : 403;
    assertEquals(status, refused === undefined ? 101 : denied, body);
    if (refused !== undefined) {
      assertStringIncludes(body, refused);
      assertStringIncludes(body, denied === 421 ? "--allowed-host" : "--origin");
    }
    bystander.send({ type: "message", message: "still here" });
    assertEquals((await bystander.next("message"))["id"], 1);
  });
}

Deno.test("`readOrigin()` accepts origins only", () => {
  assertEquals(readOrigin("https://Chat.Example:443"), "https://chat.example");
  assertEquals(readOrigin("http://[::1]:80/"), "http://[::1]");
  assertEquals(readOrigin("tauri://localhost"), "tauri://localhost");
  for (const text of ["", "chat.example", "https://", "https://a/b", "https://a?b", "a b", "//a"]) {
    assertEquals(readOrigin(text), undefined, text);
  }
});

Deno.test("`TrustedProxies.clientAddress()` believes trusted proxies only", () => {
  const proxies = new TrustedProxies(["10.0.0.0/8", "::1", "127.0.0.1"]);
  const cases: readonly [peer: string, headers: Record<string, string>, address: string][] = [
    ["203.0.113.9", { "x-forwarded-for": "198.51.100.1" }, "203.0.113.9"],
    ["127.0.0.1", {}, "127.0.0.1"],
    ["127.0.0.1", { "x-forwarded-for": "198.51.100.1" }, "198.51.100.1"],
    // Everything before the first untrusted hop may be forged.
    ["127.0.0.1", { "x-forwarded-for": "127.0.0.1, 198.51.100.1" }, "198.51.100.1"],
    ["127.0.0.1", { "x-forwarded-for": "1.1.1.1, 198.51.100.1, 10.1.2.3" }, "198.51.100.1"],
    ["127.0.0.1", { "x-forwarded-for": "garbage, 198.51.100.1" }, "198.51.100.1"],
    ["127.0.0.1", { "x-forwarded-for": "10.1.1.1, 10.2.2.2" }, "10.1.1.1"],
    ["127.0.0.1", { "x-forwarded-for": "198.51.100.1:4711" }, "198.51.100.1"],
    ["127.0.0.1", { "x-forwarded-for": "[2001:db8::1]:4711" }, "2001:db8::1"],
    ["::1", { "x-forwarded-for": "2001:DB8:0::0001" }, "2001:db8::1"],
    ["::ffff:127.0.0.1", { "x-forwarded-for": "::ffff:198.51.100.1" }, "198.51.100.1"],
    [
      "127.0.0.1",
      { "forwarded": 'for=1.1.1.1, for="[2001:db8::17]:80";proto=https' },
      "2001:db8::17",
    ],
    ["127.0.0.1", { "forwarded": "proto=https;For=198.51.100.1;by=10.0.0.1" }, "198.51.100.1"],
    [
      "127.0.0.1",
      { "x-forwarded-for": "198.51.100.1", "forwarded": "for=9.9.9.9" },
      "198.51.100.1",
    ],
    // Unreadable addresses are not guessed.
    ...["unknown", "", ",", "198.51.100.1,", "1", "010.1.1.1", "1.2.3", "999.1.1.1", "_hidden", "-"]
      .map((text): [string, Record<string, string>, string] => [
        ...["127.0.0.1"] as [string],
        { "x-forwarded-for": text },
        "127.0.0.1",
      ]),
    ["local", { "x-forwarded-for": "198.51.100.1" }, "local"],
  ];
  for (const [peer, headers, address] of cases) {
    const found = proxies.clientAddress(peer, new Headers(headers));
    assertEquals(found, address, JSON.stringify(headers));
  }
  const long = { "x-forwarded-for": `198.51.100.1, ${"10.0.0.1, ".repeat(5000)}10.0.0.2` };
  assertEquals(proxies.clientAddress("127.0.0.1", new Headers(long)), "10.0.0.1");
});

Deno.test("`isNetwork()` reads addresses and CIDR", () => {
  for (const text of ["10.0.0.0/8", "127.0.0.1", "::1", "fd00::/8", "0.0.0.0/0", "::/0"]) {
    assert(isNetwork(text), text);
  }
  for (const text of ["", "10", "10.0.0.0/33", "::/129", "10.0.0.0/", "a", "10.0.0.0/8/8", "/8"]) {
    assert(!isNetwork(text), text);
  }
});

Deno.test("forged addresses do not evade the limit of connections per address", async () => {
  await using hub = await startTestHub({
    limits: { maxPerAddress: 2 },
    trustedProxies: ["127.0.0.1"],
  });
  const held: Disposable[] = [];
  /** The type of the first frame. */
  const open = async (forwarded: string): Promise<string | undefined> => {
    const socket = await Deno.connect({ hostname: "127.0.0.1", port: hub.port });
    held.push({ [Symbol.dispose]: () => socket.close() });
    await socket.write(new TextEncoder().encode(
      `GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n` +
        `X-Forwarded-For: ${forwarded}\r\n\r\n`,
    ));
    const buffer = new Uint8Array(4096);
    let text = "";
    for (;;) {
      const count = await socket.read(buffer);
      text += new TextDecoder().decode(buffer.subarray(0, count ?? 0));
      const [, type] = /"type":"(\w+)"/.exec(text) ?? [];
      if (type !== undefined || count === null) return type;
    }
  };
  try {
    const types: (string | undefined)[] = [];
    for (const invented of ["1.1.1.1", "2.2.2.2", "127.0.0.1"]) {
      types.push(await open(`${invented}, 2001:db8:7:7::${types.length}`));
    }
    assertEquals(types, ["welcome", "welcome", "bye"]);
    assertEquals(await open("2001:db8:7:8::1"), "welcome");
  } finally {
    for (const each of held) each[Symbol.dispose]();
  }
});

/** Everything logged during `run`, as text and as JSON. */
async function logged(run: () => Promise<void>): Promise<string> {
  const records: LogRecord[] = [];
  await configure({
    reset: true,
    sinks: { all: (record) => records.push(record) },
    loggers: [
      { category: ["bcast"], sinks: ["all"], lowestLevel: "trace" },
      { category: ["logtape", "meta"], sinks: ["all"], lowestLevel: "error" },
    ],
  });
  try {
    await run();
  } finally {
    await reset();
  }
  return records.map((record) => formatText(record) + formatJson(record)).join("");
}

Deno.test("the log contains no tokens and no terminal escape sequences", async () => {
  const token = "t0ken-that-nobody-may-see";
  let answers = "";
  const log = await logged(async () => {
    await using hub = await startTestHub({
      authorizer: new SecretAuthorizer([token]),
      trustedProxies: ["127.0.0.1"],
    });
    // The runtime itself refuses a header with an ESC; C1 controls it lets through.
    const evil = "\u009b2J";
    const escape = encodeURIComponent("\u001b[2J");
    for (
      const [headers, target] of [
        [[], `/?token=${token}x`],
        [[], `/?token=${token}&room=${escape}`],
        [[], `/?token=${token}&sender=%0d%0a${escape}`],
        [[["Authorization", `Bearer ${token}x`]], "/"],
        [[["Authorization", `Basic ${token}`]], "/"],
        [[["Host", `${evil}`]], `/?token=${token}`],
        [[["Host", "]["]], `/?token=${token}`],
        [[["Host", "a b"]], `//?token=${token}`],
        [[["X-Forwarded-For", `${evil}`]], `/?token=${token}x`],
        [[["X-Forwarded-For", `1.1.1.1${evil}, 2.2.2.2`]], `/?token=${token}x`],
        [[["Origin", `http://${evil}`]], `/?token=${token}`],
        [[["X-Forwarded-For", "1.1.1.1\u001b[2J, 2.2.2.2"]], `/?token=${token}x`],
        [[["User-Agent", evil], ["Sec-WebSocket-Protocol", evil]], `/?token=${token}x`],
      ] as const
    ) {
      const { status, body } = await requestUpgrade(hub.port, headers, target);
      assert(status < 500, `${status} ${target}`);
      answers += body;
    }
    const raw = await rawRequest(
      hub.port,
      `GET http://[/?token=${token} HTTP/1.1\r\nHost: x\r\n\r\n`,
    );
    assert(raw.status < 500, String(raw.status));
    const socket = await TestSocket.open(`${hub.url}?token=${token}`, "bcast.v1");
    socket.send({ type: "hello", token: `${token}x` });
    await socket.closed;
    const good = await TestSocket.open(hub.url, "bcast.v1");
    good.send({ type: "hello", token, sender: "Alice" });
    await good.next("welcome");
    good.send({ type: "hello", token: `${token}x` });
    await good.next("error");
    await good.close();
  });
  assertStringIncludes(log, "401");
  assertStringIncludes(log, "Alice");
  assertStringIncludes(log, "2.2.2.2");
  for (const text of [log, answers]) {
    assert(!text.includes("t0ken"), text.split("\n").find((line) => line.includes("t0ken")));
    assertEquals([...text].filter((character) => /(?!\n)\p{Cc}/u.test(character)), []);
  }
});

Deno.test("`Sec-Fetch-Site` rejects pages of other sites that send no origin", async (t) => {
  await using hub = await startTestHub({ origins: ["https://chat.example", "null"] });
  const own = `http://localhost:${hub.port}`;
  for (
    const [site, origin, path, status] of [
      ["cross-site", undefined, "/api/status", 403],
      ["same-site", undefined, "/api/status", 403],
      ["same-origin", undefined, "/api/status", 200],
      ["none", undefined, "/api/status", 200],
      ["cross-site", undefined, "/api/nothing", 403],
      ["cross-site", undefined, "/api/rooms/lobby/events", 403],
      ["cross-site", undefined, "/api/openapi.json", 403],
      ["same-site", undefined, "/metrics", 403],
      ["cross-site", "https://chat.example", "/api/status", 200],
      ["cross-site", "null", "/api/status", 200],
      ["cross-site", "https://evil.example", "/api/status", 403],
      // No browser sends this: the stricter of the two headers wins.
      ["cross-site", own, "/api/status", 403],
      ["same-origin", "https://evil.example", "/api/status", 403],
      ["cross-site", undefined, "/", 200],
      ["cross-site", undefined, "/healthz", 200],
      ["cross-site", undefined, "/readyz", 200],
    ] as const
  ) {
    await t.step(`${site}, ${origin ?? "no origin"}: ${path}`, async () => {
      const headers: [string, string][] = [["Sec-Fetch-Site", site]];
      if (origin !== undefined) headers.push(["Origin", origin]);
      const answer = await rawGet(hub.port, path, headers);
      assertEquals(answer.status, status, answer.body);
      if (status === 403) assertStringIncludes(answer.body, "--origin");
    });
  }
  const upgrade = (...headers: [string, string][]): Promise<number> =>
    requestUpgrade(hub.port, headers).then(({ status }) => status);
  assertEquals(await upgrade(["Sec-Fetch-Site", "cross-site"]), 403);
  assertEquals(await upgrade(["Sec-Fetch-Site", "same-origin"], ["Origin", own]), 101);
});
