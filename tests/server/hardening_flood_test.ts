import { assert, assertEquals } from "@std/assert";
import { LineClient } from "../kit/line_client.ts";
import { startHubProcess } from "../kit/process.ts";
import { rawRequest, UPGRADE } from "../kit/raw_http.ts";
import { TestSocket } from "../kit/test_socket.ts";
import { startTestHub } from "../kit/test_hub.ts";
import { collectLog } from "../kit/collected_log.ts";
import { until, within } from "../kit/wait.ts";

const MIB = 1024 * 1024;
const encoder = new TextEncoder();

/** Memory of a process in bytes: now, and its peak. */
async function memoryOf(pid: number): Promise<{ readonly now: number; readonly peak: number }> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const read = (name: string): number =>
    1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1]);
  return { now: read("VmRSS"), peak: read("VmHWM") };
}

/** Milliseconds until the hub has stored and returned a message of a bystander. */
async function roundTrip(bystander: TestSocket, ref: string): Promise<number> {
  const started = performance.now();
  bystander.send({ type: "message", message: ref, ref });
  await bystander.next("ack", (frame) => frame["ref"] === ref);
  return performance.now() - started;
}

async function connectMany(port: number, count: number): Promise<Deno.TcpConn[]> {
  const all: Deno.TcpConn[] = [];
  while (all.length < count) {
    const some = Array.from({ length: 100 }, () => Deno.connect({ hostname: "127.0.0.1", port }));
    all.push(...await Promise.all(some));
  }
  return all;
}

Deno.test({
  name: "hardening: 2,000 unfinished handshakes and a frame of 60 MiB cost memory only",
  ignore: Deno.build.os !== "linux",
  fn: async (t) => {
    const { program, url } = await startHubProcess(["--memory", "--tcp", "0"]);
    await using hub = program;
    const [, tcp = ""] = await hub.line(/^Listening on tcp:\/\/127\.0\.0\.1:(\d+)/);
    const port = Number(new URL(url).port);
    await using bystander = await TestSocket.plain(url, "Bystander");
    const before = await memoryOf(hub.pid);
    const figures: string[] = [];
    const note = async (what: string): Promise<void> => {
      const { now, peak } = await memoryOf(hub.pid);
      const [shown, highest] = [now, peak].map((bytes) => Math.round(bytes / MIB));
      figures.push(`${what}: ${shown} MiB now, ${highest} MiB at most`);
    };
    await note("at rest");

    await t.step("a line of 50 MiB", async () => {
      await using client = await LineClient.open(Number(tcp));
      const piece = new Uint8Array(256 * 1024).fill(0x78);
      for (let sent = 0; sent < 50 * MIB; sent += piece.length) await client.send(piece);
      await client.line(/^\* Error: a message may have at most 65536 bytes: shorten or split it$/);
      await client.send("\nstill here\n");
      await client.line(/: still here$/);
      const { peak } = await memoryOf(hub.pid);
      assert(peak - before.peak < 40 * MIB, `${(peak - before.peak) / MIB} MiB`);
      await note("after a line of 50 MiB");
    });

    await t.step("a header that never ends, from 2,000 connections", async () => {
      const conns = await connectMany(port, 2000);
      const begin = encoder.encode("GET / HTTP/1.1\r\nHost: hub\r\nX-Slow: ");
      await Promise.all(conns.map((conn) => conn.write(begin)));
      for (let byte = 0; byte < 3; byte++) {
        await Promise.all(conns.map((conn) => conn.write(encoder.encode("x"))));
        assert(await roundTrip(bystander, `slow-${byte}`) < 5000);
      }
      const newcomer = await TestSocket.plain(url, "Newcomer");
      await newcomer.close();
      assertEquals((await rawRequest(port, "GET / HTTP/1.0\r\n\r\n")).status, 200);
      await note("with 2,000 unfinished handshakes");
      for (const conn of conns) conn.close();
    });

    await t.step("500 silent TCP connections", async () => {
      const conns = await connectMany(Number(tcp), 500);
      await until("all of them", async () => {
        bystander.send({ type: "members", room: "lobby" });
        return (await bystander.next("members"))["online"] === 501;
      });
      assert(await roundTrip(bystander, "lines") < 5000);
      await note("with 500 TCP clients");
      for (const conn of conns) conn.close();
      await until("the end of all", async () => {
        bystander.send({ type: "members", room: "lobby" });
        return (await bystander.next("members"))["online"] === 1;
      });
    });

    await t.step("a frame of 60 MiB", async () => {
      const offender = await TestSocket.open(url);
      offender.send("x".repeat(60 * MIB));
      assert(await roundTrip(bystander, "large") < 5000);
      const { code, reason } = await within(offender.closed, "the close");
      assertEquals(code, 1009);
      assert(reason.includes("65536 bytes"), reason);
      await note("after a frame of 60 MiB");
    });

    const { peak } = await memoryOf(hub.pid);
    // deno-lint-ignore no-console -- figures for readers of the results
    console.log(figures.join("\n"));
    assert(peak - before.now < 500 * MIB, figures.join("\n"));
    assert(!/ error | fault/i.test(hub.errors), hub.errors.slice(-2000));
  },
});

Deno.test("hardening: handshakes beyond the limit are told, and connected clients stay", async () => {
  await using trouble = await collectLog();
  await using hub = await startTestHub({ limits: { maxConnections: 20 } });
  await using bystander = await TestSocket.plain(hub.url, "Bystander");
  const conns: Deno.TcpConn[] = [];
  const answers: string[] = [];
  const handshake = encoder.encode(`GET / HTTP/1.1\r\nHost: hub\r\n${UPGRADE}\r\n`);
  for (let round = 0; round < 10; round++) {
    await Promise.all(Array.from({ length: 20 }, async () => {
      const conn = await Deno.connect({ hostname: "127.0.0.1", port: hub.port });
      conns.push(conn);
      await conn.write(handshake);
      const bytes = new Uint8Array(8192);
      let text = "";
      while (!/"type":"(?:bye|welcome)"|^HTTP\/1.1 503/.test(text)) {
        const count = await conn.read(bytes);
        if (count === null) break;
        text += new TextDecoder().decode(bytes.subarray(0, count));
      }
      answers.push(text);
    }));
    const inside = answers.filter((text) => text.includes(`"type":"welcome"`)).length;
    await until("that the hub has counted those inside", () => hub.online === 1 + inside);
  }
  const refused =
    answers.filter((text) => /^HTTP\/1.1 503|"code":1013,"reconnect":true/.test(text)).length;
  // Sockets that arrive in one turn of the event loop count once they are open.
  assert(refused >= 180, `${refused} were refused`);
  assertEquals(refused + answers.filter((text) => text.includes(`"type":"welcome"`)).length, 200);
  bystander.send({ type: "message", message: "still here" });
  assertEquals((await bystander.next("message"))["id"], 1);
  for (const conn of conns) conn.close();
  await until("that there is room again", () => hub.online === 1);
  await using _newcomer = await TestSocket.plain(hub.url);
  assertEquals(trouble.errors, []);
});

Deno.test("hardening: TCP connections beyond the limit get the reason", async () => {
  await using trouble = await collectLog();
  await using hub = await startTestHub({ tcp: { port: 0 }, limits: { maxConnections: 20 } });
  await using bystander = await TestSocket.plain(hub.url, "Bystander");
  const clients = await Promise.all(
    Array.from({ length: 200 }, () => LineClient.open(hub.tcpPort ?? 0, false)),
  );
  await until("an answer for each", () => clients.every(({ lines }) => lines.length > 0));
  const refused = clients.filter(({ lines }) => lines[0] === "* The hub is full: 20 connections");
  assertEquals(refused.length, 181);
  assertEquals(hub.online, 20);
  bystander.send({ type: "message", message: "still here" });
  assertEquals((await bystander.next("message"))["id"], 1);
  for (const client of clients) await client[Symbol.asyncDispose]();
  await until("that there is room again", () => hub.online === 1);
  assertEquals(trouble.errors, []);
});
