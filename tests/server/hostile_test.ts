import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { TestSocket } from "../kit/test_socket.ts";
import { startTestHub } from "../kit/test_hub.ts";

/** A malformed input, and the required response. */
interface Hostile {
  readonly input: string;
  /** The correct codes; the first frame in response must have one of them. */
  readonly codes: readonly string[];
}

const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
const bad = (input: string, ...codes: string[]): Hostile => ({ input, codes });

function truncated(): Hostile[] {
  const whole = JSON.stringify({
    type: "message",
    room: "lobby",
    message: "Grüße, 世界 👋",
    data: { deep: [1, { x: null }] },
    ref: "r-1",
  });
  return Array.from(
    { length: whole.length - 1 },
    (_, cut) => bad(whole.slice(0, cut + 1), "bad_json"),
  );
}

function wrongTypes(): Hostile[] {
  const values = ["null", "true", "-1", "1.5", "1e400", '"x y"', '""', "[]", "{}", '"\\u0000"'];
  // A value that happens to be fine for a field (`null` is "not given") is left out.
  const fields: [type: string, field: string, fine: string[], codes: string[]][] = [
    ["message", "message", ["null", '"x y"', '"\\u0000"'], ["bad_frame"]],
    ["message", "room", ["null"], ["bad_room"]],
    ["message", "sender", ["null", '"x y"'], ["bad_name"]],
    ["message", "kind", ["null"], ["bad_frame", "unsupported"]],
    ["message", "key", ["null"], ["bad_frame"]],
    ["message", "ref", ["null", "-1", "1.5", '"x y"', '"\\u0000"'], ["bad_frame"]],
    ["direct", "to", ['"x y"'], ["bad_name"]],
    ["join", "room", [], ["bad_room"]],
    ["join", "after", ["null"], ["bad_frame"]],
    ["join", "epoch", ["null", '"x y"', '""', '"\\u0000"'], ["bad_frame"]],
    ["join", "recent", ["null"], ["bad_frame"]],
    ["join", "max", ["null"], ["bad_frame"]],
    ["join", "presence", ["null"], ["bad_frame"]],
    ["leave", "room", [], ["bad_room"]],
    ["nick", "name", ['"x y"'], ["bad_name"]],
    ["typing", "active", ["true"], ["bad_frame"]],
    ["history", "limit", ["null"], ["bad_frame"]],
    ["history", "before", ["null"], ["bad_frame"]],
    ["history", "query", ["null", '"x y"', '""', '"\\u0000"'], ["bad_frame"]],
    ["members", "room", ["null"], ["bad_room"]],
    ["hello", "rooms", ["null", "[]"], ["bad_frame"]],
    ["hello", "session", ["null", '"x y"', '""', '"\\u0000"'], ["bad_frame"]],
    ["hello", "echo", ["null", "true"], ["bad_frame"]],
  ];
  const rest: Record<string, string> = {
    message: `"message":"m","room":"lobby"`,
    direct: `"to":"Bob","message":"m"`,
    join: `"room":"lobby"`,
    leave: `"room":"lobby"`,
    nick: `"name":"Alice"`,
    typing: `"room":"lobby","active":true`,
    history: `"room":"lobby"`,
    members: `"room":"lobby"`,
    hello: `"sender":"Alice"`,
  };
  return fields.flatMap(([type, field, fine, codes]) =>
    values.filter((value) => !fine.includes(value)).map((value) =>
      // Of two equal keys, the last one counts.
      bad(`{"type":"${type}",${rest[type]},"${field}":${value}}`, ...codes)
    )
  );
}

function unknownTypes(): Hostile[] {
  const types = [
    "ack",
    "welcome",
    "",
    "MESSAGE",
    "constructor",
    "__proto__",
    "toString",
    "\u001b[2J",
  ];
  return [
    ...types.map((type) => bad(JSON.stringify({ type }), "unknown_type")),
    ...["null", "1", "[]", "{}", "true"].map((type) => bad(`{"type":${type}}`, "unknown_type")),
    bad("{}", "unknown_type"),
    bad(`{"__proto__":{"type":"message","message":"x"}}`, "unknown_type"),
  ];
}

function tooDeep(): Hostile[] {
  return [64, 65, 100, 1_000, 10_000, 30_000].map((depth) =>
    bad(`{"type":"message","data":${nested(depth + 1)}}`, "bad_frame")
  );
}

function tooBig(): Hostile[] {
  const sizes = [64 * 1024, 100_000, 500_000, 1024 * 1024 - 100];
  return sizes.flatMap((size) => [
    bad(`{"type":"message","message":"${"x".repeat(size)}"}`, "too_big"),
    bad(`{"type":"message","message":"${"é".repeat(size / 2)}"}`, "too_big"),
  ]);
}

function controlCharacters(): Hostile[] {
  return Array.from({ length: 32 }, (_, code) => String.fromCharCode(code)).flatMap((control) => [
    // Raw, JSON does not allow them; escaped, a name does not.
    bad(`{"type":"message","message":"a${control}b"}`, "bad_json"),
    bad(JSON.stringify({ type: "nick", name: `a${control}b` }), "bad_name"),
    bad(JSON.stringify({ type: "join", room: `a${control}b` }), "bad_room"),
  ]);
}

function badNamesAndRooms(): Hostile[] {
  const names = [
    "",
    " ",
    "a/b",
    "a@b",
    "a#b",
    "a:b",
    "\u202ea",
    "\u200b",
    "\u200d",
    "\u2028",
    "\u001b[31m",
  ];
  const rooms = ["", "Lobby", "-a", ".a", "a b", "é", "a/b", "../x", "a".repeat(65), "a\n", "%2e"];
  return [
    ...names.flatMap((sender) => [
      bad(JSON.stringify({ type: "nick", name: sender }), "bad_name"),
      bad(JSON.stringify({ type: "direct", to: sender, message: "m" }), "bad_name"),
    ]),
    bad(JSON.stringify({ type: "nick", name: "n".repeat(33) }), "bad_name"),
    ...rooms.flatMap((room) =>
      ["join", "leave", "members", "history"].map((type) =>
        bad(JSON.stringify({ type, room }), "bad_room")
      )
    ),
  ];
}

/** The valid frames of a script, each with one damaged character: each must be answered. */
function damaged(count: number): Hostile[] {
  const frame = `{"type":"members","room":"lobby","ref":"r"}`;
  const anything = ["bad_json", "bad_frame", "unknown_type", "bad_room", "ok"];
  return Array.from({ length: count }, (_, n) => {
    const at = 1 + n % (frame.length - 1);
    const character = String.fromCharCode(33 + (n * 31) % 90);
    return bad(frame.slice(0, at) + character + frame.slice(at + 1), ...anything);
  });
}

Deno.test("each of a thousand malformed inputs gets the right error, and a bystander loses nothing", async () => {
  await using hub = await startTestHub();
  await using bystander = await TestSocket.plain(hub.url, "Bystander");
  await using writer = await TestSocket.plain(hub.url, "Writer");
  await using offender = await TestSocket.plain(hub.url, "Offender");
  const inputs = [
    ...truncated(),
    ...wrongTypes(),
    ...unknownTypes(),
    ...tooDeep(),
    ...tooBig(),
    ...controlCharacters(),
    ...badNamesAndRooms(),
  ];
  inputs.push(...damaged(1_000 - inputs.length));
  assertEquals(inputs.length, 1_000);

  for (const [index, { input, codes }] of inputs.entries()) {
    offender.send(input);
    offender.send({ type: "ping", ref: index });
    // All frames since the last response are the response to the input.
    const before = offender.frames.length;
    await offender.next("pong", (frame) => frame["ref"] === index);
    const answers = offender.frames.slice(before).map((frame) => JSON.parse(frame));
    const error = answers.find((answer) => answer.type === "error");
    const code = error === undefined ? "ok" : error.code;
    assert(codes.includes(code), `${input.slice(0, 100)} got ${code}, not ${codes}`);
    if (index % 50 === 0) writer.send({ type: "message", message: `w${index}` });
  }
  const last = await bystander.next("message", (frame) => frame["message"] === "w950");
  assertEquals(last["id"], 20);
  const seen = bystander.all("message").map((frame) => frame["id"]);
  assertEquals(seen, Array.from({ length: 20 }, (_, index) => index + 1));
});

Deno.test("input that cannot be answered closes the connection with the right code", async (t) => {
  await using hub = await startTestHub();
  await using bystander = await TestSocket.plain(hub.url, "Bystander");

  await t.step("binary frames: 1003", async () => {
    for (const bytes of [0, 1, 70_000]) {
      const socket = await TestSocket.plain(hub.url);
      socket.socket.send(new Uint8Array(bytes));
      assertEquals((await socket.closed).code, 1003);
    }
  });
  await t.step("a frame of more than sixteen messages: 1009, naming the limit", async () => {
    const socket = await TestSocket.plain(hub.url);
    socket.send("x".repeat(1024 * 1024 + 1));
    const { code, reason } = await socket.closed;
    assertEquals(code, 1009);
    assert(reason.includes("65536 bytes"), reason);
  });
  await t.step("invalid UTF-8: the runtime drops the connection", async () => {
    const socket = await Deno.connect({ hostname: "127.0.0.1", port: hub.port });
    await socket.write(new TextEncoder().encode(
      "GET / HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    ));
    // One text frame, masked with zeros (RFC 6455 section 5.2): 0xff is never UTF-8.
    await socket.write(new Uint8Array([0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe]));
    const buffer = new Uint8Array(64 * 1024);
    while (await socket.read(buffer) !== null);
    socket.close();
  });

  bystander.send({ type: "message", message: "still here" });
  assertEquals((await bystander.next("message"))["id"], 1);
});

Deno.test({
  name: "a client that answers no ping gets 1001 with the reason of the runtime",
  // Before 2.9, the runtime leaves the connection open for the client to close.
  ignore: /^2\.[0-8]\./.test(Deno.version.deno),
  fn: noPong,
});

async function noPong(): Promise<void> {
  await using hub = await startTestHub({ limits: { heartbeat: 1 } });
  using socket = await Deno.connect({ hostname: "127.0.0.1", port: hub.port });
  await socket.write(new TextEncoder().encode(
    "GET /?sender=Mute HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n" +
      "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  ));
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for await (const chunk of socket.readable) chunks.push(chunk);
  const bytes = new Uint8Array(await new Blob(chunks).arrayBuffer());
  // The close frame is the last one: its code, then its reason.
  const reason = "No response from ping frame.";
  const end = bytes.subarray(-2 - reason.length);
  assertEquals(new DataView(end.buffer, end.byteOffset).getUint16(0), 1001);
  assertEquals(new TextDecoder().decode(end.subarray(2)), reason);
  const page = await Deno.readTextFile(new URL("../../docs/protocol.md", import.meta.url));
  assert(/^\| 1001 .*did not answer a ping.*\| yes/m.test(page), "docs/protocol.md says so");
}

Deno.test("requests that are not handshakes get a text answer", async (t) => {
  await using hub = await startTestHub();
  const http = hub.url.replace("ws:", "http:");
  for (
    const [path, init, status] of [
      ["ws", {}, 426],
      ["elsewhere", {}, 404],
      ["../../etc/passwd", {}, 404],
      ["?room=Not%20A%20Room", { headers: { upgrade: "websocket", connection: "upgrade" } }, 400],
    ] as [string, RequestInit, number][]
  ) {
    await t.step(`/${path}`, async () => {
      const response = await fetch(new URL(path, http), init);
      assertEquals(response.status, status);
      assert(response.headers.get("server")?.startsWith("bcast/"));
      assertEquals((await response.text()).trimEnd().split("\n").length, 1);
    });
  }
});

Deno.test("a full hub tells new clients so, and serves the others", async () => {
  await using hub = await startTestHub({ limits: { maxConnections: 2 } });
  await using first = await TestSocket.plain(hub.url);
  const second = await TestSocket.plain(hub.url);
  for (const protocols of [[], "bcast.v1"]) {
    const refused = await TestSocket.open(hub.url, protocols);
    assertEquals((await refused.closed).code, 1013);
    const [bye] = refused.all("bye");
    assertEquals([bye?.["code"], bye?.["reconnect"]], [1013, true]);
    assertStringIncludes(String(bye?.["message"]), "full");
    assert(Number(bye?.["retryAfter"]) > 0);
  }
  await second.close();
  // The hub may notice the end later than the client.
  while (hub.online > 1) await (first.send({ type: "ping" }), first.next("pong"));
  await using _third = await TestSocket.plain(hub.url);
});
