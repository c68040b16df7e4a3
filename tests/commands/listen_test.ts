import { assert, assertEquals, assertMatch } from "@std/assert";
import { openSqliteBroker } from "../../broker/sqlite/sqlite_broker.ts";
import { connect } from "../../client.ts";
import { DEFAULT_RETENTION } from "../../broker/broker.ts";
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
import { postModeration, startModeratedHub, startTestHub } from "../kit/test_hub.ts";
import { until } from "../kit/wait.ts";

Deno.test("bcast listen prints text, JSON or a format, one harmless line per message", async () => {
  await using hub = await startTestHub();
  await sendAsBob(
    hub.url,
    { message: "hi\n[10:30:40] Alice: forged \x1b[2J" },
    { message: "waves", kind: "action", data: { a: 1 } },
  );
  const [text, json, format] = await Promise.all([
    runListen(hub.url, "--after", "0", "--count", "2", "--text"),
    runListen(hub.url, "--after", "0", "--count", "2", "--json"),
    runListen(
      hub.url,
      "--after",
      "0",
      "--count",
      "2",
      "--format",
      "{id}|{sender}|{message}|{data}",
    ),
  ]);
  assertMatch(
    text.lines.join("\n"),
    /^\[[\d:]+\] Bob: hi\n {11}\[10:30:40\] Alice: forged ␛\[2J\n\[[\d:]+\] \* Bob waves\n {11}\{"a":1\}$/,
  );
  assertEquals(
    json.lines.map((line) => JSON.parse(line)).map(({ id, room, message }) => [id, room, message]),
    [[1, LISTEN_ROOM, "hi\n[10:30:40] Alice: forged \x1b[2J"], [2, LISTEN_ROOM, "waves"]],
  );
  assertEquals(format.lines, [
    "1|Bob|hi␊[10:30:40] Alice: forged ␛[2J|",
    `2|Bob|waves|{"a":1}`,
  ]);
  for (const run of [text, json, format]) assertEquals([run.code, run.errors], [0, ""]);
});

Deno.test("bcast listen starts with new messages, in several rooms", async () => {
  await using hub = await startTestHub();
  await sendAsBob(hub.url, ...numberedMessages(1, 3));
  await using program = new Program([
    "listen",
    hub.url,
    "--room",
    `${LISTEN_ROOM},ops`,
    "--count",
    "2",
  ]);
  await until("both rooms", async () => {
    await using observer = connect({ url: hub.url, rooms: [] });
    return (await observer.members("ops")).online === 1;
  });
  await sendAsBob(hub.url, { message: "four" });
  await sendAsBob(hub.url, { message: "one", room: "ops" });
  assertEquals(await program.exit(), 0);
  assertMatch(program.lines.join("\n"), /^\[\S+\] #dev Bob: four\n\[\S+\] #ops Bob: one$/);
});

Deno.test("bcast listen --since starts at that time", async () => {
  await using hub = await startTestHub();
  await sendAsBob(hub.url, ...numberedMessages(1, 120));
  const run = await runListen(hub.url, "--since", "10m", "--count", "120");
  assertEquals([run.code, run.lines, run.errors], [0, numberedLines(1, 120), ""]);
});

Deno.test("bcast listen --timeout exits with 1 if too few messages arrived, else with 0", async () => {
  await using hub = await startTestHub();
  await sendAsBob(hub.url, ...numberedMessages(1, 2));
  const [few, all] = await Promise.all([
    runListen(hub.url, "--after", "0", "--count", "3", "--timeout", "1s"),
    runListen(hub.url, "--after", "1", "--timeout", "1s"),
  ]);
  assertEquals(few, {
    code: 1,
    lines: numberedLines(1, 2),
    errors: "Only 2 messages of 3 arrived within 1 s\n",
  });
  assertEquals(all, { code: 0, lines: numberedLines(2, 2), errors: "" });
});

Deno.test("bcast listen --cursor resumes from the last run, and overrides --after", async () => {
  await using hub = await startTestHub();
  await using folder = await temporaryFolder();
  const { cursor } = outputPaths(folder);
  const args = ["--cursor", cursor, "--after", "0", "--count"];
  await sendAsBob(hub.url, ...numberedMessages(1, 10));
  assertEquals((await runListen(hub.url, ...args, "4")).lines, numberedLines(1, 4));
  assertEquals((await runListen(hub.url, ...args, "4")).lines, numberedLines(5, 8));
  // Reading 60 messages takes the history in the welcome, and further pages.
  await sendAsBob(hub.url, ...numberedMessages(11, 100));
  const run = await runListen(hub.url, ...args, "92");
  assertEquals([run.lines, run.errors], [numberedLines(9, 100), ""]);
});

Deno.test("bcast listen --cursor resumes from its first start if no message arrived", async () => {
  await using hub = await startTestHub();
  await using folder = await temporaryFolder();
  const { cursor } = outputPaths(folder);
  await sendAsBob(hub.url, ...numberedMessages(1, 3));
  {
    await using program = new Program([
      "listen",
      hub.url,
      "--room",
      LISTEN_ROOM,
      "--cursor",
      cursor,
    ]);
    await until("the cursor", () => Deno.readTextFile(cursor).catch(() => false));
    program.kill("SIGKILL");
    await program.exit();
  }
  await sendAsBob(hub.url, ...numberedMessages(4, 5));
  assertEquals(
    (await runListen(hub.url, "--cursor", cursor, "--count", "2")).lines,
    numberedLines(4, 5),
  );
});

Deno.test("bcast listen reports a gap, or exits with --strict", async () => {
  const broker = await openSqliteBroker({
    path: ":memory:",
    retention: { ...DEFAULT_RETENTION, maxMessages: 100 },
  });
  await using hub = await startTestHub({ broker });
  await using folder = await temporaryFolder();
  const { cursor } = outputPaths(folder);
  await sendAsBob(hub.url, ...numberedMessages(1, 10));
  const args = ["--cursor", cursor, "--after", "0"];
  assertEquals((await runListen(hub.url, ...args, "--count", "10")).lines, numberedLines(1, 10));
  await sendAsBob(hub.url, ...numberedMessages(11, 1000));
  await using observer = connect({ url: hub.url, rooms: [] });
  await broker.trim();
  const [{ id: first } = { id: 0 }] =
    (await observer.history(LISTEN_ROOM, { after: 0, limit: 1 })).messages;
  assert(first > 11, "the history was trimmed");
  const strict = await runListen(hub.url, ...args, "--strict");
  assertEquals([strict.code, strict.lines], [1, []]);
  assertMatch(strict.errors, /^Messages 11 to \d+ of dev are missing: [^\n]*\n$/);
  const run = await runListen(hub.url, ...args, "--count", String(1000 - first + 1));
  assertEquals(run.lines, numberedLines(first, 1000));
  assertEquals(
    run.errors,
    `! GAP: Messages 11 to ${first - 1} of dev are missing: no longer stored on the hub\n`,
  );
  // Another hub or other data has another epoch.
  await using other = await startTestHub();
  await sendAsBob(other.url, ...numberedMessages(1, 3));
  const anew = await runListen(other.url, "--cursor", cursor, "--count", "3");
  assertEquals(anew.lines, numberedLines(1, 3));
  assertMatch(anew.errors, /^! GAP: The history of dev started over since message 1000, /);
});

Deno.test("bcast listen | head exits without an error", async () => {
  await using hub = await startTestHub();
  await sendAsBob(hub.url, ...numberedMessages(1, 50));
  const command = programCommand().map((word) => `'${word}'`).join(" ");
  const listen = `${command} listen ${hub.url} --room ${LISTEN_ROOM} --after 0 --format {message}`;
  const child = new Deno.Command("sh", {
    args: ["-c", `{ ${listen}; echo code=$? >&2; } | head -n 1`],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const errors = child.stderr.text();
  let over = false;
  void errors.then(() => over = true);
  // Without other means, it notices a closed pipe only when it writes, so there must be messages.
  await until("its end", async () => {
    await sendAsBob(hub.url, { message: "more" });
    return over;
  });
  assertEquals([await child.stdout.text(), await errors], ["#1\n", "code=0\n"]);
  await child.status;
});

/** Whether `tail` exits when its output has no reader. */
async function hasGnuTail(): Promise<boolean> {
  const probe = new Deno.Command("/usr/bin/tail", { args: ["--version"], stderr: "null" });
  const output = await probe.output().catch(() => undefined);
  return output !== undefined && new TextDecoder().decode(output.stdout).includes("GNU coreutils");
}

Deno.test("bcast listen --cursor into a pipe advances by at most what a pipe holds", async () => {
  await using hub = await startTestHub();
  await using folder = await temporaryFolder();
  const { cursor } = outputPaths(folder);
  const size = 1000;
  await sendAsBob(
    hub.url,
    ...numberedMessages(1, 500).map((_, n) => ({ message: `${n + 1}`.padEnd(size, "x") })),
  );
  const command = programCommand().map((word) => `'${word}'`).join(" ");
  const listen = `${command} listen ${hub.url} --room ${LISTEN_ROOM} --after 0 --format {message}`;
  const { stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", `${listen} --cursor ${cursor} | head -n 1`],
  }).output();
  assertEquals(new TextDecoder().decode(stderr), "");
  assertEquals(parseInt(new TextDecoder().decode(stdout)), 1);
  const next = await listenFrom(hub.url, cursor);
  // 64 KiB in the pipe, plus one read of `head`.
  const most = Math.ceil((64 + 64) * 1024 / size);
  assert(next <= 1 + most, `the next run begins with ${next}`);
});

/** The number that the next run with this cursor prints first. */
async function listenFrom(url: string, cursor: string): Promise<number> {
  const run = await runListen(url, "--cursor", cursor, "--after", "0", "--count", "1");
  assertEquals(run.code, 0);
  return parseInt(run.lines[0] ?? "");
}

Deno.test({
  name: "bcast listen exits with its reader, without another message",
  ignore: Deno.build.os !== "linux" || !await hasGnuTail(),
  fn: async () => {
    await using hub = await startTestHub();
    await using folder = await temporaryFolder();
    await sendAsBob(hub.url, ...numberedMessages(1, 3));
    const command = programCommand().map((word) => `'${word}'`).join(" ");
    const listen =
      `${command} listen ${hub.url} --room ${LISTEN_ROOM} --after 0 --format {message}`;
    const script = `{ echo $$ >${folder.path}/pid; exec ${listen}; } | grep -m1 3`;
    const ended = await new Deno.Command("sh", { args: ["-c", script] }).output();
    const [output, errors] = [ended.stdout, ended.stderr].map((bytes) =>
      new TextDecoder().decode(bytes)
    );
    assertEquals([ended.code, output, errors], [0, "#3\n", ""]);
    // No child process keeps a pipe open.
    const parent = (await Deno.readTextFile(`${folder.path}/pid`)).trim();
    await until("the end of all", async () => {
      const { stdout } = await new Deno.Command("ps", { args: ["-eo", "args"] }).output();
      return !new TextDecoder().decode(stdout).includes(`--pid=${parent} `);
    });
  },
});

Deno.test("bcast listen exits with 130 at Ctrl-C, with a cursor after the last printed message", async () => {
  await using hub = await startTestHub();
  await using folder = await temporaryFolder();
  const { cursor } = outputPaths(folder);
  await sendAsBob(hub.url, ...numberedMessages(1, 5));
  const args = ["--room", LISTEN_ROOM, "--cursor", cursor];
  await using program = new Program(["listen", hub.url, ...args, "--after", "0"]);
  await program.line(/#5$/);
  program.kill("SIGINT");
  assertEquals([await program.exit(), program.errors], [130, ""]);
  await sendAsBob(hub.url, ...numberedMessages(6, 6));
  assertEquals((await runListen(hub.url, ...args, "--count", "1")).lines, numberedLines(6, 6));
});

Deno.test("bcast listen waits for a lost hub, and reports it", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/log.db`;
  let hub = await startTestHub({ path });
  await sendAsBob(hub.url, ...numberedMessages(1, 1));
  const { url } = hub;
  const port = Number(new URL(url).port);
  await using program = new Program(["listen", url, "--room", LISTEN_ROOM, "--after", "0"]);
  await program.line(/#1$/);
  await hub[Symbol.asyncDispose]();
  await until("word of it", () => program.errors.includes("Trying again"));
  hub = await startTestHub({ path, port });
  await using _hub = hub;
  await sendAsBob(url, ...numberedMessages(2, 2));
  await program.line(/#2$/);
  assertMatch(
    program.errors,
    /^! [^\n]*Trying again [^\n]*\n(?:! [^\n]*\n)*\* Connected again as /,
  );
});

Deno.test("bcast listen in closed rooms only gives the hub's reasons and exits with 4", async () => {
  await using hub = await startModeratedHub();
  await postModeration(hub, "close-room", { room: "dev", reason: "painting" });
  await using listen = new Program(["listen", hub.url, "--room", "dev"]);
  assertEquals(await listen.exit(), 4);
  assertEquals(
    listen.errors,
    "Cannot join dev: Room dev is closed: painting. Choose another room with --room\n",
  );
});

Deno.test("bcast listen rejects wrong usage", async () => {
  await using folder = await temporaryFolder();
  const { cursor, output } = outputPaths(folder);
  await Deno.writeTextFile(cursor, "precious");
  const cases: [string[], number, RegExp][] = [
    [["--json", "--format", "x"], 2, /^Cannot use --json together with --format/],
    [
      ["--format", "{name}"],
      2,
      /^Cannot use this --format: it has \{name\}, but the fields are id, /,
    ],
    [["--after", "1", "--since", "1m"], 2, /^Cannot use --after together with --since/],
    [["--output", output], 2, /^--output needs --cursor FILE/],
    [
      ["--cursor", cursor],
      1,
      /^Cannot use the cursor .*: it is damaged, or not a cursor file of bcast\. /,
    ],
    [["--after", "now"], 2, /^--after must be the id of a message, or 0/],
  ];
  await Promise.all(cases.map(async ([args, code, expected]) => {
    const run = await runListen("127.0.0.1:1", ...args, "--text");
    assertEquals([run.code, run.lines], [code, []]);
    assertMatch(run.errors, expected);
  }));
  assertEquals(await Deno.readTextFile(cursor), "precious");
  const down = await runListen("127.0.0.1:1");
  assertEquals(down.code, 3);
  assertMatch(down.errors, /^Nothing listens at [^\n]*\n$/);
});
