import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Server } from "../../../../server.ts";
import { LINE_PAUSE } from "../../../../server/transports/tcp/line_connection.ts";
import { FakeClock } from "../../../kit/fake_clock.ts";
import { LineClient } from "../../../kit/line_client.ts";
import { TestSocket } from "../../../kit/test_socket.ts";
import { startTestHub, type TestHubOptions } from "../../../kit/test_hub.ts";
import { until } from "../../../kit/wait.ts";

/** A hub that also accepts plain TCP. */
async function startTcpHub(
  options: TestHubOptions = {},
): Promise<Server & { readonly tcpPort: number }> {
  const hub = await startTestHub({ tcp: { port: 0 }, ...options });
  assert(hub.tcpPort !== undefined);
  return hub as Server & { readonly tcpPort: number };
}

/** Replaces what differs from run to run. */
const masked = (line: string): string =>
  line.replace(/\d\d:\d\d:\d\d/, "TIME").replaceAll(/guest-[a-z0-9]{4}/g, "GUEST");

/** Sends a message ten times, and waits until all are stored. */
async function sendTenTimes(client: TestSocket, message: string): Promise<void> {
  for (let ref = 0; ref < 10; ref++) {
    client.send({ type: "message", message, ref: `${crypto.randomUUID()}-${ref}` });
  }
  await client.next("ack", (frame) => String(frame["ref"]).endsWith("-9"));
  client.forget();
}

Deno.test("input without line ends counts as lines after each pause", async () => {
  const clock = new FakeClock();
  await using hub = await startTcpHub({ clock });
  await using reader = await TestSocket.plain(hub.url, "Reader");
  await using client = await LineClient.open(hub.tcpPort);
  /** The next message in the room, however long the pause before it. */
  const next = (): Promise<unknown> =>
    until("a message", () => {
      clock.advance(LINE_PAUSE);
      const message = reader.all("message")[seen];
      if (message !== undefined) seen++;
      return message?.["message"];
    });
  let seen = 0;
  await client.send("Hello");
  assertEquals(await next(), "Hello");
  await client.line(/^\* That had no newline: after 500 ms it counts as a line/);
  await client.send("wörld 👋");
  assertEquals(await next(), "wörld 👋");
  // A client that ends lines may be slow: its unfinished lines stay unfinished.
  await client.send("one\ntw");
  assertEquals(await next(), "one");
  for (let round = 0; round < 10; round++) clock.advance(LINE_PAUSE);
  await client.send("o\n");
  assertEquals(await next(), "two");
});

Deno.test("a line that is not UTF-8 is refused with a reason, and the next one is sent", async () => {
  await using hub = await startTcpHub();
  await using reader = await TestSocket.plain(hub.url, "Reader");
  await using client = await LineClient.open(hub.tcpPort);
  await client.send(new Uint8Array([0x63, 0x61, 0x66, 0xe9, 0x0a]));
  await client.line(/^\* Not sent: the line is not UTF-8/);
  await client.send("café\n");
  assertEquals((await reader.next("message"))["message"], "café");
});

Deno.test("a TCP client gets the same lines as a `bcast.text` client", async () => {
  const script = [
    "/nick Walter",
    "hello",
    "/me waves",
    "//slash",
    "/who",
    "/join attic",
    "upstairs",
    "/msg Nobody hi",
    "/msg Bystander psst",
    "/unknown",
    "/nick Bystander",
    "/history 2",
    "/leave",
    "/help",
    "x".repeat(64 * 1024),
    "/quit",
  ];
  const seen: string[][] = [];
  for (const kind of ["websocket", "tcp"]) {
    await using hub = await startTcpHub();
    await using _bystander = await TestSocket.plain(hub.url, "Bystander");
    if (kind === "tcp") {
      await using client = await LineClient.open(hub.tcpPort);
      // One at a time, so that the lines of others arrive at the same place.
      await client.line(/joined/);
      for (const line of script) {
        await client.send(`${line}\n`);
        if (line === "/quit") break;
        await client.send("/history nothing\n");
        await client.line(/^\* Usage: \/history/);
        if (line === "/nick Walter") await client.line(/is now Walter/);
        if (line === "/join attic") await client.line(/Walter joined/);
      }
      assertEquals(await client.ended, true);
      assertEquals(client.lines.at(-1), "* You left");
      seen.push(client.lines.slice(0, -1).map(masked));
    } else {
      await using client = await TestSocket.open(hub.url, "bcast.text");
      await client.line(/^\* You are/);
      await client.line(/joined/);
      for (const line of script) {
        client.send(line);
        if (line === "/quit") break;
        client.send("/history nothing");
        await client.line(/^\* Usage: \/history/);
        if (line === "/nick Walter") await client.line(/is now Walter/);
        if (line === "/join attic") await client.line(/Walter joined/);
      }
      assertEquals((await client.closed).code, 1000);
      seen.push(client.frames.flatMap((frame) => frame.split("\n")).map(masked));
    }
  }
  assertEquals(seen[1], seen[0]);
  assert((seen[0]?.length ?? 0) > 30);
});

Deno.test("a new client sees the last messages, its room and its name", async () => {
  await using hub = await startTcpHub();
  await using alice = await TestSocket.plain(hub.url, "Alice");
  alice.send({ type: "message", message: "first" });
  alice.send({ type: "message", message: "two\nlines \u001b[31m" });
  await alice.next("message", (frame) => frame["id"] === 2);
  await using bob = await LineClient.open(hub.tcpPort);
  assertEquals(bob.lines.slice(0, 5).map(masked), [
    "[TIME] Alice: first",
    "[TIME] Alice: two",
    "  | lines ␛[31m",
    "* In room lobby (2 online)",
    "* You are GUEST. /help lists the commands, /nick NAME changes the name",
  ]);
});

Deno.test("TCP and WebSocket clients share rooms and names", async () => {
  await using hub = await startTcpHub();
  await using alice = await TestSocket.plain(hub.url, "Alice");
  await using bob = await LineClient.open(hub.tcpPort);
  await bob.send("/nick ALICE\n");
  await bob.line(/^\* Error: The name ALICE is taken/);
  await bob.send("/nick Bob\r\nGrüße 世界 👋\r\n");
  const seen = await alice.next("message");
  assertEquals([seen["sender"], seen["message"]], ["Bob", "Grüße 世界 👋"]);
  alice.send({ type: "message", message: "hi Bob" });
  await bob.line(/^\[..:..:..\] Alice: hi Bob\r?$/);
});

Deno.test("the hub ends lines as the client does: LF or CR LF", async () => {
  await using hub = await startTcpHub();
  await using client = await LineClient.open(hub.tcpPort);
  assert(!client.text.includes("\r"));
  const before = client.text.length;
  await client.send("/who\r\n/help\r\n");
  await client.line(/begins with a slash/);
  const after = client.text.slice(before);
  assertEquals(after.split("\n").length, after.split("\r\n").length);
});

Deno.test("a message may arrive byte by byte", async () => {
  await using hub = await startTcpHub();
  await using alice = await TestSocket.plain(hub.url, "Alice");
  await using bob = await LineClient.open(hub.tcpPort);
  bob.conn.setNoDelay(true);
  for (const byte of new TextEncoder().encode("é世👋\r\n")) {
    await bob.send(new Uint8Array([byte]));
    // One round trip: the hub reads the byte before the next one is sent.
    alice.send({ type: "ping" });
    await alice.next("pong");
  }
  assertEquals((await alice.next("message"))["message"], "é世👋");
});

Deno.test("after the end of the input, the hub stores and echoes everything before it closes", async () => {
  await using hub = await startTcpHub();
  await using alice = await TestSocket.plain(hub.url, "Alice");
  await using bob = await LineClient.open(hub.tcpPort, false);
  // Everything at once, before the hub has greeted the client; the last line has no end.
  const lines = Array.from({ length: 3000 }, (_, number) => `line ${number + 1}`);
  await bob.send(lines.join("\n"));
  await bob.conn.closeWrite();
  assertEquals(await bob.ended, true);
  const own = bob.lines.filter((line) => /guest-....: line /.test(line));
  assertEquals(own.map((line) => line.replace(/.*: /, "")), lines);
  await alice.next("message", (frame) => frame["message"] === "line 3000");
  assertEquals(alice.all("message").map((frame) => frame["message"]), lines);
  await until("the hub forgets the client", () => hub.online === 1);
});

Deno.test("an endless line is refused once, and the next line is accepted", async () => {
  await using hub = await startTcpHub();
  await using client = await LineClient.open(hub.tcpPort);
  const piece = new Uint8Array(256 * 1024).fill(0x78);
  for (let count = 0; count < 16; count++) await client.send(piece);
  await client.line(/^\* Error: a message may have at most 65536 bytes: shorten or split it$/);
  await client.send("\nstill here\n");
  await client.line(/: still here$/);
  assertEquals(client.lines.filter((line) => line.includes("Error")).length, 1);
});

Deno.test("a client that stops reading is disconnected with the reason when its outbox is full", async () => {
  await using hub = await startTcpHub({ limits: { maxOutboxBytes: 256 * 1024 } });
  const [alice] = await TestSocket.v1(hub.url, { sender: "Alice", echo: false });
  await using _alice = alice;
  using stuck = await Deno.connect({ hostname: "127.0.0.1", port: hub.tcpPort });
  await until("the client that does not read", () => hub.online === 2);
  const message = "m".repeat(60 * 1024);
  for (let count = 0; hub.online === 2; count++) {
    assert(count < 100, "it is never disconnected");
    await sendTenTimes(alice, message);
  }
  // When it reads again, it finds whole lines, and the reason in the last one.
  let text = "";
  for await (const part of stuck.readable.pipeThrough(new TextDecoderStream())) text += part;
  const lines = text.split("\n");
  assertEquals(lines.at(-1), "");
  assertEquals(lines.at(-2), "* You fell behind: reconnect to resume from the log");
  assert(lines.filter((line) => line.includes("Alice: ")).every((line) => line.endsWith(message)));
});

Deno.test("a client that reads nothing of its backlog is disconnected after the heartbeat time", async () => {
  const clock = new FakeClock();
  await using hub = await startTcpHub({ clock, limits: { heartbeat: 30 } });
  const [alice] = await TestSocket.v1(hub.url, { sender: "Alice", echo: false });
  await using _alice = alice;
  const stuck = await Deno.connect({ hostname: "127.0.0.1", port: hub.tcpPort });
  await using silent = await LineClient.open(hub.tcpPort);
  await until("the client that does not read", () => hub.online === 3);
  // More than the buffers of two sockets hold, less than these and the outbox.
  for (let count = 0; count < 13; count++) await sendTenTimes(alice, "m".repeat(60 * 1024));
  await silent.send("/who\n");
  await silent.line(/3 online in lobby/);
  for (let second = 0; second < 100; second++) {
    // Lets the sockets write, as they do between two seconds.
    alice.send({ type: "ping" });
    await alice.next("pong");
    clock.advance(1000);
  }
  assertEquals(hub.online, 2);
  // The runtime gives up its last write only when the reader is gone; the next lines take long
  // enough for it to notice.
  stuck.close();
  // A client that has read everything may stay silent.
  await silent.send("/who\n");
  await silent.line(/2 online in lobby/);
});

Deno.test("TCP and WebSocket connections count towards one limit", async () => {
  await using hub = await startTcpHub({ limits: { maxConnections: 2 } });
  const first = await LineClient.open(hub.tcpPort);
  await using _second = await TestSocket.plain(hub.url);
  await using third = await LineClient.open(hub.tcpPort, false);
  assertEquals(await third.ended, true);
  assertEquals(third.lines, ["* The hub is full: 2 connections"]);
  assertEquals((await (await TestSocket.open(hub.url)).closed).code, 1013);
  await first.send("/quit\n");
  await first.ended;
  await first[Symbol.asyncDispose]();
  await until("the end of the first", () => hub.online === 1);
  await until("the limit allows another", async () => {
    const client = await LineClient.open(hub.tcpPort, false);
    await until("an answer", () => client.lines.length > 0);
    const inside = client.lines[0]?.startsWith("* In room") ?? false;
    await client[Symbol.asyncDispose]();
    return inside;
  });
});

Deno.test("the rate limit refuses lines with the reason, and then disconnects", async () => {
  const clock = new FakeClock();
  await using hub = await startTcpHub({
    clock,
    limits: { rate: 1, burst: 5, rateOnLoopback: true },
  });
  await using client = await LineClient.open(hub.tcpPort);
  await client.send("x\n".repeat(30));
  await client.line(/^\* Error: Over 1 frames a second: wait/);
  await until("the disconnection", () => {
    clock.advance(100);
    return hub.online === 0;
  });
  assertEquals(await client.ended, true);
  assertEquals(client.lines.at(-1), "* Over 1 frames a second: wait and come back");
  assertEquals(client.lines.filter((line) => line.endsWith(": x")).length, 5);
});

for (
  const [what, bytes, answer] of [
    ["lines that are not UTF-8", [0xf1, 0x0a], "* Not sent: the line is not UTF-8. Send UTF-8"],
    ["are-you-there of telnet", [0xff, 0xf6], "* Yes, the hub is here"],
  ] as const
) {
  const flood = (count: number): Uint8Array =>
    new Uint8Array(Array.from({ length: count }, () => bytes).flat());

  Deno.test(`${what} count towards the rate limit as lines do`, async () => {
    const clock = new FakeClock();
    await using hub = await startTcpHub({
      clock,
      limits: { rate: 1, burst: 5, rateOnLoopback: true },
    });
    await using client = await LineClient.open(hub.tcpPort);
    await client.send(flood(30));
    await client.line(/^\* Error: Over 1 frames a second: wait/);
    await until("the disconnection", () => {
      clock.advance(100);
      return hub.online === 0;
    });
    assertEquals(await client.ended, true);
    assertEquals(client.lines.at(-1), "* Over 1 frames a second: wait and come back");
    assertEquals(client.lines.filter((line) => line === answer).length, 5);
  });

  Deno.test(`a flood of ${what} without reading the answers is disconnected at the outbox limit`, async () => {
    await using hub = await startTcpHub({ limits: { maxOutboxBytes: 64 * 1024 } });
    const conn = await Deno.connect({ hostname: "127.0.0.1", port: hub.tcpPort });
    using _conn = conn;
    await until("the client", () => hub.online === 1);
    const all = flood(20_000);
    const sending = (async () => {
      while (hub.online === 1) {
        await conn.write(all);
      }
    })().catch(() => "broken in the middle of a write");
    await until("the end of the flood", () => hub.online === 0);
    await sending;
  });
}

Deno.test("`Server.stop()` gives its reason once, as the last line", async () => {
  const hub = await startTcpHub();
  await using client = await LineClient.open(hub.tcpPort);
  await hub.stop("Back in a minute");
  assertEquals(await client.ended, true);
  assertEquals(client.lines.at(-1), "* Back in a minute");
  assertEquals(client.lines.filter((line) => line.includes("Back")).length, 1);
});

for (
  const [what, first, answer] of [
    ["an HTTP request", "POST /x HTTP/1.1\r\nHost: x\r\n\r\nhello\r\n", /speaks lines, not HTTP/],
    ["a TLS handshake", "\u0016\u0003\u0001\u0002\u0000\u0001", /speaks plain lines, not TLS/],
  ] as const
) {
  Deno.test(`${what} is rejected with the reason, and nothing of it becomes a message`, async () => {
    await using hub = await startTcpHub();
    await using alice = await TestSocket.plain(hub.url, "Alice");
    await using client = await LineClient.open(hub.tcpPort);
    await client.send(first);
    await client.line(answer);
    await client.conn.closeWrite();
    assertEquals(await client.ended, true);
    alice.send({ type: "message", message: "all well" });
    assertEquals((await alice.next("message"))["message"], "all well");
  });
}

Deno.test("telnet's are-you-there, timing mark and Ctrl-C are answered", async () => {
  await using hub = await startTcpHub();
  await using client = await LineClient.open(hub.tcpPort);
  await client.send(new Uint8Array([255, 246]));
  await client.line(/^\* Yes, the hub is here$/);
  await client.send(new Uint8Array([255, 253, 6]));
  await until("the answer to the timing mark", () => client.raw.includes("\xff\xfc\x06"));
  await client.send(new Uint8Array([255, 244]));
  assertEquals(await client.ended, true);
  assertMatch(client.text, /\* You left\n$/);
});
