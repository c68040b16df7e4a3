import { assert, assertEquals, assertMatch } from "@std/assert";
import { LOG_LEVELS } from "../../../cli/logging.ts";
import { temporaryFolder } from "../../kit/folder.ts";
import { startHubProcess } from "../../kit/process.ts";
import { TestSocket } from "../../kit/test_socket.ts";
import { until } from "../../kit/wait.ts";

const TOKEN = "a-very-long-shared-secret-token";
const SAID = "the words nobody else should read";

/** The log of a hub on which one person enters, speaks, moves and leaves. */
async function logOf(...args: string[]): Promise<readonly string[]> {
  await using folder = await temporaryFolder();
  const [file, tokens] = [`${folder.path}/hub.log`, `${folder.path}/tokens`];
  await Deno.writeTextFile(tokens, `${TOKEN}\n`, { mode: 0o600 });
  const { program, url } = await startHubProcess([
    ...["--memory", "--quiet", "--log-file", file, "--token-file", tokens, ...args],
  ]);
  await using hub = program;
  const [socket] = await TestSocket.v1(url, { sender: "jean-luc", token: TOKEN });
  {
    await using client = socket;
    client.send({ type: "message", message: SAID, ref: "1" });
    await client.next("ack");
    client.send({ type: "join", room: "dev" });
    await client.next("joined");
    client.send({ type: "leave", room: "dev" });
    await client.next("left");
  }
  // Stopped before it has noticed, the hub would tell of an end of its own making.
  const status = new URL("/api/status", url.replace(/^ws/, "http"));
  await until("the end", async () => {
    const answer = await fetch(status, { headers: { authorization: `Bearer ${TOKEN}` } });
    const { connections } = await answer.json();
    return connections === 0;
  });
  hub.kill("SIGTERM");
  assertEquals(await hub.exit(), 0);
  return (await Deno.readTextFile(file)).trimEnd().split("\n");
}

Deno.test("the log of a hub records its start, and the name and end of each connection", async () => {
  const log = (await logOf()).join("\n");
  for (
    const line of [
      /server: bcast \S+ listens on ws:\/\/\S+ and keeps messages in memory$/m,
      /hub: c1 connected from \S+ port \d+ as v1/,
      /hub: c1 is jean-luc in lobby$/m,
      /hub: c1 jean-luc joined dev$/m,
      /hub: c1 jean-luc left dev$/m,
      /hub: c1 jean-luc disconnected with 1000/,
    ]
  ) assertMatch(log, line);
  assert(!log.includes(SAID) && !log.includes(TOKEN), log);
});

Deno.test("--log-messages logs what is said in rooms", async () => {
  assertMatch((await logOf("--log-messages")).join("\n"), /messages: lobby 1 jean-luc: the words/);
});

Deno.test("each level logs more than the one before, and none a token", async () => {
  const logs = await Promise.all(LOG_LEVELS.map((level) => logOf("--log-level", level)));
  for (const [index, log] of logs.entries()) {
    const before = logs[index - 1];
    const level = LOG_LEVELS[index];
    assert(!log.join("\n").includes(TOKEN), level);
    // A calm hub has no errors, and this one no warnings.
    if (before !== undefined && index > 1) assert(log.length > before.length, level);
  }
  const [debug, trace] = logs.slice(-2).map((log) => log.join("\n"));
  assertMatch(debug ?? "", /c1 asks for message with \d+ characters/);
  assert(!debug?.includes(SAID));
  assertMatch(trace ?? "", /frames: c1 in \{"type":"hello",.*"token":"\*\*\*"/);
  assertMatch(trace ?? "", /frames: c1 out \{"type":"welcome",.*"session":"\*\*\*"/);
});
