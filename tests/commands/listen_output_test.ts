import { assert, assertEquals, assertMatch } from "@std/assert";
import { decodeCursor, encodeCursor } from "../../commands/pipeline/cursor.ts";
import { temporaryFolder } from "../kit/folder.ts";
import {
  LISTEN_ROOM,
  numberedLines,
  numberedMessages,
  outputPaths,
  runListen,
  sendAsBob,
} from "../kit/listen_command.ts";
import { Program, programCommand } from "../kit/process.ts";
import { startTestHub } from "../kit/test_hub.ts";
import { until } from "../kit/wait.ts";

Deno.test("bcast listen --output appends each message once, also after an interrupted write", async () => {
  await using hub = await startTestHub();
  await using folder = await temporaryFolder();
  const { cursor, output } = outputPaths(folder);
  const args = ["--cursor", cursor, "--output", output, "--after", "0", "--count", "3"];
  await sendAsBob(hub.url, ...numberedMessages(1, 9));
  await Deno.writeTextFile(output, "from before\n");
  assertEquals(await runListen(hub.url, ...args), { code: 0, lines: [], errors: "" });
  // After a crash: the cursor announces a write, and the file has half of it.
  const state = decodeCursor(await Deno.readTextFile(cursor));
  assert(typeof state !== "string");
  const rooms = new Map([...state.rooms].map(([room, mark]) => [room, { ...mark, id: 5 }]));
  await Deno.writeTextFile(
    cursor,
    encodeCursor({ ...state, pending: { text: "#4\n#5\n", rooms } }),
  );
  await Deno.writeTextFile(output, "#4\n#", { append: true });
  assertEquals(await runListen(hub.url, ...args), { code: 0, lines: [], errors: "" });
  const whole = ["from before", ...numberedLines(1, 8)].join("\n") + "\n";
  assertEquals(await Deno.readTextFile(output), whole);

  // A file truncated by another program is not changed.
  await Deno.writeTextFile(output, "from before\n");
  const cut = await runListen(hub.url, ...args);
  assertEquals(cut.code, 1);
  assertMatch(cut.errors, /^Cannot continue [^\n]*: it has 12 bytes, but had 36[^\n]*\n$/);
  // Without the file, the cursor would skip messages that are not in it.
  const pipe = await runListen(hub.url, "--cursor", cursor, "--count", "1");
  assertEquals(pipe.code, 1);
  assertMatch(pipe.errors, /^Cannot use the cursor [^\n]* without --output[^\n]*\n$/);
  // After rotation a new file is started.
  await Deno.remove(output);
  const rotated = await runListen(hub.url, "--cursor", cursor, "--output", output, "--count", "1");
  assertEquals(rotated.code, 0);
  assertMatch(rotated.errors, /is new or was emptied since the last run/);
  assertEquals(await Deno.readTextFile(output), "#9\n");
});

Deno.test("bcast listen --output keeps what another program appended, and reports it", async () => {
  await using hub = await startTestHub();
  await using folder = await temporaryFolder();
  const { cursor, output } = outputPaths(folder);
  const args = ["--cursor", cursor, "--output", output, "--after", "0"];
  await sendAsBob(hub.url, ...numberedMessages(1, 7));
  assertEquals((await runListen(hub.url, ...args, "--count", "5")).code, 0);
  const note = "my note — 世界 🎉";
  await Deno.writeTextFile(output, `${note}\n`, { append: true });
  const run = await runListen(hub.url, ...args, "--count", "1");
  assertEquals(run.code, 1);
  assertMatch(
    run.errors,
    /^Cannot continue [^\n]*: another program wrote to it [^\n]*\. Restore it[^\n]*\n$/,
  );
  const text = [...numberedLines(1, 5), note].join("\n") + "\n";
  assertEquals(await Deno.readTextFile(output), text);
  // As the message suggests: once the file is moved away, a new one is started.
  await Deno.rename(output, `${output}.1`);
  assertEquals((await runListen(hub.url, ...args, "--count", "2")).code, 0);
  assertEquals(await Deno.readTextFile(`${output}.1`), text);
  assertEquals(await Deno.readTextFile(output), "#6\n#7\n");
});

/** A listener that writes to a file until it is disposed of. */
function follower(
  url: string,
  { cursor, output }: ReturnType<typeof outputPaths>,
  ...more: string[]
) {
  const args = ["--cursor", cursor, "--output", output, "--after", "0", "--format", "{message}"];
  return new Program(["listen", url, "--room", LISTEN_ROOM, ...args, ...more]);
}

async function holds(path: string, expected: readonly string[]): Promise<void> {
  const text = expected.map((line) => `${line}\n`).join("");
  await until(
    `${path} to hold ${expected.length} lines`,
    async () => await Deno.readTextFile(path).catch(() => "") === text,
  );
}

Deno.test({
  name: "bcast listen --output continues in a new file after mv and SIGHUP, as with logrotate",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using hub = await startTestHub();
    await using folder = await temporaryFolder();
    const { cursor, output } = outputPaths(folder);
    const logFile = `${folder.path}/log`;
    await using program = follower(hub.url, outputPaths(folder), "--log-file", logFile);
    await sendAsBob(hub.url, ...numberedMessages(1, 3));
    await holds(output, numberedLines(1, 3));
    await Deno.rename(output, `${output}.1`);
    await Deno.rename(logFile, `${logFile}.old`);
    // Before SIGHUP, messages still go to the moved file.
    await sendAsBob(hub.url, ...numberedMessages(4, 5));
    await holds(`${output}.1`, numberedLines(1, 5));
    program.kill("SIGHUP");
    await until("a new file", () => Deno.stat(output).catch(() => false));
    await until("a new log", () => Deno.stat(logFile).catch(() => false));
    await sendAsBob(hub.url, ...numberedMessages(6, 9));
    await holds(output, numberedLines(6, 9));
    assertEquals(await Deno.readTextFile(`${output}.1`), numberedLines(1, 5).join("\n") + "\n");
    // Without a moved file, SIGHUP has no effect.
    program.kill("SIGHUP");
    await sendAsBob(hub.url, ...numberedMessages(10, 10));
    await holds(output, numberedLines(6, 10));
    // After a kill, it resumes in the new file.
    program.kill("SIGKILL");
    await program.exit();
    await sendAsBob(hub.url, ...numberedMessages(11, 11));
    const args = ["--cursor", cursor, "--output", output, "--count", "1"];
    assertEquals(await runListen(hub.url, ...args), { code: 0, lines: [], errors: "" });
    assertEquals(await Deno.readTextFile(output), numberedLines(6, 11).join("\n") + "\n");
    assertEquals(program.errors, "");
  },
});

Deno.test({
  name: "bcast listen --output continues when its file is removed or emptied, and reports it",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using hub = await startTestHub();
    await using folder = await temporaryFolder();
    const { output } = outputPaths(folder);
    await using program = follower(hub.url, outputPaths(folder));
    await sendAsBob(hub.url, ...numberedMessages(1, 3));
    await holds(output, numberedLines(1, 3));
    await Deno.remove(output);
    await sendAsBob(hub.url, ...numberedMessages(4, 5));
    await holds(output, numberedLines(4, 5));
    // Like logrotate's copytruncate.
    await Deno.truncate(output);
    await sendAsBob(hub.url, ...numberedMessages(6, 7));
    await holds(output, numberedLines(6, 7));
    await until("two lines", () => program.errors.split("\n").length === 3);
    const [removed = "", emptied = ""] = program.errors.split("\n");
    assertMatch(removed, /output was removed: continuing in a new file$/);
    assertMatch(emptied, /output was emptied: continuing at its beginning$/);
    // Content of another program.
    await Deno.writeTextFile(output, "note\n", { append: true });
    await sendAsBob(hub.url, ...numberedMessages(8, 8));
    assertEquals(await program.exit(), 1);
    assertEquals(await Deno.readTextFile(output), "#6\n#7\nnote\n");
  },
});

Deno.test("bcast listen --output writes the date of each message, even of today's", async () => {
  await using hub = await startTestHub();
  await using folder = await temporaryFolder();
  const { cursor, output } = outputPaths(folder);
  await sendAsBob(hub.url, ...numberedMessages(1, 1));
  const args = ["--cursor", cursor, "--output", output, "--after", "0", "--count", "1"];
  assertEquals((await runListen(hub.url, ...args, "--text")).code, 0);
  assertMatch(
    await Deno.readTextFile(output),
    /^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] Bob: #1\n$/,
  );
});

Deno.test({
  name:
    "the files of bcast listen are their owner's alone, and keep the permissions that they have",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using hub = await startTestHub();
    await using folder = await temporaryFolder();
    const { cursor, output } = outputPaths(folder);
    await sendAsBob(hub.url, ...numberedMessages(1, 2));
    const run = async (): Promise<void> => {
      await using program = new Program(
        ["listen", hub.url, "--room", LISTEN_ROOM, "--after", "0", "--count", "1"].concat(
          ["--cursor", cursor, "--output", output],
        ),
        {},
        ["sh", "-c", 'umask 022; exec "$0" "$@"'],
      );
      assertEquals([await program.exit(), program.errors], [0, ""]);
    };
    const modes = (): Promise<string[]> =>
      Promise.all(
        [cursor, output, `${cursor}.lock`].map(async (path) =>
          (((await Deno.stat(path)).mode ?? 0) & 0o777).toString(8)
        ),
      );
    await run();
    assertEquals(await modes(), ["600", "600", "600"]);
    for (const path of [cursor, output, `${cursor}.lock`]) await Deno.chmod(path, 0o664);
    await run();
    assertEquals(await modes(), ["664", "664", "664"]);
  },
});

Deno.test({
  name: "bcast listen on a full disk prints one line, and loses and repeats nothing",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using hub = await startTestHub();
    await using folder = await temporaryFolder();
    const { cursor, output } = outputPaths(folder);
    await sendAsBob(hub.url, ...numberedMessages(1, 30));
    const before = "x".repeat(4070) + "\n";
    await Deno.writeTextFile(output, before);
    const args = ["--cursor", cursor, "--output", output, "--after", "0", "--count", "30"];
    const format = ["--format", "{message}"];
    {
      // Files are limited to 4 KiB, enough for a part of the messages.
      await using program = new Program(
        ["listen", hub.url, "--room", LISTEN_ROOM, ...args, ...format],
        {},
        ["sh", "-c", `trap '' XFSZ; ulimit -f 8; exec "$0" "$@"`],
      );
      assertEquals(await program.exit(), 1);
      assertEquals(program.errors, `Cannot write to ${output}: File too large\n`);
      assertEquals((await Deno.stat(output)).size, 4096);
    }
    await sendAsBob(hub.url, ...numberedMessages(31, 31));
    const rest = ["--cursor", cursor, "--output", output, "--count", "1"];
    assertEquals(await runListen(hub.url, ...rest), { code: 0, lines: [], errors: "" });
    assertEquals(await Deno.readTextFile(output), before + numberedLines(1, 31).join("\n") + "\n");

    // An unwritten cursor takes no disk space.
    await sendAsBob(hub.url, { message: "世".repeat(5000) });
    {
      await using program = new Program(
        ["listen", hub.url, "--room", LISTEN_ROOM, ...rest, ...format],
        {},
        ["sh", "-c", `trap '' XFSZ; ulimit -f 8; exec "$0" "$@"`],
      );
      assertEquals(await program.exit(), 1);
      assertEquals(program.errors, `Cannot write the cursor ${cursor}: File too large\n`);
    }
    const names = (await Array.fromAsync(Deno.readDir(folder.path))).map(({ name }) => name);
    assertEquals(names.sort(), ["cursor", "cursor.lock", "output"]);

    // Standard output, and a path that is not a file.
    const command = programCommand().map((word) => `'${word}'`).join(" ");
    const full =
      `${command} listen ${hub.url} --room ${LISTEN_ROOM} --after 0 --cursor ${cursor}.2`;
    const { code, stderr } = await new Deno.Command("sh", {
      args: ["-c", `${full} >/dev/full`],
    }).output();
    assertEquals(
      [code, new TextDecoder().decode(stderr)],
      [1, "Cannot write to the standard output: No space left on device\n"],
    );
    const again = await runListen(
      hub.url,
      "--cursor",
      `${cursor}.2`,
      "--after",
      "0",
      "--count",
      "1",
    );
    assertEquals(again.lines, ["#1"]);
    const device = await runListen(hub.url, "--cursor", `${cursor}.3`, "--output", "/dev/full");
    assertEquals([device.code, device.errors], [
      1,
      "Cannot write to /dev/full: it is not a regular file. Redirect standard output there instead\n",
    ]);
  },
});
