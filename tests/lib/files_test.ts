import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { replaceFile, replaceFileSync } from "../../lib/files.ts";
import { temporaryFolder } from "../kit/folder.ts";

const modeOf = (path: string): number => (Deno.statSync(path).mode ?? 0) & 0o777;

const namesIn = (folder: string): string[] =>
  [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

Deno.test("`replaceFile()` writes for the owner alone and leaves no other file", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/made/file`;
  await assertRejects(() => replaceFile(path, "one"), Deno.errors.NotFound);
  await replaceFile(path, "one", { makeDirectory: true });
  await replaceFile(path, "two", { sync: true });
  assertEquals(await Deno.readTextFile(path), "two");
  assertEquals(namesIn(`${folder.path}/made`), ["file"]);
  if (Deno.build.os === "windows") return;
  assertEquals(modeOf(path), 0o600);
  assertEquals(modeOf(`${folder.path}/made`), 0o700);
});

Deno.test("`replaceFile()` never lets two writers mix their texts", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/file`;
  const texts = Array.from({ length: 20 }, (_, n) => `${n}`.repeat(10_000));
  await Promise.all(texts.map((text) => replaceFile(path, text)));
  assert(texts.includes(await Deno.readTextFile(path)));
  assertEquals(namesIn(folder.path), ["file"]);
});

Deno.test({
  name: "`replaceFile()` keeps permissions on request, whatever the umask",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using folder = await temporaryFolder();
    const path = `${folder.path}/file`;
    await Deno.writeTextFile(path, "one");
    await Deno.chmod(path, 0o666);
    await replaceFile(path, "two", { keepMode: true });
    assertEquals(modeOf(path), 0o666);
    await replaceFile(path, "three", { mode: 0o640 });
    assertEquals(modeOf(path), 0o640);
  },
});

Deno.test("`replaceFile()` and `replaceFileSync()` replace what a crash left at a fixed temporary name", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/file`;
  const temporary = `${path}.new`;
  // Not written through: it may be a link that another user planted.
  await Deno.writeTextFile(`${folder.path}/target`, "untouched");
  for (
    const replace of [
      (text: string) => replaceFile(path, text, { temporary }),
      (text: string) => replaceFileSync(path, text, { temporary }),
    ]
  ) {
    await Deno.symlink("target", temporary);
    await replace("new");
    assertEquals(await Deno.readTextFile(path), "new");
    assertEquals(await Deno.readTextFile(`${folder.path}/target`), "untouched");
    assertEquals(namesIn(folder.path), ["file", "target"]);
  }
});

Deno.test("`replaceFile()` leaves the old file and no temporary one when it fails", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/directory`;
  await Deno.mkdir(`${path}/inside`, { recursive: true });
  await assertRejects(() => replaceFile(path, "text"), Error);
  assertEquals(namesIn(folder.path), ["directory"]);
  const temporary = `${folder.path}/temporary`;
  assertThrows(() => replaceFileSync(path, "text", { temporary }), Error);
});

Deno.test("`replaceFileSync()` passes the identity of the new file to the callback", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/file`;
  replaceFileSync(path, ({ ino }) => `${ino}`, { temporary: `${path}.new` });
  assertEquals(await Deno.readTextFile(path), `${(await Deno.stat(path)).ino}`);
});
