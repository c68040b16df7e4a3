import { assert, assertEquals, assertRejects } from "@std/assert";
import { CliError } from "../cli/errors.ts";
import { envName } from "../cli/flags.ts";
import { COMMANDS } from "../commands/mod.ts";
import { ChildRunner, type Ending, environmentOf, type Said } from "../stream/child.ts";
import { execute, type ExecuteOptions } from "../stream/execute.ts";
import type { Step } from "../stream/follow.ts";
import { Ledger } from "../stream/ledger.ts";
import { FakeClock } from "./kit/client_clock.ts";
import { said, TIMESTAMP } from "./kit/fake_conversation.ts";
import { until } from "./kit/until.ts";

const OK: Ending = { ok: true, how: "ended with exit code 0" };
const FAILED: Ending = { ok: false, how: "ended with exit code 3" };

const step = (id: number): Step => {
  return { room: "lobby", epoch: "e", id, message: said("Bob", `#${id}`, { id }) };
};

/** Commands that end as the test says. */
function begin(options: Partial<ExecuteOptions> & { readonly ids: number }) {
  const running = new Map<number, PromiseWithResolvers<Ending>>();
  const begun: number[] = [];
  const done: number[] = [];
  const lines: string[] = [];
  const clock = new FakeClock();
  const stop = new AbortController();
  const ended = execute({
    steps: ReadableStream.from(Array.from({ length: options.ids }, (_, n) => step(n + 1))),
    run: ({ message }) => {
      begun.push(message.id);
      const one = Promise.withResolvers<Ending>();
      running.set(message.id, one);
      return one.promise;
    },
    parallel: 1,
    onError: "stop",
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
  const end = async (id: number, ending: Ending): Promise<void> => {
    const one = await until(`message ${id}`, () => running.get(id));
    running.delete(id);
    one.resolve(ending);
  };
  return { begun, done, lines, clock, stop, ended, end };
}

Deno.test("`execute()` runs one command after the other, in order", async () => {
  const { begun, done, lines, ended, end } = begin({ ids: 3 });
  for (const id of [1, 2, 3]) {
    // deno-lint-ignore no-await-in-loop -- one after the other
    await until("the command", () => begun.length === id);
    assertEquals(done.length, id - 1);
    // deno-lint-ignore no-await-in-loop -- as above
    await end(id, OK);
  }
  assertEquals(await ended, true);
  assertEquals([begun, done, lines], [[1, 2, 3], [1, 2, 3], []]);
});

Deno.test("`execute()` in parallel is done only up to the first that is not", async () => {
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

Deno.test("`execute()` stops at a failure: what runs ends, nothing behind it counts", async () => {
  const { begun, done, lines, ended, end } = begin({ ids: 9, parallel: 3 });
  await end(1, OK);
  await until("the next", () => begun.length === 4);
  await end(2, FAILED);
  await end(3, OK);
  await end(4, OK);
  assertEquals(await ended, false);
  assertEquals([begun, done], [[1, 2, 3, 4], [1]]);
  assertEquals(lines, [
    "The command for message 2 of lobby ended with exit code 3. With --cursor, the next run begins with this message",
  ]);
});

Deno.test("`execute()` that skips goes on after a failure, and says so", async () => {
  const { done, lines, ended, end } = begin({ ids: 2, onError: "skip" });
  await end(1, FAILED);
  await end(2, OK);
  assertEquals(await ended, true);
  assertEquals(done, [1, 2]);
  assertEquals(lines, [
    "The command for message 1 of lobby ended with exit code 3; going on with the next",
  ]);
});

Deno.test("`execute()` that retries waits longer each time, and ends when told to", async () => {
  const { begun, done, lines, clock, stop, ended, end } = begin({ ids: 2, onError: "retry" });
  for (const delay of [1, 2, 4, 8, 16, 32, 60, 60]) {
    // deno-lint-ignore no-await-in-loop -- try by try
    await end(1, FAILED);
    // deno-lint-ignore no-await-in-loop -- as above
    await until("the wait", () => clock.waiting === 1);
    assertEquals(
      lines.at(-1),
      `The command for message 1 of lobby ended with exit code 3; trying again in ${delay} s`,
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

Deno.test("`execute()` that is interrupted does not count a command that failed with it", async () => {
  const { done, lines, stop, ended, end } = begin({ ids: 9 });
  await end(1, OK);
  await until("the first to count", () => done.length === 1);
  stop.abort();
  await end(2, { ok: false, how: "was ended by SIGINT" });
  assertEquals(await ended, true);
  assertEquals([done, lines], [[1], []]);
});

Deno.test("`execute()` ends after so many, and with what no message is to blame for", async () => {
  const { begun, ended, end } = begin({ ids: 9, count: 2 });
  await end(1, OK);
  await end(2, OK);
  assertEquals([await ended, begun], [true, [1, 2]]);
  const broken = begin({ ids: 9, run: () => Promise.reject(new CliError("no such command")) });
  await assertRejects(() => broken.ended, CliError, "no such command");
  assertEquals(broken.done, []);
});

Deno.test("`Ledger` tells what is done in order, and how much it keeps", () => {
  const told: string[] = [];
  const ledger = new Ledger<string>((item) => told.push(item));
  const [a, b, c] = ["a", "b", "c"].map((item) => ledger.begin(item));
  c?.();
  assertEquals([told.join(""), ledger.size], ["", 3]);
  a?.();
  assertEquals([told.join(""), ledger.size], ["a", 2]);
  b?.();
  assertEquals([told.join(""), ledger.size], ["abc", 0]);
});

Deno.test("`environmentOf()` leaves out what cannot stand in an environment", () => {
  const message = { ...said("Bob", "hi", { id: 7, kind: "action" }), data: { a: "\0" } };
  assertEquals(environmentOf({ message, epoch: "e" }), {
    BCAST_ROOM: "lobby",
    BCAST_MESSAGE_ID: "7",
    BCAST_MESSAGE_SENDER: "Bob",
    BCAST_MESSAGE_TIMESTAMP: TIMESTAMP,
    BCAST_MESSAGE_KIND: "action",
    BCAST_MESSAGE_EPOCH: "e",
    BCAST_MESSAGE_DATA: `{"a":"\\u0000"}`,
  });
  const bad = { ...said("Bo\0b", "hi"), data: "ü".repeat(40_000) };
  assertEquals(Object.keys(environmentOf({ message: bad, epoch: "\0" })), [
    "BCAST_ROOM",
    "BCAST_MESSAGE_ID",
    "BCAST_MESSAGE_TIMESTAMP",
  ]);
});

Deno.test("no field in the environment but the room is a flag to a bcast that a command runs", () => {
  const message = { ...said("Bob", "hi", { kind: "action" }), data: 1 };
  const fields = Object.keys(environmentOf({ message, epoch: "e" }));
  const flags = new Set(COMMANDS.flatMap((command) => Object.keys(command.flags).map(envName)));
  assertEquals(fields.filter((field) => flags.has(field)), ["BCAST_ROOM"]);
});

const text = (message: string): Said => ({ message: said("Bob", message), epoch: "e" });

Deno.test("`ChildRunner.run()` tells how a command ended, whatever that does with its input", async () => {
  const run = (...args: string[]): Promise<Ending> =>
    new ChildRunner("sh", ["-c", ...args], false).run(text("x".repeat(1024 * 1024)));
  assertEquals(await run("exit 0"), OK);
  assertEquals(await run("cat >/dev/null; exit 3"), FAILED);
  assertEquals(await run("exec <&-; exit 3"), FAILED);
  assertEquals(await run("kill -9 $$"), { ok: false, how: "was ended by SIGKILL" });
});

Deno.test("`ChildRunner.kill()` ends what runs", async () => {
  const runner = new ChildRunner("sleep", ["60"], false);
  const ending = runner.run(text("hi"));
  runner.kill();
  assertEquals((await ending).how, "was ended by SIGKILL");
});

Deno.test("`ChildRunner.run()` with a command that is none says so", async () => {
  const none = new ChildRunner("no-such-command\x1b", [], false);
  const error = await assertRejects(() => none.run(text("hi")), CliError);
  assertEquals(
    error.message,
    "Cannot run no-such-command␛: there is no such command, or no such folder",
  );
  const folder = new ChildRunner("/", [], false);
  assert(
    (await assertRejects(() => folder.run(text("hi")), CliError)).message.includes("Cannot run /"),
  );
});
