import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { connectorFor } from "../../../commands/client/trust.ts";
import { TLS_FLAGS, type TlsFlags, tlsSource } from "../../../commands/start/tls.ts";
import { type ClientEvent, connect } from "../../../client.ts";
import { checkPair, KeyPairError, readFingerprint } from "../../../server/transports/tls.ts";
import { keyPair, shownFingerprint } from "../../kit/certificates.ts";
import { FakeClock } from "../../kit/fake_clock.ts";
import { temporaryFolder } from "../../kit/folder.ts";
import { Program } from "../../kit/process.ts";
import { startTestHub } from "../../kit/test_hub.ts";
import { until, within } from "../../kit/wait.ts";

const first = await keyPair();
const second = await keyPair();
/** Near its end. */
const soon = await keyPair(["localhost"], 14);
const DAY = 86_400_000;

Deno.test("`checkPair()` names the invalid file and the reason", async () => {
  const names = { cert: "c.pem", key: "k.pem" };
  const facts = checkPair(first, names, Date.now());
  assertEquals(facts.fingerprint, shownFingerprint(first));
  assertEquals(facts.isAuthority, false);
  const wrong: readonly [typeof first, KeyPairError["reason"], RegExp][] = [
    [{ ...first, cert: "" }, "unreadable", /"c\.pem": it holds no certificate/],
    [{ ...first, key: "x" }, "unreadable", /"k\.pem": it holds no private key/],
    [{ ...first, key: second.key }, "mismatch", /"k\.pem": it is not the key of "c\.pem"/],
    [await keyPair(["localhost"], -2), "expired", /"c\.pem": it expired on \d{4}-\d\d-\d\d/],
  ];
  for (const [tls, reason, message] of wrong) {
    const error = assertThrows(() => checkPair(tls, names, Date.now()), KeyPairError);
    assertEquals(error.reason, reason);
    assertMatch(error.message, message);
  }
  const early = assertThrows(() => checkPair(first, names, Date.now() - 9 * DAY), KeyPairError);
  assertEquals(early.reason, "early");
});

Deno.test("`renew()` moves all clients to the new certificate without losing messages", async () => {
  await using hub = await startTestHub({ tls: first });
  const url = new URL(`wss://localhost:${hub.port}/`);
  await using folder = await temporaryFolder();
  const ca = `${folder.path}/ca.pem`;
  await Deno.writeTextFile(ca, first.cert + second.cert);
  await using way = connectorFor(url, { ca });
  await using alice = connect({ url, sender: "Alice" }, { ...way.environment, random: () => 0.01 });
  await using bob = connect({ url, sender: "Bob" }, { ...way.environment, random: () => 0.02 });
  const heard: ClientEvent[] = [];
  const reading = (async (): Promise<void> => {
    for await (const event of bob) heard.push(event);
  })();
  await alice.send({ message: "one" });
  await until("both in the room", async () => (await bob.members("lobby")).online === 2);
  await until("one at Bob's", () => heard.some((event) => event.type === "message"));
  heard.length = 0;

  await hub.renew(second);
  await alice.send({ message: "two" });
  await until("two at Bob's", () => heard.some((event) => event.type === "message"));
  assertEquals(await shownBy(hub.port), shownFingerprint(second));
  assertEquals([alice.sender, bob.sender], ["Alice", "Bob"]);
  await bob.close();
  await reading;
  const [offline] = heard.filter((event) => event.type === "offline");
  assertEquals(
    [offline?.code, offline?.reason],
    [1001, "The hub has a new certificate: reconnect"],
  );
  assertEquals(heard.filter((event) => event.type === "presence"), []);
  assertEquals(
    heard.filter((event) => event.type === "message").map(({ id, message }) => [id, message]),
    [[2, "two"]],
  );
});

Deno.test("`renew()` keeps the port, however often it is called and even while the hub stops", async () => {
  const hub = await startTestHub({ tls: first });
  // An unfinished handshake must delay neither.
  using stuck = await Deno.connect({ hostname: "127.0.0.1", port: hub.port });
  await Promise.all([second, first, second].map((tls) => hub.renew(tls)));
  assertEquals(await shownBy(hub.port), shownFingerprint(second));
  await Promise.all([hub.renew(first), hub.stop()]);
  // Another program can have the port now.
  using next = Deno.listen({ hostname: "127.0.0.1", port: hub.port });
  assertEquals(next.addr.port, hub.port);
  assert(stuck.localAddr.port > 0);
});

const NO_FLAGS: TlsFlags = {
  tlsCert: TLS_FLAGS.tlsCert.fallback,
  tlsKey: TLS_FLAGS.tlsKey.fallback,
  tlsSelfSigned: false,
};

Deno.test("`tlsSource()` creates a self-signed pair once, readable by its owner only, and again before it expires", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock(Date.now());
  const flags = { ...NO_FLAGS, tlsSelfSigned: true };
  const options = { directory: folder.path, host: "hub.example", clock };
  const one = await tlsSource(flags, options);
  const two = await tlsSource(flags, options);
  assertEquals(one?.facts.fingerprint, two?.facts.fingerprint);
  for (const file of ["tls-cert.pem", "tls-key.pem"]) {
    const { mode } = await Deno.stat(`${folder.path}/${file}`);
    if (Deno.build.os !== "windows") assertEquals((mode ?? 0) & 0o777, 0o600);
  }
  clock.advance(800 * DAY);
  const three = await tlsSource(flags, options);
  assert(three !== undefined && three.facts.fingerprint !== one?.facts.fingerprint);
  assertEquals((await Array.fromAsync(Deno.readDir(folder.path))).length, 2);
  await Deno.writeTextFile(`${folder.path}/tls-key.pem`, "damaged");
  await assertRejects(() => tlsSource(flags, options), Error, "holds no private key");
});

Deno.test("`tlsSource()` reloads the files, and keeps the old pair when the new one is bad", async () => {
  await using folder = await temporaryFolder();
  const flags = {
    ...NO_FLAGS,
    tlsCert: `${folder.path}/c.pem`,
    tlsKey: `${folder.path}/k.pem`,
  };
  const options = { directory: undefined, host: "localhost" };
  const write = async ({ cert, key }: typeof first): Promise<void> => {
    await Deno.writeTextFile(flags.tlsCert, cert);
    await Deno.writeTextFile(flags.tlsKey, key);
  };
  const missing = await assertRejects(() => tlsSource(flags, options), Error);
  assertEquals(
    missing.message,
    `Cannot read "${flags.tlsCert}": there is no such file. Check --tls-cert and --tls-key`,
  );
  await assertRejects(() => tlsSource({ ...flags, tlsKey: undefined }, options), Error, "both");
  await assertRejects(
    () => tlsSource({ ...flags, tlsSelfSigned: true }, options),
    Error,
    "leave one out",
  );
  // As `openssl ecparam -genkey` writes it.
  const parameters =
    "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
  await write({ ...first, key: parameters + first.key });
  assertEquals((await tlsSource(flags, options))?.pair, first);
  await write(first);
  const source = await tlsSource(flags, options);
  assert(source !== undefined);
  assertEquals(source.pair, first);
  const used: string[] = [];
  const reload = (): Promise<void> =>
    source.reload((tls) => {
      used.push(shownFingerprint(tls));
      return Promise.resolve();
    });
  await reload();
  await write({ cert: second.cert, key: first.key });
  await reload();
  await write(await keyPair(["localhost"], -2));
  await reload();
  await Deno.remove(flags.tlsKey);
  await reload();
  assertEquals(used, []);
  await write(second);
  await reload();
  assertEquals(used, [shownFingerprint(second)]);
});

Deno.test("`TlsSource.watch()` reports a new file after the delay of its clock", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock(Date.now());
  const options = { directory: folder.path, host: "localhost", clock };
  const source = await tlsSource({ ...NO_FLAGS, tlsSelfSigned: true }, options);
  let changes = 0;
  {
    using _ = source?.watch(() => changes++);
    await Deno.writeTextFile(`${folder.path}/tls-key.pem`, second.key);
    await Deno.writeTextFile(`${folder.path}/tls-cert.pem`, second.cert);
    clock.advance(4000);
    assertEquals(changes, 1);
  }
  await Deno.remove(`${folder.path}/tls-key.pem`);
  clock.advance(10_000);
  assertEquals(changes, 1);
});

Deno.test("300 unfinished TLS handshakes delay neither clients nor the stop", async () => {
  const hub = await startTestHub({ tls: first });
  const stuck: Deno.Conn[] = [];
  for (let n = 0; n < 300; n++) {
    stuck.push(await Deno.connect({ hostname: "127.0.0.1", port: hub.port }));
  }
  assertEquals(await shownBy(hub.port), shownFingerprint(first));
  await within(hub.stop(), "the end of the hub");
  for (const connection of stuck) connection.close();
});

Deno.test({
  name:
    "bcast start reloads its certificate at SIGHUP, and keeps the old one when the new one is bad",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using folder = await temporaryFolder();
    const [cert, key] = [`${folder.path}/c.pem`, `${folder.path}/k.pem`];
    await Deno.writeTextFile(cert, first.cert);
    await Deno.writeTextFile(key, first.key);
    await using hub = new Program([
      ...["start", "--memory", "--port", "0", "--tls-cert", cert, "--tls-key", key],
    ]);
    const [, port] = await hub.line(/^Listening on wss:\/\/localhost:(\d+)\/$/);
    await hub.line(/connect wss:\/\/localhost:\d+\/$/);
    assertEquals(await shownBy(Number(port)), shownFingerprint(first));
    assert(hub.errors.includes(`c.pem: ${shownFingerprint(first)}, valid until `), hub.errors);
    assert(!hub.errors.includes("expires in"), hub.errors);
    await Deno.writeTextFile(cert, soon.cert);
    hub.kill("SIGHUP");
    await until("the refusal", () => hub.errors.includes("it is not the key of"));
    assertEquals(await shownBy(Number(port)), shownFingerprint(first));
    await Deno.writeTextFile(key, soon.key);
    hub.kill("SIGHUP");
    await until(
      "the new one",
      () => hub.errors.includes(`was replaced: ${shownFingerprint(soon)}`),
    );
    assertEquals(await shownBy(Number(port)), shownFingerprint(soon));
    await until("the warning", () => /c\.pem expires in 1[34] days, on/.test(hub.errors));
    hub.kill("SIGTERM");
    assertEquals(await hub.exit(), 0);
  },
});

Deno.test("a self-signed hub prints a command with its fingerprint, and that command connects", async () => {
  await using folder = await temporaryFolder();
  await using hub = new Program([
    ...["start", "--data", folder.path, "--host", "127.0.0.1", "--port", "0", "--tls-self-signed"],
  ]);
  const [, url = "", shown = ""] = await hub.line(
    /connect (wss:\/\/127\.0\.0\.1:\d+\/) --fingerprint (SHA256:\S+)$/,
  );
  await using client = new Program(["connect", url, "--fingerprint", shown, "--name", "Alice"]);
  await client.type("hello\n", { end: true });
  assertEquals(await client.exit(), 0, client.errors);
  const other = shownFingerprint(first);
  await using wrong = new Program(["connect", url, "--fingerprint", other, "--name", "Bob"]);
  assertEquals(await wrong.exit(), 3);
  assert(wrong.errors.includes(shown), wrong.errors);
  assertEquals(wrong.errors.trimEnd().split("\n").length, 1, wrong.errors);
});

/** The fingerprint of the certificate that a port presents. */
async function shownBy(port: number): Promise<string> {
  const url = new URL(`wss://127.0.0.1:${port}/`);
  await using way = connectorFor(url, { fingerprint: readFingerprint("00".repeat(32)) });
  const asked = await fetch(new URL("/healthz", way.url.href.replace("ws:", "http:")));
  return /SHA256:[A-Za-z0-9+/]+/.exec(await asked.text())?.[0] ?? "";
}
