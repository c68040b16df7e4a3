import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { connect } from "../../../client.ts";
import { addressesOf, AddressInUse, bindAll, type Bound } from "../../../server/transports/bind.ts";
import { sqliteStorage } from "../../../server/storage.ts";
import { startServer } from "../../../server.ts";
import { openSqliteBroker } from "../../../broker/sqlite/sqlite_broker.ts";
import { keyPair } from "../../kit/certificates.ts";
import { rawGet } from "../../kit/raw_http.ts";
import { LineClient } from "../../kit/line_client.ts";
import { Program } from "../../kit/process.ts";
import { startTestHub } from "../../kit/test_hub.ts";
import { until } from "../../kit/wait.ts";

/** Whether this machine has IPv6 on its loopback interface. */
function hasIpv6(): boolean {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    // deno-lint-ignore no-console -- readers of the results must know what was skipped
    console.warn("SKIPPED: tests of both families, because ::1 cannot be bound");
    return false;
  }
}

const ignore = !hasIpv6();

const FAMILIES = ["127.0.0.1", "::1"];

Deno.test({
  name: "a hub on localhost accepts WebSocket, HTTP and TCP over IPv4 and IPv6",
  ignore,
  async fn() {
    await using hub = await startTestHub({ host: "localhost", tcp: { port: 0 } });
    assertEquals(hub.addresses, FAMILIES);
    const talkers = FAMILIES.map((address) => {
      const host = address.includes(":") ? `[${address}]` : address;
      return connect({ url: `ws://${host}:${hub.port}/`, sender: `Zoë ${address.length}` });
    });
    for (const talker of talkers) {
      await talker.send({ message: "hi" });
    }
    assertEquals(hub.online, 2);
    for (const hostname of FAMILIES) {
      using conn = await Deno.connect({ hostname, port: hub.tcpPort ?? 0 });
      await conn.write(new TextEncoder().encode("hello\n"));
      const buffer = new Uint8Array(64);
      const count = await conn.read(buffer) ?? 0;
      assert(/^[*[]/.test(new TextDecoder().decode(buffer.subarray(0, count))), "it is greeted");
    }
    assertEquals((await rawGet(hub.port, "/healthz", [])).status, 200);
    for (const talker of talkers) {
      await talker.close();
    }
  },
});

Deno.test({
  name: "`stop()` disconnects clients of both families with 1001, and frees all ports",
  ignore,
  async fn() {
    const hub = await startTestHub({ host: "localhost", tcp: { port: 0 } });
    const ends: Promise<unknown>[] = [];
    for (const host of ["127.0.0.1", "[::1]"]) {
      const socket = new WebSocket(`ws://${host}:${hub.port}/`);
      await new Promise((resolve) => socket.onopen = resolve);
      ends.push(new Promise((resolve) => socket.onclose = ({ code }) => resolve(code)));
    }
    await using line = await LineClient.open(hub.tcpPort ?? 0);
    await hub.stop("Bye");
    assertEquals(await Promise.all(ends), [1001, 1001]);
    await line.ended;
    for (const hostname of FAMILIES) {
      for (const port of [hub.port, hub.tcpPort ?? 0]) Deno.listen({ hostname, port }).close();
    }
  },
});

Deno.test({
  name: "a hub on localhost does not start when another program has its port on ::1",
  ignore,
  async fn() {
    using other = Deno.listen({ hostname: "::1", port: 0 });
    const { port } = other.addr;
    const broker = await openSqliteBroker({ path: ":memory:" });
    await using _broker = broker;
    const error = assertThrows(() => startServer({ ...sqliteStorage(broker), port }), AddressInUse);
    assertEquals(error.address, "::1");
    assertInstanceOf(error, Deno.errors.AddrInUse);
    await until("the port on 127.0.0.1 is free again", () => {
      try {
        Deno.listen({ hostname: "127.0.0.1", port }).close();
        return true;
      } catch (error) {
        if (error instanceof Deno.errors.AddrInUse) return false;
        throw error;
      }
    });
    for (const [flags, flag] of [[["--port"], "--port"], [["--port", "0", "--tcp"], "--tcp"]]) {
      const args = ["start", "--memory", ...flags ?? [], String(port)];
      await using program = new Program(args);
      assertEquals(await program.exit(), 1);
      const [first = ""] = program.errors.trimEnd().split("\n").slice(-1);
      assert(
        first.includes(`Cannot listen on [::1]:${port}: the port is in use. Try ${flag} `),
        program.errors,
      );
    }
  },
});

Deno.test({
  name: "`renew()` changes the certificate for both families",
  ignore,
  async fn() {
    const names = ["localhost", ...FAMILIES];
    await using hub = await startTestHub({ host: "localhost", tls: await keyPair(names) });
    const next = await keyPair(names);
    await hub.renew(next);
    using client = Deno.createHttpClient({ caCerts: [next.cert] });
    for (const host of ["127.0.0.1", "[::1]", "localhost"]) {
      const answer = await fetch(`https://${host}:${hub.port}/healthz`, { client });
      assertEquals(await answer.text(), "ok\n", host);
    }
  },
});

/** Stands for a listener. */
class FakeListener implements Bound {
  disposed = false;
  constructor(readonly address: string, readonly port: number) {}
  [Symbol.asyncDispose](): Promise<void> {
    this.disposed = true;
    return Promise.resolve();
  }
}

Deno.test("`bindAll()` picks another port while one of the addresses does not have it", () => {
  const opened: FakeListener[] = [];
  let next = 5000;
  const parts = bindAll(addressesOf("localhost"), 0, (address, port) => {
    if (address === "::1" && port < 5003) throw new Deno.errors.AddrInUse("taken");
    const part = new FakeListener(address, port === 0 ? next++ : port);
    opened.push(part);
    return part;
  });
  assertEquals(parts.map(({ address, port }) => [address, port]), [
    ["127.0.0.1", 5003],
    ["::1", 5003],
  ]);
  assertEquals(opened.map(({ disposed }) => disposed), [true, true, true, false, false]);
  let tries = 0;
  assertThrows(
    () =>
      bindAll(addressesOf("localhost"), 0, (address, port) => {
        if (address === "::1") throw new Deno.errors.AddrInUse("taken");
        return new FakeListener(address, port + ++tries);
      }),
    AddressInUse,
    "::1",
  );
  assert(tries > 1 && tries < 100, "it stops trying");
});

Deno.test("`bindAll()` skips a loopback family that the machine lacks, but no other address", () => {
  const unknown = Object.assign(new Error("not supported (os error 97)"), { code: "EAFNOSUPPORT" });
  for (const missing of FAMILIES) {
    for (const error of [new Deno.errors.AddrNotAvailable("none"), unknown]) {
      const parts = bindAll(addressesOf("LocalHost"), 8765, (address, port) => {
        if (address === missing) throw error;
        return new FakeListener(address, port);
      });
      assertEquals(
        parts.map(({ address }) => address),
        FAMILIES.filter((each) => each !== missing),
      );
    }
  }
  const none = (): FakeListener => {
    throw unknown;
  };
  assertThrows(() => bindAll(FAMILIES, 0, none), Error, "os error 97");
  // An address that the caller asked for is not skipped.
  assertThrows(() => bindAll(addressesOf("::1"), 0, none), Error, "os error 97");
  const denied = (): FakeListener => {
    throw new Deno.errors.PermissionDenied("no");
  };
  assertThrows(() => bindAll(FAMILIES, 80, denied), Deno.errors.PermissionDenied);
});
