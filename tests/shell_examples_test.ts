import { assert, assertEquals } from "@std/assert";
import { commandHelp } from "../cli/help.ts";
import { exec } from "../commands/exec.ts";
import { listen } from "../commands/listen.ts";
import { send } from "../commands/send.ts";
import { connect } from "../client.ts";
import { temporaryFolder } from "./kit/folder.ts";
import { programCommand } from "./kit/process.ts";
import { startTestHub } from "./kit/test_hub.ts";
import { until } from "./kit/until.ts";

/** The rooms that the examples name, and the hub's own. */
const ROOMS = ["lobby", "dev", "logs", "metrics", "builds", "alerts", "jobs"];

/** A shell script that stands for a program of the reader's. */
async function script(path: string, text: string): Promise<void> {
  await Deno.writeTextFile(path, `#!/bin/sh\n${text}\n`);
  await Deno.chmod(path, 0o755);
}

Deno.test("the help of the shell commands fits 80 columns, with two or three examples", () => {
  for (const command of [send, listen, exec]) {
    const help = commandHelp(command);
    for (const line of help.split("\n")) assert([...line].length <= 80, line);
    assert([2, 3].includes(command.examples.length), command.name);
  }
});

Deno.test({
  name: "every example of the shell commands does what it says, in a shell",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using hub = await startTestHub({ limits: { rate: 0 } });
    await using folder = await temporaryFolder();
    const bin = `${folder.path}/bin`;
    await Deno.mkdir(bin);
    const command = programCommand().map((word) => `'${word}'`).join(" ");
    await Promise.all([
      script(`${bin}/bcast`, `exec ${command} "$@"`),
      // One that ends: tail -f never does.
      script(`${bin}/tail`, `cat app.log`),
      script(`${bin}/jq`, "cat"),
      script(`${bin}/notify-send`, `cat > "$1"`),
      script(`${folder.path}/work.sh`, "cat > /dev/null"),
      Deno.writeTextFile(`${folder.path}/app.log`, "started\nready\n"),
    ]);
    await using writer = connect({
      url: hub.url,
      rooms: ROOMS.map((room) => ({ room, history: 0 })),
      echo: false,
    });
    const path = `${bin}:${Deno.env.get("PATH") ?? ""}`;
    const run = async (line: string): Promise<void> => {
      const child = new Deno.Command("sh", {
        args: ["-c", line],
        cwd: folder.path,
        // What would go on for ever ends after one message.
        env: { PATH: path, BCAST_URL: hub.url, BCAST_COUNT: "1" },
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      let over = false;
      const output = child.output().finally(() => over = true);
      await until(`the end of ${line}`, async () => {
        await Promise.all(ROOMS.map((room) => writer.send({ room, message: "hello" })));
        return over;
      });
      const { code, stderr } = await output;
      assertEquals([line, code, new TextDecoder().decode(stderr)], [line, 0, ""]);
    };
    const examples = [send, listen, exec].flatMap((command) => command.examples);
    await Promise.all(
      examples.map(([line]) => run(/\| bcast /.test(line) ? line : `bcast ${line}`)),
    );
    assertEquals(await Deno.readTextFile(`${folder.path}/Alert`), "hello\n");
    assertEquals((await Deno.readTextFile(`${folder.path}/chat.log`)).includes("hello"), true);
    const said = async (room: string): Promise<unknown[]> =>
      (await writer.history(room, { limit: 500 })).messages
        .filter(({ message }) => message !== "hello")
        .map(({ sender, message, data }) => message === undefined ? data : `${sender}: ${message}`);
    assertEquals(await said("dev"), ["ci: the build is green"]);
    assertEquals((await said("logs")).length, 2);
    assertEquals(await said("metrics"), [{ cpu: 0.7 }]);
  },
});
