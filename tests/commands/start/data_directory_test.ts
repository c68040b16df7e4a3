import { assert, assertEquals, assertThrows } from "@std/assert";
import { CliError } from "../../../cli/errors.ts";
import { holdDirectory } from "../../../commands/start/data_directory.ts";
import { temporaryFolder } from "../../kit/folder.ts";
import { Program, startHubProcess } from "../../kit/process.ts";

Deno.test("bcast start refuses a data directory that another hub holds, and not one of a killed hub", async () => {
  await using folder = await temporaryFolder();
  const args = ["--data", folder.path];
  const { program } = await startHubProcess(args);
  await using first = program;
  const pid = (await Deno.readTextFile(`${folder.path}/bcast.lock`)).trim();
  await using second = new Program(["start", "--port", "0", ...args]);
  assertEquals(await second.exit(), 1);
  assertEquals(
    second.errors,
    `Cannot use the data directory "${folder.path}": another hub (process ${pid}) is using it. ` +
      "Stop that hub, or use another --data DIR\n",
  );
  assertEquals(second.lines, []);
  // It was the hub that wrote its name, not the one that was refused.
  assertEquals((await Deno.readTextFile(`${folder.path}/bcast.lock`)).trim(), pid);

  first.kill("SIGKILL");
  await first.exit();
  const { program: third } = await startHubProcess(args);
  await using _ = third;
  const next = (await Deno.readTextFile(`${folder.path}/bcast.lock`)).trim();
  assert(next !== pid && /^\d+$/.test(next), next);
});

Deno.test("holdDirectory() gives the directory back when disposed, and survives what the file held", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/new/deep`;
  {
    using _ = holdDirectory(path);
    assertThrows(() => holdDirectory(path), CliError, `(process ${Deno.pid})`);
  }
  await Deno.writeTextFile(`${path}/bcast.lock`, "\u001b[2J rubbish ".repeat(1000));
  using _ = holdDirectory(path);
  assertEquals(await Deno.readTextFile(`${path}/bcast.lock`), `${Deno.pid}\n`);
  if (Deno.build.os === "windows") return;
  assertEquals(((await Deno.stat(`${path}/bcast.lock`)).mode ?? 0) & 0o777, 0o600);
});

Deno.test("holdDirectory() says in one line that a directory cannot be used", async () => {
  await using folder = await temporaryFolder();
  await Deno.writeTextFile(`${folder.path}/file`, "");
  assertThrows(
    () => holdDirectory(`${folder.path}/file`),
    CliError,
    `Cannot use the data directory "${folder.path}/file": `,
  );
});
