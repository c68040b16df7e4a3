import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { type ADDRESS_FLAGS, hubAddress } from "../../../commands/client/address.ts";
import type { Source } from "../../../cli/command.ts";
import { UsageError } from "../../../cli/errors.ts";
import type { FlagValues } from "../../../cli/flags.ts";
import { connectorFor, type HubConnector } from "../../../commands/client/trust.ts";
import { connect, ConnectError, HubApi } from "../../../client.ts";
import type { KeyPair } from "../../../server/transports/tls.ts";
import { readFingerprint, showFingerprint } from "../../../server/transports/tls.ts";
import { keyPair, opensslPair, shownFingerprint, TestAuthority } from "../../kit/certificates.ts";
import { temporaryFolder } from "../../kit/folder.ts";
import { startTestHub } from "../../kit/test_hub.ts";

type TestAddress = FlagValues<typeof ADDRESS_FLAGS>;

const authority = await TestAuthority.create();
const own = await keyPair();

/** Says one thing through `way`; the id that it got. */
async function say(url: URL, way: HubConnector): Promise<number> {
  await using hub = connect({ url, sender: "Alice" }, way.environment);
  return (await hub.send({ message: "hi" })).id;
}

/** Looks at a hub through `way`, as `bcast status` does; the connections it has. */
async function look(url: URL, { environment: { fetch } }: HubConnector): Promise<number> {
  return (await new HubApi({ url, ...(fetch && { fetch }) }).status()).connections;
}

async function withFile<T>(text: string, use: (path: string) => Promise<T>): Promise<T> {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/ca.pem`;
  await Deno.writeTextFile(path, text);
  return await use(path);
}

Deno.test("a client connects to a hub with a CA from --ca", async () => {
  await using hub = await startTestHub({ tls: await authority.sign("localhost") });
  const url = new URL(`wss://localhost:${hub.port}/`);
  await withFile(authority.cert, async (ca) => {
    await using way = connectorFor(url, { ca });
    assertEquals(await say(url, way), 1);
  });
});

/** A TLS server without HTTP/2 (like nginx by default) that always sends the same response. */
function listenAsProxy(tls: KeyPair, answer: string): Deno.TlsListener {
  const listener = Deno.listenTls({
    hostname: "localhost",
    port: 0,
    ...tls,
    alpnProtocols: ["http/1.1"],
  });
  const serve = async (connection: Deno.TlsConn): Promise<void> => {
    try {
      await connection.read(new Uint8Array(4096));
      await connection.write(new TextEncoder().encode(answer));
    } catch (error) {
      // Who speaks HTTP/2 only is refused in the handshake.
      if (!(error instanceof Error)) throw error;
    } finally {
      connection.close();
    }
  };
  (async () => {
    for await (const connection of listener) serve(connection);
  })();
  return listener;
}

for (
  const [status, headers, expected] of [
    ["502 Bad Gateway", "", "A proxy answers at URL, but the hub behind it does not (HTTP 502)"],
    [
      "301 Moved Permanently",
      "Location: https://localhost/chat/\r\n",
      "URL redirects to https://localhost/chat/: use that address",
    ],
    ["404 Not Found", "", "No bcast hub at URL (it answered HTTP 404): check --host and --port"],
  ] as const
) {
  Deno.test(`a client behind a proxy with TLS and without HTTP/2 tells of its ${status}`, async () => {
    const answer = `HTTP/1.1 ${status}\r\n${headers}Content-Length: 0\r\nConnection: close\r\n\r\n`;
    using listener = listenAsProxy(await authority.sign("localhost"), answer);
    const url = new URL(`wss://localhost:${listener.addr.port}/chat`);
    await withFile(authority.cert, async (ca) => {
      await using way = connectorFor(url, { ca });
      const error = await assertRejects(() => say(url, way), ConnectError);
      assertEquals(error.message, expected.replace("URL", url.href));
    });
  });
}

Deno.test("a client of a full hub with TLS says so", async () => {
  const limits = { maxConnections: 1 };
  await using hub = await startTestHub({ tls: await authority.sign("localhost"), limits });
  const url = new URL(`wss://localhost:${hub.port}/`);
  await withFile(authority.cert, async (ca) => {
    await using way = connectorFor(url, { ca });
    await using first = connect({ url, sender: "Zoë" }, way.environment);
    await first.send({ message: "I am the one" });
    const error = await assertRejects(() => say(url, way), ConnectError);
    assertEquals(error.failure, "busy");
    assertMatch(error.message, /^The hub at wss:\S+ is busy: The hub is full/);
  });
});

interface Pinned {
  readonly what: string;
  readonly tls: KeyPair;
  readonly host: string;
  readonly ca?: string;
}

const PINNED: readonly Pinned[] = [
  { what: "its own", tls: own, host: "localhost" },
  {
    what: "its own, for other names",
    tls: await keyPair(["elsewhere.example"]),
    host: "127.0.0.1",
  },
  {
    what: "one of an authority",
    tls: await authority.sign("elsewhere.example"),
    host: "localhost",
    ca: authority.cert,
  },
];

for (const { what, tls, host, ca = own.cert } of PINNED) {
  Deno.test(`a client reaches a hub by the fingerprint of its certificate: ${what}`, async () => {
    await using hub = await startTestHub({ tls });
    const url = new URL(`wss://${host}:${hub.port}/`);
    await withFile(ca, async (path) => {
      await using way = connectorFor(url, {
        ca: path,
        fingerprint: readFingerprint(shownFingerprint(tls)),
      });
      assertEquals(await say(url, way), 1);
      assertEquals(await say(url, way), 2);
    });
  });
}

Deno.test("a pinned certificate of an unknown authority is rejected", async () => {
  const tls = await authority.sign("localhost");
  await using hub = await startTestHub({ tls });
  const url = new URL(`wss://localhost:${hub.port}/`);
  await using way = connectorFor(url, { fingerprint: readFingerprint(shownFingerprint(tls)) });
  const error = await assertRejects(() => say(url, way), ConnectError);
  assertMatch(
    error.message,
    /could not be verified\. If it was signed by .* name that with --ca FILE/,
  );
});

Deno.test("a pinned client leaves when the hub comes back with another certificate", async () => {
  const impostor = await keyPair();
  await using hub = await startTestHub({ tls: own });
  const url = new URL(`wss://localhost:${hub.port}/`);
  await using way = connectorFor(url, { fingerprint: readFingerprint(shownFingerprint(own)) });
  await using talk = connect({ url, sender: "Alice" }, { ...way.environment, random: () => 0 });
  await talk.send({ message: "before" });
  await hub.renew(impostor);
  for await (const event of talk) {
    // While the port changes hands, nothing may listen there for a moment.
    if (
      event.type === "offline" && /The certificate has a different fingerprint/.test(event.reason)
    ) break;
  }
  await assertRejects(() => say(url, way), ConnectError, shownFingerprint(impostor));
});

interface Refused {
  readonly what: string;
  readonly tls?: KeyPair;
  readonly scheme: "ws" | "wss";
  readonly trust?: "own" | "another";
  readonly says: RegExp;
}

const REFUSED: readonly Refused[] = [
  {
    what: "an unknown issuer",
    tls: own,
    scheme: "wss",
    says:
      /^The certificate of wss:\/\/localhost:\d+ is signed by an unknown authority: use --ca FILE, or --fingerprint/,
  },
  {
    what: "another issuer than the one given",
    tls: own,
    scheme: "wss",
    trust: "another",
    says: /signed by an unknown authority/,
  },
  {
    what: "a certificate that has expired",
    tls: await keyPair(["localhost"], -1),
    scheme: "wss",
    trust: "own",
    says: /^The certificate of wss:\/\/localhost:\d+ has expired/,
  },
  {
    what: "a certificate for other names",
    tls: await keyPair(["a.example", "10.1.2.3"]),
    scheme: "wss",
    trust: "own",
    says:
      /is for a\.example, 10\.1\.2\.3: use that name, or pin the certificate with --fingerprint$/,
  },
  {
    what: "a hub that speaks TLS, asked without",
    tls: own,
    scheme: "ws",
    says: /^ws:\/\/localhost:\d+ requires TLS: use wss:\/\/localhost:\d+$/,
  },
  {
    what: "a hub without TLS, asked for it",
    scheme: "wss",
    says: /^wss:\/\/localhost:\d+ does not speak TLS: use ws:\/\/ if the hub has none$/,
  },
];

for (const { what, tls, scheme, trust, says } of REFUSED) {
  Deno.test(`a client says in one line what to do about ${what}`, async () => {
    await using hub = await startTestHub(tls === undefined ? {} : { tls });
    const url = new URL(`${scheme}://localhost:${hub.port}/`);
    const ca = trust === "own" ? tls?.cert : trust === "another" ? authority.cert : undefined;
    // Those who talk and those who look on hear the same.
    for (const use of [say, look]) {
      const error = await assertRejects(
        () =>
          ca === undefined ? use(url, connectorFor(url, {})) : withFile(ca, async (path) => {
            await using way = connectorFor(url, { ca: path });
            return await use(url, way);
          }),
        ConnectError,
      );
      assertMatch(error.message, says);
      // What the program ends with 3 for.
      assert(["network", "not-a-hub"].includes(error.failure), error.failure);
    }
  });
}

/** Whether the runtime can check an authority's certificate as that of a hub. */
const checksAuthorities = !/^2\.[0-7]\./.test(Deno.version.deno);

for (const withName of [true, false]) {
  for (const trust of ["ca", "fingerprint"] as const) {
    const what = `${trust}, ${withName ? "with" : "without"} a subject alternative name`;
    Deno.test(`a certificate as \`openssl req -x509\` makes it is trusted by ${what}`, async () => {
      const tls = await opensslPair(withName);
      await using hub = await startTestHub({ tls });
      const url = new URL(`wss://localhost:${hub.port}/`);
      await withFile(tls.cert, async (ca) => {
        await using way = connectorFor(
          url,
          trust === "ca" ? { ca } : { fingerprint: readFingerprint(shownFingerprint(tls)) },
        );
        const { fetch = globalThis.fetch } = way.environment;
        const both: readonly (() => Promise<unknown>)[] = [
          () => say(url, way),
          () => new HubApi({ url, fetch }).members(),
        ];
        for (const ask of both) {
          if (checksAuthorities) await ask();
          else {
            const { message } = await assertRejects(ask, ConnectError);
            assertMatch(message, /^Cannot trust wss:.* authority's own \(CA:TRUE\).*CA:FALSE$/);
          }
        }
      });
    });
  }
}

Deno.test("an untrusted CA certificate is distinguished from an unknown issuer", async () => {
  const tls = await opensslPair(true);
  await using hub = await startTestHub({ tls });
  const url = new URL(`wss://localhost:${hub.port}/`);
  await using way = connectorFor(url, {});
  const { message } = await assertRejects(() => say(url, way), ConnectError);
  assertMatch(
    message,
    /a CA certificate \(CA:TRUE\): trust it with --fingerprint|signed by an unknown authority/,
  );
});

Deno.test("connectorFor() reports unusable certificates", async () => {
  const url = new URL("wss://localhost:1/");
  const { message } = assertThrows(() => connectorFor(url, { ca: "/nowhere/ca.pem" }), Error);
  assertEquals(
    message,
    'Cannot read --ca "/nowhere/ca.pem": there is no such file. Check its path',
  );
  await withFile("no certificate", (path) => {
    assertThrows(() => connectorFor(url, { ca: path }), Error, "contains no PEM certificate");
    return Promise.resolve();
  });
});

Deno.test("hubAddress() takes naming whom to trust for asking for TLS", () => {
  const at = (
    positional: string | undefined,
    flags: { ca?: string; fingerprint?: string; host?: string },
    trustFrom: Source = "flag",
  ): string =>
    hubAddress({
      flags: {
        url: undefined,
        port: 8765,
        host: "localhost",
        ca: undefined,
        ...flags,
      } as TestAddress,
      positional,
      source: (name) =>
        name === "ca" || name === "fingerprint" ? (flags[name] ? trustFrom : "default") : "default",
    }).href;
  const rows: readonly [string, () => string][] = [
    ["ws://localhost:8765/", () => at(undefined, {})],
    ["wss://localhost:8765/", () => at(undefined, { ca: "f" })],
    ["wss://hub.example:9000/", () => at("hub.example:9000", { fingerprint: "00" })],
    ["wss://hub.example/", () => at("wss://hub.example", { ca: "f" })],
    // What stands in the environment is for every hub, also for those without TLS.
    ["ws://hub.example/", () => at("ws://hub.example", { ca: "f" }, "env")],
    ["wss://hub.example:8765/", () => at("hub.example", { ca: "f" }, "env")],
  ];
  for (const [expected, address] of rows) assertEquals(address(), expected);
  assertThrows(() => at("ws://hub.example", { ca: "f" }), UsageError, "Cannot use TLS with");
});

Deno.test("readFingerprint() reads what the hub, OpenSSL and browsers show", () => {
  const hex = "0f".repeat(32);
  const colons = hex.replaceAll(/..(?=.)/g, "$&:").toUpperCase();
  const shown = showFingerprint(hex);
  assertMatch(shown, /^SHA256:[A-Za-z0-9+/]{43}$/);
  for (const text of [shown, `${shown}=`, hex, colons, `sha256:${hex}`, `SHA-256=${colons}`]) {
    assertEquals(readFingerprint(text), hex, text);
  }
  for (const text of ["", "SHA256:", hex.slice(2), `${hex}00`, "SHA256:ÄÖ", "x".repeat(64)]) {
    assertEquals(readFingerprint(text), undefined, text);
  }
});
