import { assert, assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { openSqliteBroker } from "../../../broker/sqlite/sqlite_broker.ts";
import {
  draft,
  drafts,
  ids,
  kinds,
  only,
  readAll,
  store,
} from "../contract/broker_contract_kit.ts";
import { temporaryFolder } from "../../kit/folder.ts";
import { Program } from "../../kit/process.ts";
import { TestSocket } from "../../kit/test_socket.ts";
import { collectLog } from "../../kit/collected_log.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEARS = 10 * 365 * DAY;

/** A clock that can be set and a monotonic one. */
class Clocks {
  wall = Date.UTC(2026, 0, 2);
  passed = 1000;
  readonly now = (): number => this.wall;
  readonly elapsed = (): number => this.passed;
  pass(milliseconds: number): void {
    this.wall += milliseconds;
    this.passed += milliseconds;
  }
}

const repeat = draft("lobby", "once", { sender: "s", key: "1" });

Deno.test("`append()` recognizes a repeat for five minutes even if the clock is set", async () => {
  for (const by of [10 * MINUTE, YEARS, -10 * MINUTE, -YEARS]) {
    const clocks = new Clocks();
    await using broker = await openSqliteBroker({ path: ":memory:", ...clocks });
    const at = new Date(clocks.wall).toISOString();
    await store(broker, [repeat]);
    clocks.wall += by;
    clocks.pass(5 * MINUTE - 1);
    const { epoch } = await broker.head("lobby");
    assertEquals(
      await broker.append([repeat]),
      [{ kind: "duplicate", room: "lobby", id: 1, epoch, timestamp: at }],
    );
    clocks.pass(1);
    assertEquals(kinds(await broker.append([repeat])), ["stored"]);
  }
});

Deno.test("repeats are recognized after a restart despite a message from the future", async () => {
  await using folder = await temporaryFolder();
  const clocks = new Clocks();
  const options = { path: `${folder.path}/log.db`, ...clocks };
  {
    await using broker = await openSqliteBroker(options);
    clocks.wall += YEARS;
    await store(broker, drafts("quiet", 1));
    clocks.wall -= YEARS;
    await store(broker, [repeat]);
  }
  clocks.pass(MINUTE);
  {
    await using broker = await openSqliteBroker(options);
    assertEquals(kinds(await broker.append([repeat])), ["duplicate"]);
  }
  clocks.pass(4 * MINUTE);
  await using broker = await openSqliteBroker(options);
  assertEquals(kinds(await broker.append([repeat])), ["stored"]);
});

Deno.test("`trim()` erases nothing by age for an hour after the clock jumped ahead", async () => {
  const clocks = new Clocks();
  await using trouble = await collectLog();
  await using broker = await openSqliteBroker({
    path: ":memory:",
    retention: { maxAge: 30 * DAY, maxMessages: 8 },
    ...clocks,
  });
  await store(broker, drafts("lobby", 10));
  // The maximum number still applies.
  assertEquals(await broker.trim(), 2);
  clocks.wall += YEARS;
  assertEquals(await broker.trim(), 0);
  assertEquals(ids(await readAll(broker, "lobby")), []);
  clocks.pass(30 * MINUTE);
  assertEquals(await broker.trim(), 0);
  // The clock is right again: nothing is lost.
  clocks.wall -= YEARS;
  assertEquals(ids(await readAll(broker, "lobby")).length, 8);
  clocks.wall += YEARS;
  assertEquals(await broker.trim(), 0);
  clocks.pass(HOUR);
  assertEquals(await broker.trim(), 8);
  const said = trouble.records.map(({ level, message }) => [level, message.map(String).join("")]);
  assertEquals(said.map(([level]) => level), ["warning"]);
  assertMatch(String(said[0]?.[1]), /jumped ahead by 87600 h\. Nothing is erased for an hour/);
});

Deno.test("`trim()` erases nothing for an hour after a start at which all messages are too old", async () => {
  await using folder = await temporaryFolder();
  const clocks = new Clocks();
  const options = {
    path: `${folder.path}/log.db`,
    retention: { maxAge: 30 * DAY },
    ...clocks,
  };
  {
    await using broker = await openSqliteBroker(options);
    await store(broker, drafts("lobby", 10));
  }
  await using trouble = await collectLog();
  clocks.wall += YEARS;
  {
    await using broker = await openSqliteBroker(options);
    clocks.pass(59 * MINUTE);
    assertEquals(await broker.trim(), 0);
  }
  clocks.wall -= YEARS;
  {
    await using broker = await openSqliteBroker(options);
    assertEquals(ids(await readAll(broker, "lobby")).length, 10);
  }
  clocks.pass(40 * DAY);
  await using broker = await openSqliteBroker(options);
  assertEquals(await broker.trim(), 0);
  clocks.pass(HOUR);
  assertEquals(await broker.trim(), 10);
  const warnings = trouble.records.filter(({ level }) => level === "warning");
  assertEquals(warnings.length, 2);
});

Deno.test("`trim()` deletes messages in time despite an earlier one from the future", async () => {
  const clocks = new Clocks();
  await using broker = await openSqliteBroker({
    path: ":memory:",
    retention: { maxAge: 30 * DAY },
    ...clocks,
  });
  clocks.wall += YEARS;
  await store(broker, [draft("lobby", "wrong", { sender: "s", key: "a" })]);
  clocks.wall -= YEARS;
  await store(broker, drafts("lobby", 3));
  clocks.pass(20 * DAY);
  await broker.trim();
  await store(broker, drafts("lobby", 2));
  assertEquals(ids(await readAll(broker, "lobby")), [1, 2, 3, 4, 5, 6]);
  clocks.pass(11 * DAY);
  assertEquals(ids(await readAll(broker, "lobby")), [5, 6]);
  assertEquals(await broker.trim(), 4);
  clocks.pass(31 * DAY);
  assertEquals(await broker.trim(), 2);
  assertEquals((await broker.head("lobby")).first, 7);
});

/** The library that fakes the time of a process; says so loudly where it is not installed. */
function fakeTimeLibrary(): string | undefined {
  const found = ["x86_64-linux-gnu", "aarch64-linux-gnu"].flatMap((machine) =>
    ["libfaketimeMT.so.1"].map((name) => `/usr/lib/${machine}/faketime/${name}`)
  ).find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      return false;
    }
  });
  // deno-lint-ignore no-console -- a skipped test must be visible
  if (found === undefined) console.warn("SKIPPED: libfaketime is not installed");
  return found;
}

const library = fakeTimeLibrary();

Deno.test({
  name: "after a run with the clock ten years ahead, a hub dates new messages correctly",
  ignore: library === undefined,
  async fn() {
    await using folder = await temporaryFolder();
    const run = async (ahead: string): Promise<{ year: number; errors: string }> => {
      await using hub = new Program(
        ["start", "--host", "127.0.0.1", "--port", "0", "--data", folder.path],
        // A monotonic clock that is faked, too, would have timers wait for years.
        ahead === "" ? {} : {
          LD_PRELOAD: library ?? "",
          FAKETIME: ahead,
          DONT_FAKE_MONOTONIC: "1",
          FAKETIME_DONT_FAKE_MONOTONIC: "1",
        },
      );
      const [url = ""] = await hub.line(/ws:\/\/127\.0\.0\.1:\d+/);
      const [socket] = await TestSocket.v1(url, { sender: "Alice" });
      await using _ = socket;
      socket.send({ type: "message", message: "hi", ref: 1 });
      const { timestamp } = await socket.next("ack");
      hub.kill("SIGTERM");
      await hub.exit();
      return { year: new Date(String(timestamp)).getFullYear(), errors: hub.errors };
    };
    const now = new Date().getFullYear();
    assertEquals((await run("")).year, now);
    const ahead = await run("+3650d");
    assert(ahead.year >= now + 9, String(ahead.year));
    assertMatch(ahead.errors, /Nothing is erased for an hour: set the clock if it is wrong/);
    const after = await run("");
    assertEquals(after.year, now);
    assertEquals(
      after.errors.match(/new messages are dated by the clock/g)?.length,
      1,
      after.errors,
    );
    // The warning is not repeated.
    assertNotMatch((await run("")).errors, /warn/i);
    await using broker = await openSqliteBroker({ path: `${folder.path}/bcast.db` });
    assertEquals(ids(await readAll(broker, "lobby")), [1, 2, 3, 4]);
    assertEquals(only(await store(broker, [draft("other", "x")])).id, 1);
  },
});
