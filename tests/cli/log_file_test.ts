import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { LogFile } from "../../cli/log_file.ts";
import { temporaryFolder } from "../kit/folder.ts";

const fail = (error: Error): void => {
  throw error;
};

const modeOf = (path: string): number => (Deno.statSync(path).mode ?? 0) & 0o777;

Deno.test("LogFile rotates by size, keeps five old files, all for their owner alone", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/hub.log`;
  const lines = Array.from({ length: 40 }, (_, number) => `line ${number} ${"x".repeat(20)}\n`);
  {
    await using file = new LogFile(path, fail, 100);
    for (const line of lines) {
      file.take(line);
      await file.flush();
    }
  }
  const names = ["5", "4", "3", "2", "1"].map((number) => `${path}.${number}`).concat(path);
  const kept = names.map((name) => Deno.readTextFileSync(name)).join("");
  assert(kept.length > 0 && lines.join("").endsWith(kept), kept);
  assertEquals(names.map(modeOf), names.map(() => 0o600));
  assertEquals([...Deno.readDirSync(folder.path)].length, names.length);
});

Deno.test("LogFile opens its file again when it was moved away, and loses no line", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/hub.log`;
  {
    await using file = new LogFile(path, fail);
    file.take("one\n");
    await file.flush();
    Deno.renameSync(path, `${path}.moved`);
    file.take("two\n");
    file.reopen();
    await file.flush();
    file.take("three\n");
  }
  assertEquals(Deno.readTextFileSync(`${path}.moved`), "one\ntwo\n");
  assertEquals(Deno.readTextFileSync(path), "three\n");
});

Deno.test("LogFile reports a full disk once, and counts dropped lines", async () => {
  const troubles: string[] = [];
  {
    await using file = new LogFile("/dev/full", (error) => troubles.push(error.message));
    for (let round = 0; round < 3; round++) {
      file.take("x".repeat(600 * 1024) + "\n");
      await file.flush();
    }
  }
  assertEquals(troubles.length, 1);
  assertStringIncludes(troubles[0] ?? "", "No space left");
});
