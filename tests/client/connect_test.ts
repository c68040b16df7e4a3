import { assertEquals, assertRejects } from "@std/assert";
import { connect, ConnectError, type ConnectOptions, type Environment } from "../../client.ts";
import { FakeClock } from "../kit/fake_clock.ts";
import { EventLog } from "../kit/event_log.ts";
import { ScriptedHub } from "../kit/scripted_hub.ts";
import { within } from "../kit/wait.ts";

/** The error of a connection that fails to open. */
async function failure(
  options: ConnectOptions,
  seams: Partial<Environment> = {},
): Promise<ConnectError> {
  const conversation = connect(options, seams);
  const error = await assertRejects(() => new EventLog(conversation).rest(), ConnectError);
  await conversation.close();
  return error;
}

Deno.test("`connect()` reports a closed port, and what to do", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const error = await failure({ url: `ws://127.0.0.1:${port}` });
  assertEquals(error.failure, "connection-refused");
  assertEquals(
    error.message,
    `Nothing listens at ws://127.0.0.1:${port}: start a hub with "bcast start", or check --host and --port`,
  );
});

Deno.test("`connect()` reports an unknown host", async () => {
  const error = await failure({ url: "ws://no-such-host.invalid" });
  assertEquals(error.failure, "unknown-host");
  assertEquals(error.message, "The host of ws://no-such-host.invalid is unknown: check --host");
});

Deno.test("`connect()` reports the hub's reason for rejecting the upgrade", async () => {
  const cases = [
    {
      status: 401,
      failure: "rejected",
      says: "rejected the request: The token is missing: use --token",
    },
    { status: 403, failure: "rejected", says: "rejected the request: This origin is not allowed" },
    { status: 429, failure: "busy", says: "is busy: 256 connections from your address" },
    { status: 503, failure: "busy", says: "is busy: The hub is full" },
  ];
  for (const { status, failure: expected, says } of cases) {
    await using hub = new ScriptedHub();
    const sentence = says.slice(says.indexOf(": ") + 2);
    hub.answer(() => new Response(`${sentence}\n`, { status }));
    const error = await failure({ url: `${hub.url}/ws?token=secret` });
    assertEquals([error.failure, error.code], [expected, status]);
    assertEquals(error.message, `The hub at ${hub.url}/ws ${says}`);
  }
});

Deno.test("`connect()` reduces the reason to one short, harmless line", async () => {
  await using hub = new ScriptedHub();
  hub.answer(() => new Response(`a\nb\x1b[2J${"x".repeat(100_000)}`, { status: 401 }));
  const { message } = await failure({ url: hub.url });
  assertEquals(
    message.slice(message.indexOf("rejected")),
    `rejected the request: a b␛[2J${"x".repeat(293)}`,
  );
});

Deno.test("`connect()` stops reading an endless response", async () => {
  await using hub = new ScriptedHub();
  const endless = (): ReadableStream<Uint8Array> =>
    new ReadableStream({
      pull: (controller) => controller.enqueue(new TextEncoder().encode("no ".repeat(40))),
    });
  const headers = { "content-type": "text/plain" };
  hub.answer(() => new Response(endless(), { status: 403, headers }));
  const { message } = await within(failure({ url: hub.url }), "the failure");
  assertEquals(message.split("no").length - 1, 100);
});

Deno.test("`connect()` describes a web server that is not a hub", async () => {
  await using web = new ScriptedHub();
  web.answer(() => new Response("<h1>Hello</h1>", { headers: { "content-type": "text/html" } }));
  const page = await failure({ url: web.url });
  assertEquals([page.failure, page.code], ["not-a-hub", 200]);
  assertEquals(
    page.message,
    `No bcast hub at ${web.url} (it answered HTTP 200): check --host and --port`,
  );
  web.answer(() =>
    new Response(null, { status: 301, headers: { location: "https://elsewhere/" } })
  );
  const moved = await failure({ url: web.url });
  assertEquals(moved.message, `${web.url} redirects to https://elsewhere/: use that address`);
  web.answer(() => new Response("Upgrade", { status: 426, headers: { server: "bcast" } }));
  const stripped = await failure({ url: web.url });
  assertEquals(stripped.failure, "network");
  web.answer(() => new Response("Open …", { status: 200, headers: { server: "bcast/0.1.0" } }));
  assertEquals((await failure({ url: web.url })).message, stripped.message);
  const unknown =
    "This hub does not answer to the name hub.lan: start it with --allowed-host hub.lan";
  web.answer(() => new Response(unknown, { status: 421, headers: { server: "bcast/0.1.0" } }));
  const misdirected = await failure({ url: web.url });
  assertEquals(misdirected.failure, "rejected");
  assertEquals(misdirected.message, `The hub at ${web.url} rejected the request: ${unknown}`);
  web.answer(() => new Response("", { status: 502 }));
  assertEquals((await failure({ url: web.url })).failure, "busy");
  await using chat = new ScriptedHub("");
  const other = await failure({ url: chat.url });
  assertEquals(other.failure, "not-a-hub");
  const something = `Something other than a bcast hub answers at ${chat.url}: `;
  assertEquals(other.message, `${something}it opens WebSockets, but does not support "bcast.v1"`);
});

Deno.test("`connect()` describes a server that does not speak HTTP", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const served = (async () => {
    const connection = await listener.accept();
    await connection.read(new Uint8Array(4096));
    await connection.write(new TextEncoder().encode("SSH-2.0-OpenSSH_9.9\r\n"));
    connection.close();
  })();
  const url = `ws://127.0.0.1:${listener.addr.port}`;
  const error = await failure({ url });
  assertEquals(error.failure, "not-a-hub");
  assertEquals(
    error.message,
    `Something other than a bcast hub answers at ${url}: check --host and --port`,
  );
  await served;
  listener.close();
});

Deno.test("`connect()` times out if the server sends nothing", async () => {
  const clock = new FakeClock();
  await using hub = new ScriptedHub();
  const conversation = connect({ url: hub.url }, { clock });
  const log = new EventLog(conversation);
  await (await hub.accept()).hello();
  clock.advance(20_000);
  const error = await assertRejects(() => log.rest(), ConnectError, "No answer within 20 seconds");
  assertEquals(error.failure, "network");
  await conversation.close();
});

Deno.test("`connect()` reports an error after `hello` for any close code", async () => {
  for (const code of [4501, 4002, 1000]) {
    await using hub = new ScriptedHub();
    const conversation = connect({ url: hub.url, token: "old" });
    const log = new EventLog(conversation);
    const side = await hub.accept();
    await side.hello();
    side.refuse({ code: "unauthorized", message: "The token expired: ask for one" });
    side.close(code, "Other words");
    const error = await assertRejects(() => log.rest(), ConnectError);
    assertEquals([error.failure, error.code], ["rejected", code]);
    assertEquals(
      error.message,
      `The hub at ${hub.url} rejected the connection: The token expired: ask for one`,
    );
    await conversation.close();
  }
});

Deno.test("`connect()` closes after an error in reply to `hello` if the hub does not", async () => {
  const clock = new FakeClock();
  await using hub = new ScriptedHub();
  const conversation = connect({ url: hub.url, sender: "Bob" }, { clock });
  const log = new EventLog(conversation);
  const side = await hub.accept();
  await side.hello();
  const waiting = clock.waiting;
  side.refuse({ code: "bad_name", message: "That is not a name" });
  while (clock.waiting === waiting) {
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  clock.advance(1000);
  const error = await assertRejects(() => log.rest(), ConnectError, "That is not a name");
  assertEquals(error.failure, "rejected");
  await conversation.close();
});

Deno.test("`connect()` fails with `busy` if the hub is full", async () => {
  await using hub = new ScriptedHub();
  const conversation = connect({ url: hub.url });
  const log = new EventLog(conversation);
  const side = await hub.accept();
  side.bye({ code: 1013, retryAfter: 9, message: "The hub is full: 2 clients" });
  const error = await assertRejects(() => log.rest(), ConnectError);
  assertEquals([error.failure, error.code], ["busy", 1013]);
  assertEquals(error.message, `The hub at ${hub.url} is busy: The hub is full: 2 clients`);
  await conversation.close();
});

Deno.test("`retryFirst` retries until a hub listens, and honours `retryAfter`", async () => {
  const clock = new FakeClock();
  await using hub = new ScriptedHub();
  hub.answer(() =>
    new Response("The hub is stopping", { status: 503, headers: { "retry-after": "5" } })
  );
  await using conversation = connect({ url: hub.url, retryFirst: true }, {
    clock,
    random: () => 0.5,
  });
  const log = new EventLog(conversation);
  const sent = conversation.send({ message: "waits" });
  await log.expect("connecting");
  const offline = await log.expect("offline");
  assertEquals([offline.code, offline.retryIn], [1006, 5125]);
  assertEquals(offline.reason, `The hub at ${hub.url} is busy: The hub is stopping`);
  hub.answer(undefined);
  clock.advance(5125);
  assertEquals((await log.expect("connecting")).attempt, 2);
  const side = await hub.welcome();
  assertEquals((await log.expect("online")).reconnected, false);
  side.ack((await side.expect("message")).ref, 1);
  await within(sent, "ack");
});

Deno.test("`retryFirst` does not retry a final failure", async () => {
  await using hub = new ScriptedHub();
  hub.answer(() => new Response("A token is needed", { status: 401 }));
  assertEquals((await failure({ url: hub.url, retryFirst: true })).failure, "rejected");
  hub.answer(() => new Response("", { status: 404 }));
  assertEquals((await failure({ url: hub.url, retryFirst: true })).failure, "not-a-hub");
});

/** A socket of a runtime that, like browsers, does not say why it failed. */
class Failing extends EventTarget {
  readonly readyState = WebSocket.CLOSED;
  readonly bufferedAmount = 0;
  constructor() {
    super();
    queueMicrotask(() => {
      this.dispatchEvent(new Event("error"));
      this.dispatchEvent(new CloseEvent("close", { code: 1006 }));
    });
  }
  close(): void {}
}

Deno.test("`connect()` gives a general reason if the runtime gives none", async () => {
  const address = "wss://example.org/chat";
  for (const answer of [undefined, 200, 301, 404, 500]) {
    const { failure: kind, message } = await failure({ url: address }, {
      socket: () => new Failing() as unknown as WebSocket,
      fetch: () =>
        answer === undefined
          ? Promise.reject(new TypeError("Failed to fetch"))
          : Promise.resolve(new Response("words", { status: answer })),
    });
    assertEquals(kind, "network");
    assertEquals(message, `Cannot reach a hub at ${address}: check the address and the network`);
  }
});

Deno.test("`connect()` asks the hub over HTTP if the runtime gives no reason", async () => {
  for (
    const [status, kind, says] of [
      [503, "busy", "is busy: The hub is full: 2 connections"],
      [429, "busy", "is busy: Your address has 256 connections"],
      [403, "rejected", "rejected the request: This origin is not allowed"],
    ] as const
  ) {
    await using hub = new ScriptedHub();
    hub.answer(() => new Response(`${says.slice(says.indexOf(": ") + 2)}\n`, { status }));
    const error = await failure({ url: hub.url }, {
      socket: () => new Failing() as unknown as WebSocket,
    });
    assertEquals([error.failure, error.code], [kind, status]);
    assertEquals(error.message, `The hub at ${hub.url} ${says}`);
  }
});

Deno.test("`connect()` reports why the runtime opened no WebSocket", async () => {
  const { failure: kind, message } = await failure({ url: "ws://example.org" }, {
    socket: () => {
      throw new DOMException("Port is blocked", "SecurityError");
    },
  });
  assertEquals([kind, message.includes("Port is blocked")], ["network", true]);
});
