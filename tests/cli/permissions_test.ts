import { assert, assertEquals, assertMatch } from "@std/assert";
import { openSqliteBroker } from "../../broker/sqlite/sqlite_broker.ts";
import { defineCommand } from "../../cli/command.ts";
import { COMMANDS } from "../../commands/mod.ts";
import { temporaryFolder } from "../kit/folder.ts";
import { memoryContext } from "../kit/memory_output.ts";
import { NOWHERE } from "../kit/process.ts";

Deno.test("systemContext().revokeRun() leaves a process unable to start programs", async () => {
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      `import { systemContext } from "${new URL("../../cli/context.ts", import.meta.url)}";
      await systemContext().revokeRun();
      try {
        new Deno.Command("true").spawn();
      } catch (error) {
        console.log(error.name);
        Deno.exit(0);
      }`,
    ],
    env: { DENO_NO_PROMPT: "1" },
  }).output();
  assertEquals([success, new TextDecoder().decode(stdout)], [true, "NotCapable\n"]);
});

Deno.test({
  name: "a missing or forbidden file is reported in one clear line",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using folder = await temporaryFolder();
    const at = (name: string): string => `${folder.path}/${name}`;
    await Deno.mkdir(at("data"));
    await (await openSqliteBroker({ path: at("data/bcast.db") }))[Symbol.asyncDispose]();
    const device = /: it is in \/dev, \/proc or \/sys, where this program opens nothing/;
    const cases: [string[], RegExp][] = [
      [["config", "check", "/dev/stdin"], device],
      [["send", "hi", "--token-file", "/dev/stdin"], device],
      [["send", "hi", "--log-file", "/dev/full"], device],
      [["who", "wss://localhost:1", "--ca", "/dev/stdin"], device],
      [["listen", "--cursor", "/dev/null"], device],
      [["exec", "--failed", "/dev/full", "--", "cat"], device],
      [["backup", "--data", at("data"), "--force", "/dev/full"], device],
      [["token", "secret", "/dev/nothing"], device],
      [["token", "secret", at("nö/x")], /x: its directory does not exist$/],
      [["listen", "--cursor", at("nö/x")], /x: its directory does not exist$/],
      [["exec", "--failed", at("nö/x"), "--", "cat"], /x: its directory does not exist$/],
      [
        ["who", "wss://localhost:1", "--ca", at("nö")],
        /nö": there is no such file\. Check its path$/,
      ],
      [
        ["start", "--tls-cert", at("nö"), "--tls-key", at("nö")],
        /nö": there is no such file\. Check --tls-cert and --tls-key$/,
      ],
    ];
    await Promise.all(cases.map(async ([args, expected]) => {
      const { code, stderr } = await new Deno.Command(Deno.execPath(), {
        args: [
          ...["run", "--no-check", "--no-prompt", "--quiet", "--allow-net", "--allow-read"],
          ...["--allow-write", "--allow-run", "--allow-env", "--allow-sys"],
          ...[new URL("../../main.ts", import.meta.url).href, ...args],
        ],
        env: { XDG_CONFIG_HOME: NOWHERE, XDG_DATA_HOME: at("home") },
        stdin: "null",
      }).output();
      const said = new TextDecoder().decode(stderr).trimEnd();
      assert(code === 1 || code === 2, `${args}: ${code}`);
      assertEquals(said.split("\n").length, 1, said);
      assertMatch(said, expected, args.join(" "));
      assertEquals(/os error|Requires|deno/.exec(said), null, said);
    }));
  },
});

Deno.test("only connect, listen and exec keep the right to start programs", async () => {
  const keeping = COMMANDS.filter(({ startsPrograms }) => startsPrograms).map(({ name }) => name);
  assertEquals(keeping, ["connect", "listen", "exec"]);
  for (const startsPrograms of [true, undefined]) {
    const steps: string[] = [];
    const command = defineCommand({
      name: "made-up",
      summary: "",
      description: "",
      flags: {},
      examples: [],
      ...(startsPrograms ? { startsPrograms } : {}),
      run: () => {
        steps.push("run");
        return Promise.resolve(0);
      },
    });
    const revokeRun = (): Promise<void> => {
      steps.push("revoke");
      return Promise.resolve();
    };
    await command.execute([], { ...memoryContext(), revokeRun }, []);
    assertEquals(steps, startsPrograms ? ["run"] : ["revoke", "run"]);
  }
});
