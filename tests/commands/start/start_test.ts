import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { cannotListen } from "../../../commands/start/listen.ts";
import { explain } from "../../../commands/explain_error.ts";
import { temporaryFolder } from "../../kit/folder.ts";
import { Program, startHubProcess } from "../../kit/process.ts";
import { TestSocket } from "../../kit/test_socket.ts";
import { until } from "../../kit/wait.ts";

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test({
    name: `bcast start ends with 0 within two seconds of ${signal}`,
    ignore: Deno.build.os === "windows",
    fn: async () => {
      const { program, url } = await startHubProcess(["--memory"]);
      await using hub = program;
      await using client = await TestSocket.open(url);
      await client.next("welcome");
      const begun = performance.now();
      hub.kill(signal);
      assertEquals(await hub.exit(), 0);
      assertLess(performance.now() - begun, 2000);
      assertEquals((await client.closed).code, 1001);
    },
  });
}

Deno.test({
  name: "bcast start ends at once with 130 at the second Ctrl-C",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const { program, url } = await startHubProcess(["--memory"]);
    await using hub = program;
    // A client that never answers the goodbye, for which the hub waits.
    using deaf = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(url).port) });
    await deaf.write(new TextEncoder().encode(
      "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    ));
    await until("the connection in the log", () => hub.errors.includes("connected"));
    hub.kill("SIGINT");
    // The port is free only later; that the first one was taken in shows in the goodbye.
    const bytes = new Uint8Array(4096);
    let said = "";
    while (!said.includes("stopping")) {
      said += new TextDecoder().decode(bytes.subarray(0, await deaf.read(bytes) ?? 0));
    }
    hub.kill("SIGINT");
    assertEquals(await hub.exit(), 130);
  },
});

Deno.test("bcast start names a port in use and suggests another", async () => {
  const { program, url } = await startHubProcess(["--memory"]);
  await using _hub = program;
  const port = Number(new URL(url).port);
  await using second = new Program([
    ...["start", "--memory", "--host", "127.0.0.1", "--port", String(port)],
  ]);
  assertEquals(await second.exit(), 1);
  assertEquals(
    second.errors,
    `Cannot listen on 127.0.0.1:${port}: the port is in use. ` +
      `Try --port ${port === 65_535 ? 8765 : port + 1}, or --port 0 for any free one\n`,
  );
  assertEquals(second.lines, []);
});

for (
  const [host, message] of [
    ["nobody.invalid", /^Cannot listen on nobody\.invalid:0: unknown host\. Try .*\n$/],
    [
      "192.0.2.77",
      /^Cannot listen on 192\.0\.2\.77:0: this machine has no such address\. Try .*\n$/,
    ],
  ] as const
) {
  Deno.test(`bcast start --host ${host} says in one line why not`, async () => {
    await using program = new Program(["start", "--memory", "--host", host, "--port", "0"]);
    assertEquals(await program.exit(), 1);
    assertMatch(program.errors, message);
  });
}

Deno.test("cannotListen() says what to do about a port that is not permitted", () => {
  const { message, exitCode } = explain(
    cannotListen(new Deno.errors.PermissionDenied("no"), "localhost", 80),
  );
  assertEquals(exitCode, 1);
  assertEquals(
    message,
    "Cannot listen on localhost:80: the system does not permit this port. Try --port 8765",
  );
  const other = new Error("something else");
  assertEquals(cannotListen(other, "localhost", 80), other);
});

Deno.test("bcast start prints where it listens and how to join; --quiet only where", async () => {
  await using folder = await temporaryFolder();
  const args = ["start", "--port", "0", "--data", `${folder.path}/new`, "--room", "team,ops"];
  {
    await using hub = new Program(args);
    const [, port] = await hub.line(/^Listening on ws:\/\/localhost:(\d+)\/$/);
    await hub.line(/^ {2}Rooms {4}team, ops$/);
    await hub.line(
      new RegExp(`^ {2}History {2}${folder.path}/new/bcast\\.db \\(at most 10,000 messages`),
    );
    await hub.line(new RegExp(`connect --port ${port}$`));
    await hub.line(/^Ctrl-C stops it\.$/);
    const { mode } = await Deno.stat(`${folder.path}/new/bcast.db`);
    if (Deno.build.os !== "windows") assertEquals((mode ?? 0) & 0o777, 0o600);
    hub.kill("SIGTERM");
    await hub.exit();
  }
  await using quiet = new Program([...args, "--quiet"]);
  await quiet.line(/^Listening on ws:\/\/localhost:\d+\/$/);
  quiet.kill("SIGTERM");
  assertEquals(await quiet.exit(), 0);
  assertEquals([quiet.lines.length, quiet.errors], [1, ""]);
});

for (
  const [host, name, open] of [
    ["LOCALHOST", "localhost", false],
    ["127.1", "127.1", false],
    ["[::1]", "[::1]", false],
    ["[::]", "localhost", true],
    ["::0", "localhost", true],
    ["0", "localhost", true],
    ["0x0", "localhost", true],
  ] as const
) {
  Deno.test({
    name: `bcast start --host ${host} shows an address that can be opened, and who can reach it`,
    // Only there are all of these the same to the system.
    ignore: Deno.build.os !== "linux",
    async fn() {
      await using hub = new Program(["start", "--memory", "--host", host, "--port", "0"]);
      const [line, shown] = await hub.line(/^Listening on ws:\/\/(.*):\d+\/$/);
      assertEquals(shown, name, line);
      await hub.line(/^Ctrl-C stops it\.$/);
      const text = hub.lines.join("\n");
      assertEquals(text.includes("every client that can reach"), open, text);
      assertEquals(text.includes("From another machine:"), false, text);
      await until("a line of the log", () => hub.errors.includes("listens on"));
      assertEquals(hub.errors.includes(`listens on ws://${name}:`), true, hub.errors);
    },
  });
}

Deno.test("bcast start on all addresses warns that it is exposed", async () => {
  await using hub = new Program(["start", "--memory", "--host", "0.0.0.0", "--port", "0"]);
  await hub.line(/^Listening on ws:\/\/localhost:\d+\/$/);
  await hub.line(
    /^No token is required: every client that can reach this address may read and write/,
  );
});

Deno.test("bcast start hands its limits to the hub", async () => {
  const { program, url } = await startHubProcess([
    ...["--memory", "--max-message-bytes", "2K", "--max-rooms", "3", "--replay", "2"],
    ...["--burst", "7", "--room", "attic"],
  ]);
  await using _hub = program;
  await using client = await TestSocket.open(url);
  const welcome = await client.next("welcome");
  const limits = welcome["limits"] as Record<string, unknown>;
  const { maxMessageBytes, maxRooms, recent, burst } = limits;
  assertEquals([maxMessageBytes, maxRooms, recent, burst], [2048, 3, 2, 7]);
  assertEquals((welcome["rooms"] as { room: string }[]).map(({ room }) => room), ["attic"]);
});

Deno.test("bcast start says in one line that a database is damaged, and leaves it alone", async () => {
  await using folder = await temporaryFolder();
  const file = `${folder.path}/bcast.db`;
  const damaged = "this is no database ".repeat(500);
  await Deno.writeTextFile(file, damaged);
  await using program = new Program(["start", "--port", "0", "--data", folder.path]);
  assertEquals(await program.exit(), 1);
  assert(program.errors.includes(file), program.errors);
  assertEquals(program.errors.split("\n").length, 2, program.errors);
  assertEquals(await Deno.readTextFile(file), damaged);
});

Deno.test("bcast start logs to a file, as JSON when asked to", async () => {
  await using folder = await temporaryFolder();
  const file = `${folder.path}/hub.log`;
  const { program, url } = await startHubProcess([
    ...["--memory", "--quiet", "--log-file", file, "--log-format", "json"],
  ]);
  await using hub = program;
  {
    await using client = await TestSocket.open(`${url}?sender=Alice`);
    await client.next("welcome");
  }
  hub.kill("SIGTERM");
  assertEquals(await hub.exit(), 0);
  const records = (await Deno.readTextFile(file)).trimEnd().split("\n").map((line) =>
    JSON.parse(line)
  );
  assert(records.some(({ message }) => /Alice/.test(message)), JSON.stringify(records));
  assert(records.every(({ time, level, logger }) => time && level && logger.startsWith("bcast")));
  assertEquals(hub.errors, "");
});

Deno.test("bcast start takes the environment where no flag speaks", async () => {
  await using hub = new Program(["start", "--port", "0"], {
    BCAST_HOST: "127.0.0.1",
    BCAST_PORT: "1",
    BCAST_MEMORY: "1",
    BCAST_ROOM: "env",
  });
  await hub.line(/^Listening on ws:\/\/127\.0\.0\.1:\d{2,}\/$/);
  await hub.line(/^ {2}Rooms {4}env$/);
  await hub.line(/^ {2}History {2}in memory only/);
});
