// deno-lint-ignore-file no-console -- this script prints its results
/**
 * Checks that generic clients can talk to each other through the hub: Python's `websockets` and
 * Node's `ws` in JSON, `wscat` in text.
 *
 * Usage: `deno task interop [URL]`; without a URL it starts a hub. Needs `npm` and a `python3` with
 * `websockets`; prints a warning for each client that is missing.
 */
import { assert } from "@std/assert";
import { openSqliteBroker } from "../../broker/sqlite/sqlite_broker.ts";
import { sqliteStorage } from "../../server/storage.ts";
import { startServer } from "../../server.ts";
import { TestSocket } from "../kit/test_socket.ts";

const PACKAGES = ["ws@8.23.0", "wscat@6.1.0"];

const here = import.meta.dirname ?? ".";
const decoder = new TextDecoder();

interface CommandResult {
  readonly success: boolean;
  readonly output: string;
}

async function run(command: string, args: readonly string[]): Promise<CommandResult> {
  const child = new Deno.Command(command, {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const { success, stdout, stderr } = await child.output();
  await child.stdin.close().catch(() => {
    // It exited before its input was closed.
  });
  return { success, output: decoder.decode(stdout) + decoder.decode(stderr) };
}

async function available(command: string, args: readonly string[]): Promise<boolean> {
  try {
    return (await run(command, args)).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function python(): Promise<string | undefined> {
  for (const command of ["python3", "/usr/bin/python3"]) {
    if (await available(command, ["-c", "import websockets"])) return command;
  }
  return undefined;
}

async function talk(url: string): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "bcast-interop-" });
  try {
    const install = ["install", "--prefix", folder, "--no-save", "--silent", ...PACKAGES];
    assert((await run("npm", install)).success, "npm cannot install ws and wscat");
    const pythonCommand = await python();
    if (pythonCommand === undefined) {
      console.error("SKIPPED: Python, because no python3 here has the package websockets");
    }
    const names = ["Node", "Wscat", ...(pythonCommand === undefined ? [] : ["Python"])];
    const others = (name: string): string[] => names.filter((each) => each !== name);
    await using observer = await TestSocket.plain(url, "Observer");
    // Sends one line and listens for ten seconds, as the interactive mode needs a terminal.
    const wscat = run("node", [
      `${folder}/node_modules/wscat/bin/wscat`,
      ...["-c", `${url}?sender=Wscat`, "-x", "hello from Wscat", "-w", "10"],
    ]);
    // Before its first message, wscat is a JSON client, and gets the history as JSON.
    await observer.next("message", (message) => message["sender"] === "Wscat");
    const clients = [
      run("node", [`${here}/client.mjs`, folder, url, ...others("Node")]),
      ...(pythonCommand === undefined
        ? []
        : [run(pythonCommand, [`${here}/client.py`, url, ...others("Python")])]),
    ];
    for (const { success, output } of await Promise.all(clients)) assert(success, output);
    const { output } = await wscat;
    for (const name of others("Wscat")) {
      const line = new RegExp(`\\[\\d\\d:\\d\\d:\\d\\d\\] ${name}: hello from ${name}`);
      assert(line.test(output), `wscat did not see ${name}:\n${output}`);
    }
    console.log(`${names.join(", ")} received each other's messages through ${url}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const [given] = Deno.args;
if (given === undefined) {
  const broker = await openSqliteBroker({ path: ":memory:" });
  await using hub = startServer({ host: "127.0.0.1", port: 0, ...sqliteStorage(broker) });
  await talk(hub.url);
} else {
  await talk(given);
}
