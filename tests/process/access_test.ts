import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { temporaryFolder } from "../kit/folder.ts";
import { requestUpgrade } from "../kit/raw_http.ts";
import { Program, startHubProcess } from "../kit/process.ts";
import { TestSocket } from "../kit/test_socket.ts";
import { until } from "../kit/wait.ts";

/** Slightly more files than the program itself opens. */
const DESCRIPTORS = 150;

Deno.test({
  name: "bcast start survives more unfinished handshakes than it has file descriptors",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using hub = new Program(
      ["start", "--port", "0", "--memory", "--max-per-address", "1000"],
      {},
      ["sh", "-c", `ulimit -n ${DESCRIPTORS}; exec "$0" "$@"`],
    );
    const [url] = await hub.line(/ws:\/\/localhost:\d+\//);
    const port = Number(new URL(url).port);
    await using bystander = await TestSocket.plain(url, "Bystander");
    await using writer = await TestSocket.plain(url, "Writer");
    const sockets: Deno.TcpConn[] = [];
    try {
      while (sockets.length < DESCRIPTORS && !hub.errors.includes("No new client can connect")) {
        const socket = await Deno.connect({ hostname: "127.0.0.1", port }).catch(() => undefined);
        if (socket === undefined) break;
        sockets.push(socket);
        await socket.write(new TextEncoder().encode("GET / HTTP/1.1\r\nX: ")).catch(() => 0);
      }
      await until("the hub notices", () => hub.errors.includes("No new client can connect"));
      writer.send({ type: "message", message: "still here" });
      assertEquals((await bystander.next("message"))["message"], "still here");
    } finally {
      for (const socket of sockets) socket.close();
    }
    await until("the hub listens again", () => hub.errors.includes("Listening again\n"));
    await using _late = await TestSocket.plain(url, "Late");
    hub.kill("SIGTERM");
    assertEquals(await hub.exit(), 0);
  },
});

Deno.test({
  name: "bcast start stops in time despite unfinished handshakes",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const { program, url } = await startHubProcess(["--memory"]);
    await using hub = program;
    using socket = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(url).port) });
    await socket.write(new TextEncoder().encode("GET / HTTP/1.1\r\nX: "));
    // The hub accepts connections in order: it has accepted the first once it serves the second.
    await using _client = await TestSocket.plain(url);
    hub.kill("SIGTERM");
    assertEquals(await hub.exit(), 0, hub.errors);
  },
});

Deno.test("bcast start reloads its token file, and keeps the last valid one", async () => {
  await using folder = await temporaryFolder();
  const file = `${folder.path}/tokens`;
  await Deno.writeTextFile(file, "first-secret-of-the-hub\n", { mode: 0o600 });
  const { program, url } = await startHubProcess(["--memory", "--token-file", file]);
  await using hub = program;
  const { port } = new URL(url);
  const status = async (token: string): Promise<number> =>
    (await requestUpgrade(Number(port), [["Authorization", `Bearer ${token}`]])).status;
  assertEquals(await status("first-secret-of-the-hub"), 101);

  await Deno.writeTextFile(file, "first-secret-of-the-hub\nsecond-secret-of-the-hub\n");
  await until("the second", () => hub.errors.includes("Reloaded the authentication files"));
  assertEquals(await status("second-secret-of-the-hub"), 101);
  assertEquals(await status("first-secret-of-the-hub"), 101);

  await Deno.writeTextFile(file, "");
  await until(
    "a complaint",
    () => hub.errors.includes("The previous authentication settings stay in force"),
  );
  assertEquals(await status("first-secret-of-the-hub"), 101);
  assert(!hub.errors.includes("secret-of-the-hub"), hub.errors);
});

Deno.test("a client with a wrong token exits with 4 and the hub's reason", async () => {
  const { program, url } = await startHubProcess(["--memory", "--token", "the-secret-of-the-hub"]);
  await using _hub = program;
  await using client = new Program(["connect", url, "--token", "another-secret"]);
  await client.type("hi\n", { end: true });
  assertEquals(await client.exit(), 4);
  assertMatch(client.errors, /rejected [^:]+: The token is wrong: ask the hub's operator/);
  await using good = new Program(["connect", url, "--token", "the-secret-of-the-hub"]);
  await good.type("hi\n", { end: true });
  assertEquals(await good.exit(), 0);
});

Deno.test({
  name: "a token file may be a pipe such as <(command): it is read once",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const secret = "the-secret-of-the-hub";
    const { program, url } = await startHubProcess(["--memory", "--token", secret]);
    await using _hub = program;
    const shell = `BCAST_TOKEN_FILE=<(echo ${secret}) exec "$0" "$@"`;
    const own = `test "$BCAST_TOKEN" = ${secret} && cat`;
    for (
      const [args, expected] of [
        [["send", "--url", url, "--name", "Zoë-2", "Grüße"], []],
        [["history", url], [/^\[[^\]]+\] Zoë-2: Grüße$/]],
        [["listen", url, "--after", "0", "--count", "1", "--format", "{message}"], [/^Grüße$/]],
        [["who", url], []],
        [
          ["exec", "--url", url, "--after", "0", "--count", "1", "--share-token"]
            .concat("--", "sh", "-c", own),
          [/^Grüße$/],
        ],
      ] as const
    ) {
      await using client = new Program(args, {}, ["bash", "-c", shell]);
      assertEquals([args[0], await client.exit(), client.lines.length], [
        args[0],
        0,
        expected.length,
      ], client.errors);
      expected.forEach((pattern, n) => assertMatch(client.lines[n] ?? "", pattern));
    }
  },
});

Deno.test("bcast token creates a secret readable by its owner only, mints and inspects tokens with it", async () => {
  await using folder = await temporaryFolder();
  const file = `${folder.path}/jwt`;
  await using secret = new Program(["token", "secret", file]);
  assertEquals(await secret.exit(), 0);
  if (Deno.build.os !== "windows") {
    assertEquals(((await Deno.stat(file)).mode ?? 0) & 0o777, 0o600);
  }
  await using mint = new Program([
    ...["token", "mint", "--secret-file", file, "--sub", "Alice", "--rooms", "ops-*=read"],
  ]);
  assertEquals(await mint.exit(), 0);
  const [token = ""] = mint.lines;
  await using inspect = new Program(["token", "inspect", "--jwt-secret-file", file]);
  await inspect.type(token, { end: true });
  assertEquals(await inspect.exit(), 0);
  assertStringIncludes(inspect.lines.join("\n"), "valid: a hub with these keys accepts it");
  const { program, url } = await startHubProcess(["--memory", "--jwt-secret-file", file]);
  await using _hub = program;
  const [socket, welcome] = await TestSocket.v1(url, { token });
  await socket.close();
  assertEquals([welcome["sender"], welcome["rooms"]], ["Alice", []]);
});
