import { assert, assertEquals } from "@std/assert";
import { temporaryFolder } from "../kit/folder.ts";
import { type ReceivedFrame, TestSocket } from "../kit/test_socket.ts";
import { Program, startHubProcess } from "../kit/process.ts";

Deno.test("history survives kill -9 of the hub", async () => {
  await using folder = await temporaryFolder();
  const data = folder.path;
  const first = await startHubProcess(["--data", data]);
  await using hub = first.program;
  await using alice = new Program(["connect", first.url, "--name", "Alice"]);
  await using bob = new Program(["connect", first.url, "--name", "Bob"]);
  await alice.type("hello from Alice\n");
  await bob.line(/Alice: hello from Alice/);
  await bob.type("and from Bob\n");
  await alice.line(/Bob: and from Bob/);
  hub.kill("SIGKILL");
  await hub.exit();

  const second = await startHubProcess(["--data", data]);
  await using _hub = second.program;
  await using carol = await TestSocket.open(second.url);
  const [lobby] = (await carol.next("welcome"))["rooms"] as { history: ReceivedFrame[] }[];
  assertEquals(
    lobby?.history.map((message) => [message["id"], message["sender"], message["message"]]),
    [
      [1, "Alice", "hello from Alice"],
      [2, "Bob", "and from Bob"],
    ],
  );
});

Deno.test("10,000 acknowledged messages survive kill -9, in order and without gaps", async () => {
  const COUNT = 10_000;
  await using folder = await temporaryFolder();
  const data = folder.path;
  const { program, url } = await startHubProcess(["--data", data]);
  await using hub = program;
  const [writer] = await TestSocket.v1(url, { sender: "Writer", echo: false });
  for (let n = 1; n <= COUNT; n++) writer.send({ type: "message", message: `m${n}`, ref: n });
  await writer.next("ack", (ack) => ack["ref"] === COUNT);
  assertEquals(writer.all("ack").length, COUNT);
  hub.kill("SIGKILL");
  await hub.exit();
  await writer.closed;

  const again = await startHubProcess(["--data", data]);
  await using _hub = again.program;
  const [reader] = await TestSocket.v1(again.url, { rooms: [{ room: "lobby", after: 0 }] });
  await using _ = reader;
  const history: ReceivedFrame[] = [];
  let after = 0;
  while (after < COUNT) {
    reader.send({ type: "history", room: "lobby", after, limit: 500 });
    const page = (await reader.next("history"))["messages"] as ReceivedFrame[];
    assert(page.length > 0, `nothing after ${after}`);
    history.push(...page);
    after += page.length;
  }
  const expected = Array.from({ length: COUNT }, (_, index) => [index + 1, `m${index + 1}`]);
  assertEquals(history.map((message) => [message["id"], message["message"]]), expected);
});

Deno.test("SIGTERM disconnects clients with 1001, stores everything and exits with 0 within two seconds", async () => {
  await using folder = await temporaryFolder();
  const data = folder.path;
  const { program, url } = await startHubProcess(["--data", data]);
  await using hub = program;
  const [client] = await TestSocket.v1(url);
  // A client that never answers the close frame.
  const mute = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(url).port) });
  await mute.write(new TextEncoder().encode(
    "GET /?room=ops HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  ));
  await mute.read(new Uint8Array(1));
  client.send({ type: "message", message: "kept", ref: 1 });
  await client.next("ack");
  const before = Date.now();
  hub.kill("SIGTERM");
  assertEquals((await client.closed).code, 1001);
  assertEquals(await hub.exit(), 0, hub.errors);
  assert(
    hub.errors.includes("Stopped after 2 connections (0 rejected), 1 messages"),
    hub.errors,
  );
  assert(Date.now() - before < 2_000, `it took ${Date.now() - before} ms`);
  mute.close();
});
