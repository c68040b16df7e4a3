import { assert, assertEquals, assertRejects } from "@std/assert";
import { CliError } from "../../../cli/errors.ts";
import { envName } from "../../../cli/command_line.ts";
import { COMMANDS } from "../../../commands/mod.ts";
import {
  type ChildOptions,
  ChildRunner,
  type CommandResult,
} from "../../../commands/pipeline/child.ts";
import {
  clearedMessage,
  messageEnvironment,
} from "../../../commands/pipeline/child_environment.ts";
import {
  CompletionTracker,
  execute,
  type ExecuteOptions,
  type FailedMessage,
} from "../../../commands/pipeline/execute.ts";
import type { FollowEvent, ReceivedMessage } from "../../../commands/pipeline/follow.ts";
import { FakeClock } from "../../kit/fake_clock.ts";
import { chatMessage, TIMESTAMP } from "../../kit/fake_connection.ts";
import { temporaryFolder } from "../../kit/folder.ts";
import { until } from "../../kit/wait.ts";

const OK: CommandResult = { ok: true, description: "ended with exit code 0" };
const FAILED: CommandResult = { ok: false, description: "ended with exit code 3" };

const step = (id: number): FollowEvent => {
  return { room: "lobby", epoch: "e", id, message: chatMessage("Bob", `#${id}`, { id }) };
};

/** Commands that end as the test says. */
function begin(options: Partial<ExecuteOptions> & { readonly ids: number }) {
  const running = new Map<number, PromiseWithResolvers<CommandResult>>();
  const begun: number[] = [];
  const done: number[] = [];
  const lines: string[] = [];
  const clock = new FakeClock();
  const stop = new AbortController();
  const ended = execute({
    events: ReadableStream.from(Array.from({ length: options.ids }, (_, n) => step(n + 1))),
    run: ({ message }) => {
      begun.push(message.id);
      const one = Promise.withResolvers<CommandResult>();
      running.set(message.id, one);
      return one.promise;
    },
    parallel: 1,
    onError: "stop",
    retries: Infinity,
    count: 0,
    onDone: ({ id }) => done.push(id),
    say: (line) => lines.push(line),
    stop: () => stop.abort(),
    signal: stop.signal,
    clock,
    ...options,
  });
  // Looked at by the test, when it is ready.
  ended.catch(() => {});
  const end = async (id: number, ending: CommandResult): Promise<void> => {
    const one = await until(`message ${id}`, () => running.get(id));
    running.delete(id);
    one.resolve(ending);
  };
  return { begun, done, lines, clock, stop, ended, end };
}

Deno.test("`execute()` runs one command after the other, in order", async () => {
  const { begun, done, lines, ended, end } = begin({ ids: 3 });
  for (const id of [1, 2, 3]) {
    await until("the command", () => begun.length === id);
    assertEquals(done.length, id - 1);
    await end(id, OK);
  }
  assertEquals(await ended, true);
  assertEquals([begun, done, lines], [[1, 2, 3], [1, 2, 3], []]);
});

Deno.test("`execute()` in parallel reports progress only up to the first unfinished message", async () => {
  const { begun, done, ended, end } = begin({ ids: 5, parallel: 3 });
  await until("three at once", () => begun.length === 3);
  await end(2, OK);
  await until("a fourth", () => begun.length === 4);
  await end(4, OK);
  await until("a fifth", () => begun.length === 5);
  assertEquals(done, []);
  await end(1, OK);
  await until("the second to count", () => done.length === 2);
  await end(5, OK);
  await end(3, OK);
  assertEquals(await ended, true);
  assertEquals(done, [1, 2, 3, 4, 5]);
});

Deno.test("`execute()` stops at a failure: running commands end, later messages do not count", async () => {
  const { begun, done, lines, ended, end } = begin({ ids: 9, parallel: 3 });
  await end(1, OK);
  await until("the next", () => begun.length === 4);
  await end(2, FAILED);
  await end(3, OK);
  await end(4, OK);
  assertEquals(await ended, false);
  assertEquals([begun, done], [[1, 2, 3, 4], [1]]);
  assertEquals(lines, [
    "The command for message 2 of lobby ended with exit code 3. With --cursor, the next run starts with this message",
  ]);
});

Deno.test("`execute()` with `skip` continues after a failure and reports it", async () => {
  const { done, lines, ended, end } = begin({ ids: 2, onError: "skip" });
  await end(1, FAILED);
  await end(2, OK);
  assertEquals(await ended, true);
  assertEquals(done, [1, 2]);
  assertEquals(lines, [
    "The command for message 1 of lobby ended with exit code 3; continuing with the next",
  ]);
});

Deno.test("`execute()` with `retry` waits longer each time, until it is stopped", async () => {
  const { begun, done, lines, clock, stop, ended, end } = begin({ ids: 2, onError: "retry" });
  for (const delay of [1, 2, 4, 8, 16, 32, 60, 60]) {
    await end(1, FAILED);
    await until("the wait", () => clock.waiting === 1);
    const again = lines.length === 1 ? "" : ` at try ${lines.length}`;
    assertEquals(
      lines.at(-1),
      `The command for message 1 of lobby ended with exit code 3${again}; retrying in ${delay} s`,
    );
    clock.advance(delay * 1000);
  }
  await end(1, OK);
  await end(2, FAILED);
  await until("the wait", () => clock.waiting === 1);
  stop.abort();
  assertEquals(await ended, true);
  assertEquals([done, begun.filter((id) => id === 1).length], [[1], 9]);
});

Deno.test("`execute()` without retries left stops, or keeps the message and continues", async () => {
  const kept: FailedMessage[] = [];
  const keepFailed = (failed: FailedMessage): Promise<void> => {
    kept.push(failed);
    return Promise.resolve();
  };
  for (const options of [{}, { keepFailed }]) {
    const { done, lines, clock, ended, end } = begin({
      ids: 2,
      onError: "retry",
      retries: 2,
      ...options,
    });
    for (const delay of [1, 2]) {
      await end(1, FAILED);
      await until("the wait", () => clock.waiting === 1);
      clock.advance(delay * 1000);
    }
    await end(1, FAILED);
    const what = "The command for message 1 of lobby ended with exit code 3 at try 3";
    if (!("keepFailed" in options)) {
      assertEquals([await ended, done], [false, []]);
      assertEquals(lines.at(-1), `${what}. With --cursor, the next run starts with this message`);
      continue;
    }
    await end(2, OK);
    assertEquals([await ended, done], [true, [1, 2]]);
    assertEquals(lines.at(-1), `${what}; saved to the --failed file, continuing with the next`);
  }
  assertEquals(
    kept.map(({ message, reason, tries }) => [message.id, reason, tries]),
    [[1, "ended with exit code 3", 3]],
  );
});

Deno.test("`execute()` does not count a failed message that could not be saved", async () => {
  const { done, ended, end } = begin({
    ids: 2,
    onError: "skip",
    keepFailed: () => Promise.reject(new CliError("Cannot write to x: No space left on device")),
  });
  await end(1, FAILED);
  await assertRejects(() => ended, CliError, "No space left");
  assertEquals(done, []);
});

Deno.test("`execute()` is done at once with ignored messages", async () => {
  const { begun, done, ended, end } = begin({ ids: 3, count: 2, isIgnored: ({ id }) => id === 2 });
  await end(1, OK);
  await end(3, OK);
  assertEquals([await ended, begun, done], [true, [1, 3], [1, 2, 3]]);
});

Deno.test("`execute()` waits for running commands when its events fail", async () => {
  let failed = false;
  const broken = (async function* () {
    yield step(1);
    failed = true;
    throw new CliError("the hub refused");
  })();
  const { ended, done, end } = begin({ ids: 0, events: broken, parallel: 2 });
  let over = false;
  const settled = ended.catch(() => {}).finally(() => over = true);
  await until("the failure", () => failed);
  assertEquals(over, false);
  await end(1, OK);
  await settled;
  await assertRejects(() => ended, CliError, "the hub refused");
  assertEquals(done, [1]);
});

Deno.test("an interrupted `execute()` does not count the commands that fail with it", async () => {
  const { done, lines, stop, ended, end } = begin({ ids: 9 });
  await end(1, OK);
  await until("the first to count", () => done.length === 1);
  stop.abort();
  await end(2, { ok: false, description: "was ended by SIGINT" });
  assertEquals(await ended, true);
  assertEquals([done, lines], [[1], []]);
});

Deno.test("`execute()` ends after `count` messages, and with an error of the runner", async () => {
  const { begun, ended, end } = begin({ ids: 9, count: 2 });
  await end(1, OK);
  await end(2, OK);
  assertEquals([await ended, begun], [true, [1, 2]]);
  const broken = begin({ ids: 9, run: () => Promise.reject(new CliError("no such command")) });
  await assertRejects(() => broken.ended, CliError, "no such command");
  assertEquals(broken.done, []);
});

Deno.test("`CompletionTracker` reports items in order, and its size", () => {
  const told: string[] = [];
  const ledger = new CompletionTracker<string>((item) => told.push(item));
  const [a, b, c] = ["a", "b", "c"].map((item) => ledger.begin(item));
  c?.();
  assertEquals([told.join(""), ledger.size], ["", 3]);
  a?.();
  assertEquals([told.join(""), ledger.size], ["a", 2]);
  b?.();
  assertEquals([told.join(""), ledger.size], ["abc", 0]);
});

Deno.test("`messageEnvironment()` omits values that no environment can hold", () => {
  const more = { id: 7, kind: "action", account: "Bob" } as const;
  const message = { ...chatMessage("Bob", "hi", more), data: { a: "\0" } };
  assertEquals(messageEnvironment({ message, epoch: "e" }, ["a", "b"]), {
    BCAST_ROOM: "lobby",
    BCAST_MESSAGE_ID: "7",
    BCAST_MESSAGE_SENDER: "Bob",
    BCAST_MESSAGE_ACCOUNT: "Bob",
    BCAST_MESSAGE_TIMESTAMP: TIMESTAMP,
    BCAST_MESSAGE_KIND: "action",
    BCAST_MESSAGE_EPOCH: "e",
    BCAST_MESSAGE_DATA: `{"a":"\\u0000"}`,
    BCAST_VIA: "a,b",
  });
  const bad = { ...chatMessage("Bo\0b", "hi"), data: "ü".repeat(40_000) };
  assertEquals(Object.keys(messageEnvironment({ message: bad, epoch: "\0" }, ["a"])), [
    "BCAST_ROOM",
    "BCAST_MESSAGE_ID",
    "BCAST_MESSAGE_TIMESTAMP",
    "BCAST_VIA",
  ]);
  // What a command around this one was told is not said of this message.
  const outer = (name: string): string | undefined =>
    name === "BCAST_MESSAGE_DATA" ? "1" : undefined;
  assertEquals(clearedMessage(outer), { BCAST_MESSAGE_DATA: "" });
});

Deno.test("of the message variables, only the room is also a flag of `bcast`", () => {
  const message = { ...chatMessage("Bob", "hi", { kind: "action" }), data: 1 };
  const fields = Object.keys(messageEnvironment({ message, epoch: "e" }, ["a"]));
  const flags = new Set(COMMANDS.flatMap((command) => Object.keys(command.flags).map(envName)));
  assertEquals(fields.filter((field) => flags.has(field)), ["BCAST_ROOM"]);
});

const text = (message: string): ReceivedMessage => ({
  message: chatMessage("Bob", message),
  epoch: "e",
});

function runner(command: string, args: readonly string[], more: Partial<ChildOptions> = {}) {
  const options = { json: false, env: {}, id: "me", timeout: 0, clock: new FakeClock() };
  return new ChildRunner({ command, args, ...options, ...more });
}

Deno.test("`ChildRunner.run()` returns how a command ended, even if it does not read its input", async () => {
  const run = (...args: string[]): Promise<CommandResult> =>
    runner("sh", ["-c", ...args]).run(text("x".repeat(1024 * 1024)));
  assertEquals(await run("exit 0"), OK);
  assertEquals(await run("cat >/dev/null; exit 3"), FAILED);
  assertEquals(await run("exec <&-; exit 3"), FAILED);
  assertEquals(await run("kill -9 $$"), { ok: false, description: "was ended by SIGKILL" });
});

const ignore = Deno.build.os === "windows";

/** A shell that starts another process and waits, and how to see whether that one lives. */
async function family(script: string) {
  const folder = await temporaryFolder();
  const file = `${folder.path}/pid`;
  return {
    args: ["-c", script.replaceAll("PID", file)],
    async grandchild(): Promise<string> {
      const pid = await until(
        "the grandchild",
        async () => (await Deno.readTextFile(file).catch(() => "")).trim() || undefined,
      );
      await folder[Symbol.asyncDispose]();
      return pid;
    },
  };
}

async function gone(pid: string): Promise<void> {
  const probe = new Deno.Command("kill", { args: ["-0", pid], stderr: "null" });
  await until(`${pid} to be gone`, async () => !(await probe.output()).success);
}

Deno.test({
  name: "`ChildRunner.kill()` kills the commands and their children",
  ignore,
  fn: async () => {
    const { args, grandchild } = await family("sleep 60 & echo $! >PID; wait");
    const children = runner("sh", args);
    const ending = children.run(text("hi"));
    const pid = await grandchild();
    children.kill();
    assertEquals((await ending).description, "was ended by SIGKILL");
    await gone(pid);
  },
});

Deno.test({
  name: "`ChildRunner.run()` ends a command and its children at the timeout",
  ignore,
  fn: async () => {
    const late = { ok: false, description: "did not end within 30 s" };
    // One that ends when it is asked to, one that says it was done then, one that does not listen.
    const cases = [
      ["sleep 60 & echo $! >PID; wait", false],
      ["trap 'exit 0' TERM; sleep 60 & echo $! >PID; wait", false],
      ["trap '' TERM; (trap '' TERM; sleep 60) & echo $! >PID; wait", true],
    ] as const;
    for (const [script, deaf] of cases) {
      const clock = new FakeClock();
      const { args, grandchild } = await family(script);
      const ending = runner("sh", args, { timeout: 30_000, clock }).run(text("hi"));
      const pid = await grandchild();
      assertEquals(clock.waiting, 1);
      clock.advance(30_000);
      if (deaf) clock.advance(5000);
      assertEquals(await ending, late, script);
      await gone(pid);
      assertEquals(clock.waiting, 0);
    }
  },
});

Deno.test({
  name: "`ChildRunner.run()` does not wait for processes that a command leaves behind",
  ignore,
  fn: async () => {
    // It holds the input open, which is more than a pipe holds, and never reads it.
    const { args, grandchild } = await family("sleep 60 <&0 & echo $! >PID");
    const clock = new FakeClock();
    const children = runner("sh", args, { timeout: 30_000, clock });
    assertEquals(await children.run(text("x".repeat(1024 * 1024))), OK);
    assertEquals(clock.waiting, 0);
    const pid = await grandchild();
    assertEquals(new Deno.Command("kill", { args: [pid] }).outputSync().success, true);
    await gone(pid);
  },
});

Deno.test("`ChildRunner.run()` reports a missing command", async () => {
  const none = runner("no-such-command\x1b", []);
  const error = await assertRejects(() => none.run(text("hi")), CliError);
  assertEquals(
    error.message,
    "Cannot run no-such-command␛: command not found",
  );
  const folder = runner("/", []);
  assert(
    (await assertRejects(() => folder.run(text("hi")), CliError)).message.includes("Cannot run /"),
  );
});
