import { assert, assertEquals, assertMatch } from "@std/assert";
import { CLOSE } from "../../../protocol.ts";
import type { Server } from "../../../server.ts";
import { FakeClock } from "../../kit/fake_clock.ts";
import { fetchJson, httpUrl } from "../../kit/http.ts";
import { TestSocket } from "../../kit/test_socket.ts";
import { startTestHub } from "../../kit/test_hub.ts";
import { until } from "../../kit/wait.ts";

const FULL = "The hub is full: 1 connections";

Deno.test("a full hub opens a WebSocket to say so, in the client's own format, and closes it", async () => {
  await using hub = await startTestHub({ limits: { maxConnections: 1 } });
  await using _alice = await TestSocket.plain(hub.url, "Alice");
  {
    await using v1 = await TestSocket.open(hub.url, ["bcast.v9", "bcast.v1"]);
    const { code, reason } = await v1.closed;
    assertEquals([v1.socket.protocol, code, reason], ["bcast.v1", CLOSE.tryLater, FULL]);
    assertEquals(v1.frames.map((frame) => JSON.parse(frame)), [
      { type: "bye", code: CLOSE.tryLater, reconnect: true, retryAfter: 5, message: FULL },
    ]);
  }
  {
    await using plain = await TestSocket.open(`${hub.url}?sender=Bob`);
    assertEquals((await plain.closed).code, CLOSE.tryLater);
    const [{ timestamp, ...bye }] = plain.frames.map((frame) => JSON.parse(frame));
    assertMatch(timestamp, /^\d{4}-/);
    const { message, retryAfter, reconnect } = bye;
    assertEquals([bye.type, message, retryAfter, reconnect], ["bye", FULL, 5, true]);
  }
  for (const [query, protocol] of [["", "bcast.text"], ["?format=text", []]] as const) {
    await using text = await TestSocket.open(hub.url + query, protocol as string);
    assertEquals((await text.closed).code, CLOSE.tryLater);
    assertEquals(text.frames, [`* ${FULL}`]);
  }
  const { turnedAway, connections } = (await fetchJson(hub, "/api/status")).body;
  assertEquals([turnedAway, connections, hub.online], [4, 1, 1]);
  // Other requests see the status.
  const page = await fetch(httpUrl(hub, "/ws"));
  assertEquals([page.status, await page.text()], [503, `${FULL}\n`]);
});

Deno.test("a hub that stops tells WebSockets when to come back", async () => {
  const clock = new FakeClock();
  const hub = await startTestHub({ clock });
  await using _alice = await TestSocket.plain(hub.url, "Alice");
  const stopped = hub.stop("Back in a minute", 100);
  await using late = await TestSocket.open(hub.url, "bcast.v1");
  const { code, reason } = await late.closed;
  assertEquals([code, reason], [CLOSE.tryLater, "Back in a minute"]);
  const bye = await late.next("bye");
  assert(Number(bye["retryAfter"]) >= 1);
  clock.advance(1000);
  await stopped;
});

const KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/** Asks for a WebSocket, and never closes it. */
async function stubborn(hub: Server, headers = KEY): Promise<[Deno.TcpConn, string]> {
  const socket = await Deno.connect({ hostname: "127.0.0.1", port: hub.port });
  const request = `GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n` +
    `Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n${headers}\r\n`;
  await socket.write(new TextEncoder().encode(request));
  const buffer = new Uint8Array(4096);
  let answer = "";
  while (!/bye|HTTP\/1.1 [2-5]/.test(answer)) {
    const count = await socket.read(buffer);
    if (count === null) break;
    answer += new TextDecoder().decode(buffer.subarray(0, count));
  }
  return [socket, answer];
}

Deno.test("clients that do not close are not told any more, and get the HTTP status", async () => {
  await using hub = await startTestHub({ limits: { maxConnections: 0 } });
  await using stack = new AsyncDisposableStack();
  const open = async (headers?: string): Promise<string> => {
    const [socket, answer] = await stubborn(hub, headers);
    stack.defer(() => socket.close());
    return answer.slice(0, answer.indexOf("\r"));
  };
  const statuses: string[] = [];
  for (let n = 0; n < 40; n++) statuses.push(await open());
  assertEquals(new Set(statuses.slice(0, 32)), new Set(["HTTP/1.1 101 Switching Protocols"]));
  assertEquals(new Set(statuses.slice(32)), new Set(["HTTP/1.1 503 Service Unavailable"]));
  assertEquals((await fetchJson(hub, "/api/status")).body.turnedAway, 40);
  assertEquals(hub.online, 0);
  await stack.disposeAsync();
  await until("the hub tells clients again", async () => {
    const [socket, answer] = await stubborn(hub);
    socket.close();
    return answer.startsWith("HTTP/1.1 101");
  });
});

Deno.test("a full hub opens no WebSocket for a request that is wrong", async () => {
  await using hub = await startTestHub({ limits: { maxConnections: 0 } });
  for (
    const [headers, status] of [
      ["", 503],
      [`${KEY}Sec-WebSocket-Protocol: bcast.v9\r\n`, 503],
      [`${KEY}Origin: https://evil.example\r\n`, 403],
    ] as const
  ) {
    const [socket, answer] = await stubborn(hub, headers);
    socket.close();
    assertEquals(Number(answer.split(" ")[1]), status, headers);
  }
});

Deno.test("offering only unknown versions of the protocol is rejected with those that are known", async () => {
  await using hub = await startTestHub();
  const ask = async (offer: string): Promise<readonly [number, string]> => {
    using socket = await Deno.connect({ hostname: "127.0.0.1", port: hub.port });
    await socket.write(new TextEncoder().encode(
      `GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\n${KEY}Sec-WebSocket-Protocol: ${offer}\r\n\r\n`,
    ));
    const buffer = new Uint8Array(4096);
    const text = new TextDecoder().decode(buffer.subarray(0, await socket.read(buffer) ?? 0));
    return [Number(text.split(" ")[1]), text];
  };
  for (const offer of ["bcast.v2", "bcast.v2, bcast.V1", "chat, bcast.json"]) {
    const [status, text] = await ask(offer);
    assertEquals(status, 400, offer);
    assertMatch(text, /This hub speaks bcast\.v1 and bcast\.text: /);
  }
  for (const offer of ["bcast.v2, bcast.v1", "bcast.text,bcast.v7", "chat", "graphql-ws, x"]) {
    assertEquals((await ask(offer))[0], 101, offer);
  }
});
