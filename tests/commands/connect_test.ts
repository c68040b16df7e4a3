import { assert, assertEquals, assertMatch } from "@std/assert";
import { temporaryFolder } from "../kit/folder.ts";
import { Program, programCommand } from "../kit/process.ts";
import { startTestHub } from "../kit/test_hub.ts";
import { TestSocket } from "../kit/test_socket.ts";
import { until } from "../kit/wait.ts";

Deno.test("bcast connect with piped input sends each line, waits for acks, and prints none of them", async () => {
  await using hub = await startTestHub();
  await using program = new Program(["connect", hub.url, "--name", "ci"]);
  await program.type("hi\n\nüber 😀\r\nno newline at the end", { end: true });
  assertEquals(await program.exit(), 0);
  assertEquals([program.lines, program.errors], [[], ""]);
  await using reader = new Program(["connect", hub.url, "--json"]);
  await reader.type("", { end: true });
  assertEquals(await reader.exit(), 0);
  const frames = reader.lines.map((line) => JSON.parse(line));
  assertEquals(
    frames.filter(({ type }) => type === "message").map(({ id, sender, message }) => [
      id,
      sender,
      message,
    ]),
    [[1, "ci", "hi"], [2, "ci", "über 😀"], [3, "ci", "no newline at the end"]],
  );
});

Deno.test("bcast connect sends thousands of lines in order", async () => {
  await using hub = await startTestHub();
  await using program = new Program(["connect", hub.url, "--name", "ci"]);
  const all = Array.from({ length: 3000 }, (_, n) => `line ${n}`);
  await program.type(all.join("\n"), { end: true });
  assertEquals(await program.exit(), 0);
  const [reader] = await TestSocket.v1(hub.url, { rooms: [{ room: "lobby", after: 2500 }] });
  await using _ = reader;
  reader.send({ type: "history", room: "lobby", after: 2500, limit: 500 });
  const page = await reader.next("history");
  assertEquals(
    (page["messages"] as { message: string }[]).map(({ message }) => message),
    all.slice(2500),
  );
});

Deno.test("two `bcast connect` exchange messages", async () => {
  await using hub = await startTestHub();
  await using alice = new Program(["connect", "--name", "Alice", "--room", "team"], {
    BCAST_URL: hub.url,
  });
  await using bob = new Program(["connect"], {
    BCAST_URL: hub.url,
    BCAST_NAME: "Bob",
    BCAST_ROOM: "team",
  });
  await alice.type("hello\n");
  await bob.line(/^\[[\d:]+\] Alice: hello$/);
  await bob.type("and \x1b[2Jback\n", { end: true });
  await alice.line(/^\[[\d:]+\] Bob: and ␛\[2Jback$/);
  assertEquals(await bob.exit(), 0);
});

Deno.test("bcast connect reports the line that the hub rejects, and exits with 1", async () => {
  await using hub = await startTestHub({ limits: { maxMessageBytes: 2048 } });
  await using program = new Program(["connect", hub.url]);
  await program.type(`one\n${"x".repeat(5000)}\nthree\n`, { end: true });
  assertEquals(await program.exit(), 1);
  assertMatch(program.errors, /^Line 2 was not sent: .*2048.*\n$/);
  await using reader = await TestSocket.open(hub.url);
  const [room] = (await reader.next("welcome"))["rooms"] as { last: number }[];
  assertEquals(room?.last, 2);
});

Deno.test("bcast connect to a closed port prints one line and exits with 3", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  await using program = new Program(["connect", "--host", "127.0.0.1", "--port", String(port)]);
  assertEquals(await program.exit(), 3);
  assertMatch(
    program.errors,
    new RegExp(`^Nothing listens at ws://127\\.0\\.0\\.1:${port}: .*\n$`),
  );
  assertEquals(program.lines, []);
});

Deno.test("bcast connect to an unknown host prints one line and exits with 3", async () => {
  await using program = new Program(["connect", "nobody.invalid"]);
  assertEquals(await program.exit(), 3);
  assertMatch(program.errors, /^[^\n]*nobody\.invalid[^\n]*\n$/);
});

Deno.test("bcast connect to another server prints one line and exits with 3", async () => {
  await using web = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("hello"),
  );
  await using program = new Program(["connect", `127.0.0.1:${web.addr.port}`]);
  assertEquals(await program.exit(), 3);
  assertMatch(program.errors, /^[^\n]*hub[^\n]*\n$/);
});

Deno.test("bcast connect that is rejected prints the hub's reason and exits with 4", async () => {
  await using web = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => {
      const { socket, response } = Deno.upgradeWebSocket(request, { protocol: "bcast.v1" });
      socket.onmessage = () => socket.close(4501, "The token has expired: ask for a new one");
      return response;
    },
  );
  await using program = new Program(["connect", `127.0.0.1:${web.addr.port}`, "--token", "x"]);
  assertEquals(await program.exit(), 4);
  assertMatch(program.errors, /^[^\n]*The token has expired: ask for a new one[^\n]*\n$/);
});

Deno.test({
  name: "a waiting bcast connect exits with 130 at Ctrl-C",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using hub = await startTestHub();
    await using other = await TestSocket.open(hub.url);
    await using program = new Program(["connect", hub.url]);
    // The program handles signals once it has joined.
    await other.next("system", (frame) => frame["online"] === 2);
    program.kill("SIGINT");
    assertEquals(await program.exit(), 130);
    assertEquals(program.errors, "Interrupted\n");
  },
});

Deno.test({
  name: "bcast connect | head exits without an error",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using hub = await startTestHub();
    const command = programCommand().map((word) => `'${word}'`).join(" ");
    const child = new Deno.Command("sh", {
      args: ["-c", `{ ${command} connect ${hub.url}; echo code=$? >&2; } | head -n 1`],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    await using other = await TestSocket.open(`${hub.url}?sender=Bob`);
    await other.next("welcome");
    const errors = child.stderr.text();
    let done = false;
    void errors.then(() => done = true);
    // It notices the closed pipe only when it writes, so there must be messages.
    let count = 0;
    await until("its end", async () => {
      const ref = ++count;
      other.send({ type: "message", message: `m${ref}`, ref });
      await other.next("ack", (ack) => ack["ref"] === ref);
      return done;
    });
    assertMatch(await child.stdout.text(), /Bob: m\d+\n$/);
    assertEquals(await errors, "code=0\n");
    await child.status;
    await child.stdin.close();
  },
});

Deno.test("bcast connect --log-file keeps a log without message texts", async () => {
  await using folder = await temporaryFolder();
  const file = `${folder.path}/client.log`;
  await using hub = await startTestHub();
  await using program = new Program(["connect", hub.url, "--name", "ci", "--log-file", file]);
  await program.type("a secret\n", { end: true });
  assertEquals(await program.exit(), 0);
  const log = await Deno.readTextFile(file);
  assertMatch(
    log,
    /^\S+ info {4}client: Connecting to ws:\/\/.*\n\S+ info {4}client: Connected as ci\n/,
  );
  assert(!log.includes("a secret"));
});

Deno.test("the log of bcast connect has message texts at debug level only", async () => {
  await using folder = await temporaryFolder();
  await using hub = await startTestHub();
  await using bob = new Program(["connect", hub.url, "--name", "Bob-2"]);
  await bob.type("from Bob \u202e\n");
  for (const level of ["info", "debug"]) {
    const log = `${folder.path}/${level}.log`;
    await using alice = new Program([
      ...["connect", hub.url, "--name", "Alice", "--log-level", level, "--log-file", log],
    ]);
    await alice.line(/from Bob/);
    await alice.type("from Alice\n", { end: true });
    assertEquals(await alice.exit(), 0);
    const text = await Deno.readTextFile(log);
    assertMatch(text, /Connected as Alice/);
    const isDebug = level === "debug";
    assertEquals(/lobby 1 Bob-2: from Bob <U\+202E>$/m.test(text), isDebug, text);
    assertEquals(/lobby \d Alice: from Alice$/m.test(text), isDebug, text);
  }
});
