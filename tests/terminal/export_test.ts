import { assert, assertEquals, assertRejects } from "@std/assert";
import { ExportError, exportTo } from "../../terminal/export_file.ts";
import { chatMessage } from "../kit/fake_connection.ts";
import { temporaryFolder } from "../kit/folder.ts";

async function* pages(
  ...texts: string[]
): AsyncGenerator<readonly ReturnType<typeof chatMessage>[]> {
  for (const text of texts) {
    if (text === "broken") throw new Error("the hub is gone");
    yield await Promise.resolve([chatMessage("Bob", text)]);
  }
}

Deno.test("exportTo() never replaces a file unasked, and leaves nothing half done", async () => {
  await using folder = await temporaryFolder();
  const options = { path: `${folder.path}/talk.txt`, replace: false, title: "x", home: undefined };
  const names = (): readonly string[] =>
    Array.from(Deno.readDirSync(folder.path), ({ name }) => name).sort();
  assertEquals(await exportTo(options, pages("a", "b")), 2);
  const before = await Deno.readTextFile(options.path);
  await assertRejects(() => exportTo(options, pages("c")), ExportError, "already exists");
  const replace = { ...options, replace: true };
  await assertRejects(() => exportTo(replace, pages("c", "broken")), Error, "the hub is gone");
  const fresh = { ...options, path: `${folder.path}/other.txt` };
  await assertRejects(() => exportTo(fresh, pages("c", "broken")), Error, "the hub is gone");
  assertEquals([names(), await Deno.readTextFile(options.path)], [["talk.txt"], before]);
  assertEquals(await exportTo(replace, pages("new")), 1);
  assert((await Deno.readTextFile(options.path)).endsWith("Bob: new\n"));
  assertEquals(names(), ["talk.txt"]);
});

for (
  const [what, path, message] of [
    ["a folder that is not there", "no/such/talk.txt", "The folder of"],
    ["a folder", ".", "talk\x1b"],
  ] as const
) {
  Deno.test(`exportTo() says in one line what is wrong with ${what}`, async () => {
    await using folder = await temporaryFolder();
    if (path === ".") await Deno.mkdir(`${folder.path}/talk\x1b`);
    const error = await assertRejects(
      () =>
        exportTo({
          path: `${folder.path}/${path === "." ? "talk\x1b" : path}`,
          replace: false,
          title: "x",
          home: undefined,
        }, pages("a")),
      ExportError,
    );
    assert(error.message.includes(message.replace("\x1b", "␛")), error.message);
    // deno-lint-ignore no-control-regex -- that there are none is the point
    assert(!/[\x00-\x1f]/.test(error.message));
  });
}
