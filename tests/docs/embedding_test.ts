import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "../kit/folder.ts";
import { startTestHub } from "../kit/test_hub.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const text = await Deno.readTextFile(`${root}/docs/embedding.md`);

/** The examples and their documented output. */
const examples = [...text.matchAll(/```ts\n(.*?)```\s+```text\n(.*?)```/gs)].map(
  ([, code = "", output = ""]) => ({ code, output }),
);

const [, workspace = ""] = /```json\n(.*?)```/s.exec(text) ?? [];

async function deno(folder: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: folder,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  assert(success, `${args.join(" ")}\n${decoder.decode(stdout)}${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}

Deno.test({
  name: "every example in docs/embedding.md compiles and prints the documented output",
  // Symbolic links need a privilege on Windows.
  ignore: Deno.build.os === "windows",
  fn: async () => {
    assertEquals(examples.length, [...text.matchAll(/```ts\n/g)].length);
    await using folder = await temporaryFolder();
    await Deno.writeTextFile(`${folder.path}/deno.json`, workspace);
    await Deno.mkdir(`${folder.path}/vendor`);
    await Deno.symlink(root, `${folder.path}/vendor/bcast`);
    const hubs = await Promise.all(examples.map(() => startTestHub()));
    await using stack = new AsyncDisposableStack();
    for (const hub of hubs) stack.use(hub);
    const files = await Promise.all(examples.map(async ({ code }, index) => {
      const file = `example_${index}.ts`;
      const url = hubs[index]?.url.replace(/\/$/, "") ?? "";
      await Deno.writeTextFile(
        `${folder.path}/${file}`,
        code.replaceAll("ws://localhost:8765", url),
      );
      return file;
    }));
    await deno(folder.path, "check", "--quiet", "--no-lock", ...files);
    for (const [index, { output }] of examples.entries()) {
      const args = ["--quiet", "--no-lock", "--no-check", "--allow-all", `example_${index}.ts`];
      assertEquals(await deno(folder.path, "run", ...args), output);
    }
  },
});
