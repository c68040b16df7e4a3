import { assert, assertEquals } from "@std/assert";
import { temporaryFolder } from "../kit/folder.ts";
import { fetchJson, httpUrl } from "../kit/http.ts";
import { startTestHub } from "../kit/test_hub.ts";

const text = await Deno.readTextFile(new URL("../../docs/http.md", import.meta.url));

/** The lines of all shell blocks, in order. */
const lines = [...text.matchAll(/```sh\n([^`]+)```/g)].flatMap(([, block = ""]) =>
  block.trim().split("\n")
);

/** Whether curl has `--json`, added in 2022. */
function hasCurl(): boolean {
  try {
    const { stdout } = new Deno.Command("curl", { args: ["--version"] }).outputSync();
    const [, major, minor] = /^curl (\d+)\.(\d+)/.exec(new TextDecoder().decode(stdout)) ?? [];
    return Number(major) > 7 || (Number(major) === 7 && Number(minor) >= 82);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

const usable = hasCurl();

Deno.test({
  name: `every command in docs/http.md works${
    usable ? "" : ": SKIPPED, curl is missing or too old"
  }`,
  ignore: !usable || Deno.build.os === "windows",
  fn: async () => {
    await using folder = await temporaryFolder();
    // The only change to the commands: error responses fail them.
    await Deno.writeTextFile(`${folder.path}/.curlrc`, "fail-with-body\nsilent\nshow-error\n");
    await using hub = await startTestHub();
    const start = (line: string): Deno.ChildProcess =>
      new Deno.Command("sh", {
        args: ["-c", line.replaceAll("http://localhost:8765/", httpUrl(hub, "/"))],
        env: { CURL_HOME: folder.path, HOME: folder.path },
        stdin: "null",
        stdout: "piped",
        stderr: "inherit",
      }).spawn();
    const said: string[] = [];
    for (const line of lines) {
      if (line.startsWith("curl -N ")) {
        await streams(start(`exec ${line}`), "Once");
        continue;
      }
      const { code, stdout } = await start(line).output();
      const output = new TextDecoder().decode(stdout);
      assertEquals(code, 0, `${line}\n${output}`);
      said.push(...output.trim().split("\n"));
    }
    const answers = said.map((line) => JSON.parse(line));
    assertEquals(answers.slice(0, 6).map(({ id, sender }) => [id, sender]), [
      [1, "guest"],
      [2, "cron"],
      [3, "guest"],
      [4, "ci"],
      [5, "guest"],
      [5, "guest"],
    ]);
    assertEquals(answers[5].duplicate, true);
    const found = answers.filter(({ messages }) => Array.isArray(messages))
      .map(({ messages }) => messages.map(({ id }: { id: number }) => id));
    assertEquals(found, [[1, 2, 3, 4, 5], [3, 4, 5], [2], [5]]);
    const { body } = await fetchJson(hub, "/api/rooms/lobby/messages?after=2&limit=1");
    assertEquals(body.messages[0].message, "from a pipe");
  },
});

/** Waits until a command has printed `wanted`, and ends it. */
async function streams(child: Deno.ChildProcess, wanted: string): Promise<void> {
  let shown = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    shown += chunk;
    if (shown.includes(wanted)) break;
  }
  child.kill("SIGTERM");
  await child.status;
  assert(shown.includes(`event: message\n`) && shown.includes(wanted), shown);
}

Deno.test("docs/http.md names every path and every error status", async () => {
  await using hub = await startTestHub();
  const { body } = await fetchJson(hub, "/api/openapi.json");
  for (const path of Object.keys(body.paths)) {
    // Documented in docs/moderation.md.
    if (path.startsWith("/api/admin/")) continue;
    assert(text.includes(path.replace("{room}", "lobby").replace("{id}", "4")), path);
  }
  const statuses = Object.values<Record<string, { responses?: object }>>(body.paths)
    .flatMap((item) => Object.values(item))
    .flatMap(({ responses = {} }) => Object.keys(responses))
    .filter((status) => Number(status) >= 400);
  for (const status of new Set(statuses)) assert(text.includes(`| ${status} `), status);
});
