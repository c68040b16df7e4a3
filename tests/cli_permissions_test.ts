import { assertEquals } from "@std/assert";
import { defineCommand } from "../cli/command.ts";
import { COMMANDS } from "../commands/mod.ts";
import { memoryContext } from "./kit/memory_output.ts";

Deno.test("systemContext().revokeRun() leaves a process unable to start programs", async () => {
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      `import { systemContext } from "${new URL("../cli/context.ts", import.meta.url)}";
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

Deno.test("only connect, listen and exec keep the right to start programs", async () => {
  const keeping = COMMANDS.filter(({ startsPrograms }) => startsPrograms).map(({ name }) => name);
  assertEquals(keeping, ["connect", "listen", "exec"]);
  for (const startsPrograms of [true, undefined]) {
    const steps: string[] = [];
    const command = defineCommand({
      name: "made-up",
      summary: "",
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
    // deno-lint-ignore no-await-in-loop -- one after the other
    await command.execute([], { ...memoryContext(), revokeRun }, []);
    assertEquals(steps, startsPrograms ? ["run"] : ["revoke", "run"]);
  }
});
