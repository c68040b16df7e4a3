import { assertEquals, assertMatch } from "@std/assert";
import { connect, type OutgoingMessage } from "../../client.ts";
import { temporaryFolder } from "../kit/folder.ts";
import { Program } from "../kit/process.ts";
import { startTestHub } from "../kit/test_hub.ts";
import { until } from "../kit/wait.ts";

async function say(url: string, ...messages: readonly OutgoingMessage[]): Promise<void> {
  await using writer = connect({ url, sender: "Bob", echo: false });
  await Promise.all(messages.map((message) => writer.send(message)));
}

/** Runs `bcast exec` until it exits. */
async function exec(
  url: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ readonly code: number; readonly lines: readonly string[]; readonly errors: string }> {
  await using program = new Program(["exec", "--after", "0", ...args], { BCAST_URL: url, ...env });
  const code = await program.exit();
  return { code, lines: program.lines, errors: program.errors };
}

Deno.test("bcast exec passes each message to a command, but never its token", async () => {
  await using hub = await startTestHub();
  await say(hub.url, { message: "$(id) `id`; $HOME\nsecond line" }, { data: { a: "ü" } });
  const shown = 'cat; echo "$BCAST_ROOM $BCAST_MESSAGE_ID $BCAST_MESSAGE_SENDER';
  const script = `${shown} $BCAST_MESSAGE_DATA"; env | grep -c secret; true`;
  const token = { BCAST_TOKEN: "secret" };
  const run = await exec(hub.url, ["--count", "2", "--", "sh", "-c", script], token);
  assertEquals(run, {
    code: 0,
    lines: [
      ...["$(id) `id`; $HOME", "second line", "lobby 1 Bob ", "0"],
      ...['{"a":"ü"}', 'lobby 2 Bob {"a":"ü"}', "0"],
    ],
    errors: "",
  });
});

Deno.test("bcast exec --json passes the whole message", async () => {
  await using hub = await startTestHub();
  await say(hub.url, { message: "one\ntwo", data: 5 });
  const { code, lines } = await exec(hub.url, ["--count", "1", "--json", "--", "cat"]);
  assertEquals([code, lines.length], [0, 1]);
  const { id, sender, message, data } = JSON.parse(lines[0] ?? "");
  assertEquals([id, sender, message, data], [1, "Bob", "one\ntwo", 5]);
});

Deno.test("bcast exec --cursor resumes with the first message whose command failed", async () => {
  await using hub = await startTestHub();
  await using folder = await temporaryFolder();
  const cursor = `${folder.path}/cursor`;
  const good = `${folder.path}/good`;
  await say(hub.url, ...["1", "2", "3", "4"].map((message) => ({ message })));
  const script = `cat; test "$BCAST_MESSAGE_ID" != 3 || test -e ${good}`;
  const args = ["--cursor", cursor, "--", "sh", "-c", script];
  const first = await exec(hub.url, args);
  assertEquals([first.code, first.lines], [1, ["1", "2", "3"]]);
  assertMatch(first.errors, /^The command for message 3 of lobby ended with exit code 1\. /);
  await Deno.writeTextFile(good, "");
  const second = await exec(hub.url, ["--count", "2", ...args]);
  assertEquals(second, { code: 0, lines: ["3", "4"], errors: "" });
});

Deno.test("bcast exec reports a missing command and exits with 1", async () => {
  await using hub = await startTestHub();
  await say(hub.url, { message: "hi" });
  const run = await exec(hub.url, ["--on-error", "skip", "--", "no-such-command"]);
  assertEquals([run.code, run.lines], [1, []]);
  assertMatch(run.errors, /^Cannot run no-such-command: command not found[^\n]*\n$/);
});

Deno.test("bcast exec lets the running command end at SIGTERM, and kills it at the second", async () => {
  await using hub = await startTestHub();
  await using folder = await temporaryFolder();
  const cursor = `${folder.path}/cursor`;
  const fifo = `${folder.path}/fifo`;
  await new Deno.Command("mkfifo", { args: [fifo] }).output();
  await say(hub.url, { message: "one" }, { message: "two" });
  const args = ["--cursor", cursor, "--", "sh", "-c", `cat; echo $$; exec cat ${fifo}`];
  const start = (): Program => new Program(["exec", "--url", hub.url, "--after", "0", ...args]);
  {
    await using program = start();
    await program.line(/^one$/);
    program.kill("SIGTERM");
    await until("the listener to have left", async () => {
      await using observer = connect({ url: hub.url, rooms: [] });
      return (await observer.members("lobby")).online === 0;
    });
    await Deno.writeTextFile(fifo, "go on\n");
    assertEquals(await program.exit(), 130);
    assertEquals(program.lines.slice(2), ["go on"]);
  }
  await using program = start();
  await program.line(/^two$/);
  const [pid = ""] = await program.line(/^\d+$/);
  program.kill("SIGTERM");
  await until("the listener to have left", async () => {
    await using observer = connect({ url: hub.url, rooms: [] });
    return (await observer.members("lobby")).online === 0;
  });
  program.kill("SIGTERM");
  assertEquals(await program.exit(), 130);
  const probe = new Deno.Command("kill", { args: ["-0", pid], stderr: "null" });
  await until("the command to be gone", async () => !(await probe.output()).success);
});

Deno.test("bcast exec kills the children of its command, too, at the second SIGTERM", async () => {
  await using hub = await startTestHub();
  await using folder = await temporaryFolder();
  const pids = `${folder.path}/pids`;
  await say(hub.url, { message: "one" });
  const script = `sleep 600 & echo $! >>${pids}; sh -c 'echo $$ >>${pids}; sleep 600; true'; true`;
  await using program = new Program(
    ["exec", "--url", hub.url, "--after", "0", "--", "sh", "-c", script],
  );
  const all = await until("both", async () => {
    const found = (await Deno.readTextFile(pids).catch(() => "")).trim().split("\n");
    return found.length === 2 ? found : undefined;
  });
  program.kill("SIGTERM");
  await until("the listener to have left", async () => {
    await using observer = connect({ url: hub.url, rooms: [] });
    return (await observer.members("lobby")).online === 0;
  });
  program.kill("SIGTERM");
  const signal = (name: string, pid: string): boolean =>
    new Deno.Command("kill", { args: [name, pid], stderr: "null" }).outputSync().success;
  try {
    await until("all of it to be gone", () => !all.some((pid) => signal("-0", pid)));
  } finally {
    for (const pid of all) signal("-9", pid);
  }
  assertEquals(await program.exit(), 130);
});

Deno.test("bcast exec --failed keeps a message whose command never succeeds", async () => {
  await using hub = await startTestHub();
  await using folder = await temporaryFolder();
  const failed = `${folder.path}/failed-世界.jsonl`;
  await say(hub.url, { message: "\x1b[2Jslow\u202e" }, { message: "good" }, { message: "bad" });
  const script = 'case "$(cat)" in *slow*) sleep 60;; bad) exit 7;; esac; echo "$BCAST_MESSAGE_ID"';
  const args = ["--timeout", "1s", "--retries", "1", "--failed", failed, "--count", "3"];
  const cursor = ["--cursor", `${folder.path}/cursor`];
  const run = await exec(hub.url, [...args, ...cursor, "--", "sh", "-c", script]);
  assertEquals([run.code, run.lines], [0, ["2"]]);
  const what = (id: number, how: string): string[] => [
    `The command for message ${id} of lobby ${how}; retrying in 1 s`,
    `The command for message ${id} of lobby ${how} at try 2; saved to the --failed file, continuing with the next`,
  ];
  assertEquals(run.errors.trimEnd().split("\n"), [
    ...what(1, "did not end within 1 s"),
    ...what(3, "ended with exit code 7"),
  ]);
  const text = await Deno.readTextFile(failed);
  const kept = text.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(
    kept.map(({ reason, tries, message }) => [reason, tries, message.id, message.message]),
    [
      ["did not end within 1 s", 2, 1, "\x1b[2Jslow\u202e"],
      ["ended with exit code 7", 2, 3, "bad"],
    ],
  );
  assertMatch(text, /^[\x20-\x7e\n]*$/, "nothing in it moves a cursor");
  if (Deno.build.os !== "windows") {
    assertEquals(((await Deno.stat(failed)).mode ?? 0) & 0o777, 0o600);
  }
  // Done: the next run starts after them.
  await say(hub.url, { message: "more" });
  const next = await exec(hub.url, ["--count", "1", ...cursor, "--", "cat"]);
  assertEquals([next.code, next.lines, next.errors], [0, ["more"], ""]);
});

Deno.test({
  name: "bcast exec --failed on a full disk prints one line, and the message is not done",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using hub = await startTestHub();
    await using folder = await temporaryFolder();
    const cursor = ["--cursor", `${folder.path}/cursor`];
    await say(hub.url, { message: "one" });
    const run = await exec(hub.url, [...cursor, "--failed", "/dev/full", "--", "false"]);
    assertEquals(run.code, 1);
    // The executable has no access to /dev.
    assertMatch(
      run.errors,
      /^Cannot write to \/dev\/full: (?:No space left on device|it is in \/dev, ).*\n$/,
    );
    const next = await exec(hub.url, ["--count", "1", ...cursor, "--", "cat"]);
    assertEquals(next, { code: 0, lines: ["one"], errors: "" });
  },
});

Deno.test({
  name: "bcast exec --log-file continues in a new file after mv and SIGHUP",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using hub = await startTestHub();
    await using folder = await temporaryFolder();
    const log = `${folder.path}/log`;
    const args = ["--url", hub.url, "--after", "0", "--log-file", log, "--", "cat"];
    await using program = new Program(["exec", ...args]);
    await say(hub.url, { message: "one" });
    await program.line(/^one$/);
    await until("the log", () => Deno.stat(log).catch(() => false));
    await Deno.rename(log, `${log}.old`);
    program.kill("SIGHUP");
    await until("a new log", () => Deno.stat(log).catch(() => false));
    await say(hub.url, { message: "two" });
    await program.line(/^two$/);
    program.kill("SIGTERM");
    assertEquals([await program.exit(), program.errors], [130, ""]);
    assertMatch(await Deno.readTextFile(`${log}.old`), /Connecting to ws:/);
  },
});

Deno.test("bcast exec and listen reject two flags for one file", async () => {
  await using hub = await startTestHub();
  await using folder = await temporaryFolder();
  const at = (name: string): string => `${folder.path}/${name}`;
  const notes = "my notes – 世界\n";
  await Deno.writeTextFile(at("there"), notes);
  await Deno.symlink(at("there"), at("link"));
  await say(hub.url, { message: "one" });
  const cases: [string[], RegExp][] = [
    [["--cursor", at("new"), "--failed", at("new")], /new for --cursor and --failed: give each/],
    [["--cursor", at("new"), "--failed", at("./new")], /for --cursor and --failed/],
    [["--cursor", at("new"), "--failed", at("new.new")], /for --cursor and --failed/],
    [["--cursor", at("there"), "--failed", at("link")], /for --cursor and --failed/],
    [["--failed", at("there"), "--log-file", at("link")], /for --failed and --log-file/],
  ];
  for (const [flags, expected] of cases) {
    const run = await exec(hub.url, [...flags, "--count", "1", "--", "false"]);
    assertEquals([run.code, run.lines], [2, []]);
    assertMatch(run.errors, expected);
    await using program = new Program(
      ["listen", hub.url, "--after", "0", "--count", "1", ...flags.map(asListen)],
    );
    const code = await program.exit();
    // Without a cursor there is no output.
    assertEquals(code, 2, program.errors);
  }
  assertEquals(await Deno.readTextFile(at("there")), notes);
  const names = (await Array.fromAsync(Deno.readDir(folder.path))).map(({ name }) => name);
  assertEquals(names.sort(), ["link", "there"]);
});

/** The flag of `bcast listen` that corresponds to one of `bcast exec`. */
function asListen(flag: string): string {
  return flag === "--failed" ? "--output" : flag;
}

Deno.test("bcast exec rejects wrong usage", async () => {
  const cases: [string[], RegExp][] = [
    [["echo", "hi"], /^Unexpected argument "echo": the command to run comes after --/],
    [[], /^No command given\. Write it after --/],
    [["--"], /^No command given/],
    [["--parallel", "0", "--", "cat"], /^--parallel must be a whole number from 1 to 256/],
    [["--on-error", "pray", "--", "cat"], /^--on-error must be one of stop, skip, retry/],
    [
      ["--on-error", "stop", "--failed", "x", "--", "cat"],
      /^Cannot use --failed together with --on-error stop: leave one out/,
    ],
    [
      ["--on-error", "skip", "--retries", "3", "--", "cat"],
      /^Cannot use --retries together with --on-error skip: leave one out/,
    ],
  ];
  await Promise.all(cases.map(async ([args, expected]) => {
    const run = await exec("127.0.0.1:1", args);
    assertEquals([run.code, run.lines], [2, []]);
    assertMatch(run.errors, expected);
  }));
});
