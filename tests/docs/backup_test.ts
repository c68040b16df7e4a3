import { assert, assertEquals } from "@std/assert";
import { openSqliteBroker } from "../../broker/sqlite/sqlite_broker.ts";
import { draft, readAll, store } from "../broker/contract/broker_contract_kit.ts";
import { temporaryFolder } from "../kit/folder.ts";
import { programCommand } from "../kit/process.ts";

const docs = await Deno.readTextFile(new URL("../../docs/backup.md", import.meta.url));

/** The commands under a heading. */
function commands(heading: string): string {
  const [, section = ""] = docs.split(`\n## ${heading}\n`);
  const [own = ""] = section.split("\n## ");
  return [...own.matchAll(/```sh\n(.*?)```/gs)].map(([, block]) => block).join("");
}

Deno.test({
  name: "the commands of docs/backup.md back up, restore, upgrade and go back",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using folder = await temporaryFolder();
    const [srv, kept] = [`${folder.path}/srv`, `${folder.path}/kept`];
    await Deno.mkdir(kept);
    await Deno.mkdir(`${folder.path}/bin`);
    const program = programCommand().map((word) => `'${word}'`).join(" ");
    // A service manager that starts and stops the hub, as far as these commands need one.
    const scripts = {
      bcast: `exec ${program} "$@"`,
      systemctl: `
        case "$1" in
          stop) kill "$(cat ${srv}/pid)"; while kill -0 "$(cat ${srv}/pid)"; do sleep 0.05; done ;;
          start)
            ${program} start --port 0 --data ${srv} >${srv}/out 2>&1 &
            echo $! >${srv}/pid
            until grep -q 'ws://' ${srv}/out; do sleep 0.05; kill -0 $! || exit 1; done ;;
        esac 2>/dev/null`,
    };
    for (const [name, script] of Object.entries(scripts)) {
      await Deno.writeTextFile(`${folder.path}/bin/${name}`, `#!/bin/sh\n${script}\n`, {
        mode: 0o755,
      });
    }
    const run = async (text: string): Promise<void> => {
      const { code, stderr, stdout } = await new Deno.Command("sh", {
        args: ["-ec", text.replaceAll("/srv/bcast", srv).replaceAll("/backup", kept)],
        env: { PATH: `${folder.path}/bin:${Deno.env.get("PATH")}` },
        stdin: "null",
      }).output();
      const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
      assertEquals(code, 0, `${text}\n${said}`);
    };
    const say = async (text: string): Promise<string> => {
      await using broker = await openSqliteBroker({ path: `${srv}/bcast.db` });
      await store(broker, [draft("lobby", text)]);
      return (await broker.head("lobby")).epoch;
    };
    const texts = async (): Promise<readonly (string | undefined)[]> => {
      await using broker = await openSqliteBroker({ path: `${srv}/bcast.db` });
      return (await readAll(broker, "lobby")).map(({ message }) => message);
    };
    const first = await say("before");
    await run(commands("Back up"));
    await say("after");
    await run(`systemctl start bcast; ${commands("Restore")} systemctl stop bcast`);
    assertEquals(await texts(), ["before"]);
    const second = await say("newer");
    await run(`systemctl start bcast; ${commands("Upgrade and downgrade")} systemctl stop bcast`);
    assertEquals(await texts(), ["before", "newer"]);
    const third = await say("last");
    assertEquals(new Set([first, second, third]).size, 3);
  },
});

Deno.test("docs/backup.md names every file that a hub leaves in its data directory", async () => {
  await using folder = await temporaryFolder();
  await using broker = await openSqliteBroker({ path: `${folder.path}/bcast.db` });
  await store(broker, [draft("lobby", "hi")]);
  const [, table = ""] = docs.split("\n## Files\n");
  for (const { name } of Deno.readDirSync(folder.path)) {
    const end = name.replace("bcast.db", "");
    assert(table.includes(`\`${name}\``) || table.includes(`\`${end}\``), name);
  }
});
