import { assert, assertEquals, assertMatch } from "@std/assert";
import { Program, startHubProcess } from "../../../kit/process.ts";
import { TestSocket } from "../../../kit/test_socket.ts";
import { startTestHub } from "../../../kit/test_hub.ts";
import { until } from "../../../kit/wait.ts";

/** The `nc` of this machine, or the one that `BCAST_TEST_NC` names. */
async function findNc(): Promise<{ readonly path: string; readonly openbsd: boolean } | undefined> {
  const path = Deno.env.get("BCAST_TEST_NC") ?? "nc";
  try {
    const { stderr, stdout } = await new Deno.Command(path, { args: ["-h"] }).output();
    const help = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    return { path, openbsd: help.includes("OpenBSD") };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

const nc = await findNc();
const path = nc?.path ?? "";
if (!nc?.openbsd) {
  // deno-lint-ignore no-console -- readers of the results must know what was skipped
  console.warn("SKIPPED: the tests with nc, because this machine has no OpenBSD nc");
}

/** Runs `nc` to its end with `input`; returns its output. */
async function runNc(args: readonly string[], input: string): Promise<string> {
  const child = new Deno.Command(path, { args: [...args], stdin: "piped", stdout: "piped" })
    .spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { code, stdout } = await child.output();
  assertEquals(code, 0);
  return new TextDecoder().decode(stdout);
}

for (
  const [how, ending] of [["-N", ["-N"]], ["-q 1", ["-q", "1"]], ["-C -N", ["-C", "-N"]]] as const
) {
  Deno.test({
    name: `printf 'hi\\n' | nc ${how} sends the line, prints it, and ends`,
    ignore: !nc?.openbsd,
    fn: async () => {
      await using hub = await startTestHub({ tcp: { port: 0 } });
      await using alice = await TestSocket.plain(hub.url, "Alice");
      const shown = await runNc([...ending, "127.0.0.1", String(hub.tcpPort)], "/nick Bob\nhi\n");
      assertMatch(shown, /^\[..:..:..\] Bob: hi\r?$/m);
      const { sender, message } = await alice.next("message");
      assertEquals([sender, message], ["Bob", "hi"]);
      await until("nc has left", () => hub.online === 1);
    },
  });
}

Deno.test({
  name: "others see an interrupted nc leave",
  ignore: !nc?.openbsd,
  fn: async () => {
    await using hub = await startTestHub({ tcp: { port: 0 } });
    await using alice = await TestSocket.plain(hub.url, "Alice");
    const child = new Deno.Command(path, {
      args: ["127.0.0.1", String(hub.tcpPort)],
      stdin: "piped",
      stdout: "null",
    }).spawn();
    await alice.next("system", ({ message }) => /guest-.* joined/.test(String(message)));
    child.kill("SIGINT");
    await alice.next("system", ({ message }) => /^guest-.* left/.test(String(message)));
    await child.status;
    await child.stdin.close().catch(() => {
      // Closed with the program.
    });
  },
});

Deno.test("bcast start --tcp prints its port, and fails when the port is taken", async () => {
  const { program, url } = await startHubProcess(["--memory", "--quiet", "--tcp", "0"]);
  await using hub = program;
  const [, port = ""] = await hub.line(/^Listening on tcp:\/\/127\.0\.0\.1:(\d+) for lines$/);
  assert(!url.includes(port));
  await using second = new Program([
    ...["start", "--memory", "--host", "127.0.0.1", "--port", "0", "--tcp", port],
  ]);
  assertEquals(await second.exit(), 1);
  assertMatch(
    second.errors,
    new RegExp(`^Cannot listen on 127\\.0\\.0\\.1:${port}: the port is in use\\. Try --tcp \\d+, `),
  );
  hub.kill("SIGTERM");
  assertEquals(await hub.exit(), 0);
});

Deno.test("bcast start --tcp rejects what is not a port with 2", async () => {
  await using program = new Program(["start", "--memory", "--tcp", "70000"]);
  assertEquals(await program.exit(), 2);
  assertMatch(program.errors, /^--tcp must be a port from 0 to 65535; it is "70000"\n/);
});
