import { assertEquals } from "@std/assert";
import { watchFiles } from "../../lib/watch_files.ts";
import { FakeClock } from "../kit/fake_clock.ts";
import { temporaryFolder } from "../kit/folder.ts";

Deno.test("`watchFiles()` reports a replaced link once, after the change has settled", async () => {
  await using folder = await temporaryFolder();
  const { path } = folder;
  await Deno.mkdir(`${path}/1`);
  await Deno.mkdir(`${path}/2`);
  await Deno.writeTextFile(`${path}/1/cert`, "one");
  await Deno.writeTextFile(`${path}/2/cert`, "two");
  // As in Kubernetes: the file is a link through a directory that is a link.
  await Deno.symlink("1", `${path}/current`);
  await Deno.symlink("current/cert", `${path}/cert`);
  const clock = new FakeClock();
  let changes = 0;
  using _ = watchFiles([`${path}/cert`], clock, () => changes++);
  clock.advance(10_000);
  assertEquals(changes, 0);
  await Deno.symlink("2", `${path}/next`);
  await Deno.rename(`${path}/next`, `${path}/current`);
  clock.advance(2000);
  assertEquals(changes, 0, "it may still change");
  clock.advance(2000);
  assertEquals(changes, 1);
  await Deno.remove(`${path}/current`);
  clock.advance(6000);
  assertEquals(changes, 2, "gone is a change too");
  clock.advance(60_000);
  assertEquals(changes, 2);
});

Deno.test("`watchFiles()` does not check while the last change is being handled", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/file`;
  const clock = new FakeClock();
  const handled = Promise.withResolvers<void>();
  let changes = 0;
  using _ = watchFiles([path], clock, () => {
    changes++;
    return handled.promise;
  });
  await Deno.writeTextFile(path, "one");
  clock.advance(4000);
  await Deno.writeTextFile(path, "other");
  clock.advance(20_000);
  assertEquals(changes, 1);
  handled.resolve();
  await handled.promise;
  await Promise.resolve();
  clock.advance(4000);
  assertEquals(changes, 2);
});
