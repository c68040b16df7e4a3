import { assert, assertEquals } from "@std/assert";
import { temporaryFolder } from "../kit/folder.ts";
import { Program } from "../kit/process.ts";

const text = await Deno.readTextFile(new URL("../../docs/access.md", import.meta.url));

/** The lines of all shell blocks, in order. */
const lines = [...text.matchAll(/```sh\n([^`]+)```/g)].flatMap(([, block = ""]) =>
  block.trim().split("\n")
);

function hasOpenssl(): boolean {
  try {
    return new Deno.Command("openssl", { args: ["version"], stdout: "null" }).outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

Deno.test({
  name: "every command in docs/access.md works",
  ignore: Deno.build.os === "windows" || !hasOpenssl(),
  fn: async () => {
    await using folder = await temporaryFolder();
    const starts: Promise<void>[] = [];
    for (const line of lines) {
      const program = line.replace(/^bcast /, `exec "$0" "$@" `);
      const shell = (more = ""): Program =>
        new Program([], {}, ["sh", "-c", `cd '${folder.path}' && ${program} ${more}`]);
      if (line.startsWith("bcast start ")) {
        starts.push(startsAndStops(shell("--host 127.0.0.1 --port 0 --memory --quiet")));
        continue;
      }
      await using command = shell();
      assertEquals(await command.exit(), 0, `${line}\n${command.errors}`);
      if (line.includes(" inspect ")) assert(command.lines.join("\n").includes("valid: "), line);
    }
    assert(starts.length >= 5);
    await Promise.all(starts);
  },
});

async function startsAndStops(hub: Program): Promise<void> {
  await using program = hub;
  await program.line(/^Listening on /);
  program.kill("SIGTERM");
  assertEquals(await program.exit(), 0, program.errors);
}
