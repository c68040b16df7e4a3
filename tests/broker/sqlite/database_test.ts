import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { BrokerError, type MessageDraft } from "../../../broker/broker.ts";
import { openSqliteBroker, type SqliteOptions } from "../../../broker/sqlite/sqlite_broker.ts";
import { sqliteStorage } from "../../../server/storage.ts";
import { draft, drafts, ids, kinds, readAll, store } from "../contract/broker_contract_kit.ts";

/** Registers a test that gets an empty directory. */
function test(what: string, run: (dir: string) => Promise<void>): void {
  Deno.test(what, async () => {
    const dir = await Deno.makeTempDir({ prefix: "bcast-log-" });
    try {
      await run(dir);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  });
}

/** All files below `dir` with their content. */
async function snapshot(dir: string): Promise<Record<string, Uint8Array>> {
  const files: Record<string, Uint8Array> = {};
  for await (const { name, isFile } of Deno.readDir(dir)) {
    if (isFile) files[name] = await Deno.readFile(`${dir}/${name}`);
  }
  return files;
}

/** Asserts that opening fails with one line that names the file, and changes nothing in its directory. */
async function refused(dir: string, options: SqliteOptions): Promise<string> {
  const before = await snapshot(dir);
  try {
    await (await openSqliteBroker(options))[Symbol.asyncDispose]();
  } catch (error) {
    assertInstanceOf(error, BrokerError);
    assertStringIncludes(error.message, `Cannot open the log "${options.path}": `);
    assertMatch(error.message, /^[^\n]*$/);
    assertStringIncludes(error.message, "--data");
    assertEquals(await snapshot(dir), before);
    return error.message;
  }
  throw new Error("the log was opened");
}

const MODULE = new URL("../../../broker/sqlite/sqlite_broker.ts", import.meta.url).href;

/** Runs code in another process. */
function evaluate(code: string): Deno.ChildProcess {
  const config = fileURLToPath(new URL("../../../deno.json", import.meta.url));
  return new Deno.Command(Deno.execPath(), {
    args: ["eval", "--quiet", `--config=${config}`, code],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
}

/** Lets another process open a log, append, search and exit without closing it. */
async function crashIn(
  options: SqliteOptions,
  drafts: readonly MessageDraft[],
): Promise<void> {
  const process = evaluate(`
    const { openSqliteBroker } = await import(${JSON.stringify(MODULE)});
    const broker = await openSqliteBroker(${JSON.stringify(options)});
    const stored = await broker.append(${JSON.stringify(drafts)});
    await broker.search("lobby", "m1", { limit: 1 });
    console.log(stored.map(({ kind }) => kind).join());
    Deno.exit(7);`);
  await process.stdin.close();
  const { code, stdout } = await process.output();
  const kinds = drafts.map(() => "stored").join();
  assertEquals([code, new TextDecoder().decode(stdout).trim()], [7, kinds]);
}

/** The files of an open log. */
async function copyAsAfterCrash(from: string, to: string): Promise<void> {
  await Deno.copyFile(from, to);
  await Deno.copyFile(`${from}-wal`, `${to}-wal`);
}

/** A log with ten messages, closed. */
async function makeLog(path: string): Promise<string> {
  await using broker = await openSqliteBroker({ path });
  await store(broker, drafts("lobby", 10));
  return (await broker.head("lobby")).epoch;
}

test("`openSqliteBroker()` creates directories and the file for their owner only", async (dir) => {
  const path = `${dir}/not/there/yet/log.db`;
  await using broker = await openSqliteBroker({ path });
  await store(broker, drafts("lobby", 1));
  if (Deno.build.os === "windows") return;
  for (const [file, mode] of [[`${dir}/not`, 0o700], [`${dir}/not/there/yet`, 0o700]] as const) {
    assertEquals((Deno.statSync(file).mode ?? 0) & 0o777, mode);
  }
  for (const file of [path, `${path}-wal`]) {
    assertEquals((Deno.statSync(file).mode ?? 0) & 0o777, 0o600);
  }
});

test("`openSqliteBroker()` accepts odd characters in a file name", async (dir) => {
  const path = `${dir}/file:a b?mode=ro#ü%20.db`;
  await makeLog(path);
  assert(Deno.statSync(path).size > 0);
});

test("disposing leaves only the log and its generation file", async (dir) => {
  for (let times = 0; times < 2; times++) {
    await makeLog(`${dir}/log.db`);
    assertEquals(Object.keys(await snapshot(dir)).sort(), ["log.db", "log.db-generation"]);
  }
});

test("`openSqliteBroker()` opens an empty file as a new log", async (dir) => {
  const path = `${dir}/log.db`;
  await Deno.writeFile(path, new Uint8Array());
  await using broker = await openSqliteBroker({ path });
  assertEquals(ids(await store(broker, drafts("lobby", 1))), [1]);
});

test("`openSqliteBroker()` rejects a log in use by another broker of this process", async (dir) => {
  const path = `${dir}/log.db`;
  await using broker = await openSqliteBroker({ path });
  await store(broker, drafts("lobby", 1));
  await assertRejects(() => openSqliteBroker({ path }), BrokerError, "another hub is using it");
  assertEquals(ids(await store(broker, drafts("lobby", 1))), [2]);
  // The rejected broker must not drop the lock of the first one, as closing a file would.
  const elsewhere = evaluate(`
    const { openSqliteBroker } = await import(${JSON.stringify(MODULE)});
    try {
      await openSqliteBroker({ path: ${JSON.stringify(path)} });
      console.log("open");
    } catch (error) {
      console.log(error.message);
    }
    Deno.exit();`);
  await elsewhere.stdin.close();
  const { stdout } = await elsewhere.output();
  assertStringIncludes(new TextDecoder().decode(stdout), "another hub is using it");
});

test("`openSqliteBroker()` rejects a log that is locked through SQLite", async (dir) => {
  const path = `${dir}/log.db`;
  await makeLog(path);
  using held = new DatabaseSync(path);
  held.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE");
  await assertRejects(() => openSqliteBroker({ path }), BrokerError, "another hub is using it");
});

test("`openSqliteBroker()` rejects a log in use by another process", async (dir) => {
  const path = `${dir}/log.db`;
  const code = `
    const { openSqliteBroker } = await import(${JSON.stringify(MODULE)});
    const broker = await openSqliteBroker({ path: ${JSON.stringify(path)} });
    const stored = await broker.append([{ room: "r", sender: "s", content: { message: "m" } }]);
    console.log(stored[0].kind);
    await Deno.stdin.read(new Uint8Array(1));
    Deno.exit(7);`;
  const child = evaluate(code);
  const reader = child.stdout.getReader();
  const said = await reader.read();
  assertStringIncludes(new TextDecoder().decode(said.value), "stored");
  assertStringIncludes(await refused(dir, { path }), "another hub is using it");
  await child.stdin.close();
  await reader.cancel();
  assertEquals((await child.status).code, 7);
  // It exited without closing its log: nothing is lost, and the lock is released.
  await using broker = await openSqliteBroker({ path });
  assertEquals(ids(await readAll(broker, "r")), [1]);
});

test("`openSqliteBroker()` rejects a file that is not SQLite", async (dir) => {
  const path = `${dir}/log.db`;
  await Deno.writeTextFile(path, "Dear diary, this is no database at all.\n".repeat(500));
  assertStringIncludes(await refused(dir, { path }), "damaged or no log at all");
  await Deno.writeTextFile(path, "short");
  assertStringIncludes(await refused(dir, { path }), "damaged or no log at all");
});

test("`openSqliteBroker()` rejects a directory", async (dir) => {
  const path = `${dir}/log.db`;
  await Deno.mkdir(path);
  await refused(dir, { path });
});

test("`openSqliteBroker()` rejects the database of another program", async (dir) => {
  const path = `${dir}/log.db`;
  const other = new DatabaseSync(path);
  other.exec("CREATE TABLE messages (seq INTEGER PRIMARY KEY); PRAGMA user_version = 1");
  other.close();
  assertStringIncludes(await refused(dir, { path }), "belongs to another program");
  const wal = new DatabaseSync(path);
  wal.exec("PRAGMA application_id = 7; PRAGMA journal_mode = WAL");
  wal.close();
  assertStringIncludes(await refused(dir, { path }), "belongs to another program");
});

test("`openSqliteBroker()` rejects a log of a newer version", async (dir) => {
  const path = `${dir}/log.db`;
  await makeLog(path);
  const db = new DatabaseSync(path);
  db.exec("PRAGMA user_version = 99");
  db.close();
  const message = await refused(dir, { path });
  assertStringIncludes(message, "format 99");
  assertStringIncludes(message, "Update");
});

test("`openSqliteBroker()` rejects an unclosed newer log and keeps its side files", async (dir) => {
  const path = `${dir}/log.db`;
  await makeLog(`${dir}/original.db`);
  const db = new DatabaseSync(`${dir}/original.db`);
  db.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA user_version = 99");
  await copyAsAfterCrash(`${dir}/original.db`, path);
  db.close();
  assert(Deno.statSync(`${path}-wal`).size > 0);
  assertStringIncludes(await refused(dir, { path }), "format 99");
});

for (
  const [what, damage] of [
    ["its beginning overwritten", (bytes: Uint8Array) => bytes.fill(0x55, 0, 512)],
    ["its first table overwritten", (bytes: Uint8Array) => bytes.fill(0x55, 100, 2000)],
    ["a page in the middle overwritten", (bytes: Uint8Array) => bytes.fill(0x55, 8192, 12288)],
    ["zeros in the middle", (bytes: Uint8Array) => bytes.fill(0, 12288, 20480)],
    ["its end cut off", (bytes: Uint8Array) => bytes.slice(0, bytes.length - 5000)],
    ["only its first bytes left", (bytes: Uint8Array) => bytes.slice(0, 50)],
  ] as const
) {
  test(`\`openSqliteBroker()\` rejects a log with ${what}`, async (dir) => {
    const path = `${dir}/log.db`;
    await makeLog(path);
    await Deno.writeFile(path, damage(await Deno.readFile(path)));
    assertStringIncludes(await refused(dir, { path }), "damaged");
  });
}

test("`openSqliteBroker()` continues after a crash of the process", async (dir) => {
  const path = `${dir}/log.db`;
  const epoch = await makeLog(path);
  const origin = { sender: "s", key: "1" };
  const sent = { room: "b", sender: "Bob", content: { data: 1 }, origin };
  await crashIn({ path, boot: "one" }, [...drafts("lobby", 3), sent]);
  await using after = await openSqliteBroker({ path, boot: "one" });
  assertEquals(await after.head("lobby"), { epoch, first: 1, last: 13 });
  assertEquals(await after.head("never"), { epoch, first: 1, last: 0 });
  assertEquals(
    (await readAll(after, "lobby")).slice(10).map(({ message }) => message),
    ["m1", "m2", "m3"],
  );
  assertEquals(ids(await after.search("lobby", "m3", { limit: 9 })), [3, 13]);
  assertEquals(kinds(await after.append([sent])), ["duplicate"]);
  assertEquals(ids(await store(after, drafts("lobby", 1))), [14]);
});

/** The epochs before and after a crash and what came with it. */
async function crash(
  dir: string,
  before: Partial<SqliteOptions>,
  after: Partial<SqliteOptions>,
  lost: "nothing" | "the -wal" = "nothing",
): Promise<readonly [string, string]> {
  const path = `${dir}/log.db`;
  const epoch = await makeLog(path);
  await crashIn({ path, ...before }, drafts("lobby", 3));
  if (lost === "the -wal") await Deno.remove(`${path}-wal`);
  await using again = await openSqliteBroker({ path, ...after });
  return [epoch, (await again.head("lobby")).epoch];
}

test("`openSqliteBroker()` starts a new epoch after a crash of the machine", async (dir) => {
  const [before, after] = await crash(dir, { boot: "one" }, { boot: "two" });
  assertNotEquals(before, after);
});

test("`openSqliteBroker()` starts a new epoch if the boot is unknown", async (dir) => {
  const [before, after] = await crash(dir, { boot: "" }, { boot: "" });
  assertNotEquals(before, after);
});

test("`openSqliteBroker()` starts a new epoch if the write-ahead log is missing", async (dir) => {
  const [before, after] = await crash(dir, { boot: "one" }, { boot: "one" }, "the -wal");
  assertNotEquals(before, after);
});

test("`openSqliteBroker()` keeps the epoch if every commit was synced", async (dir) => {
  const [before, after] = await crash(dir, { boot: "one", fsync: "always" }, { boot: "two" });
  assertEquals(before, after);
});

test("`openSqliteBroker()` keeps the epoch of a log that was closed before a boot", async (dir) => {
  const path = `${dir}/log.db`;
  const epochs: string[] = [];
  for (const boot of ["one", "two", "two"]) {
    await using broker = await openSqliteBroker({ path, boot });
    await store(broker, drafts("lobby", 2));
    epochs.push((await broker.head("lobby")).epoch);
  }
  assertEquals(new Set(epochs).size, 1);
});

test("`openSqliteBroker()` recognizes the running boot by itself", async (dir) => {
  const [before, after] = await crash(dir, {}, {});
  assertEquals(before, after);
});

test("the log records the current boot after the clock was set", async (dir) => {
  const path = `${dir}/log.db`;
  let moment = 1_000_000;
  const boot = () => Promise.resolve(`time:${moment}`);
  const said = (): unknown => {
    using db = new DatabaseSync(path, { readOnly: true });
    return db.prepare("SELECT value FROM meta WHERE key = 'opened'").get()?.["value"];
  };
  {
    await using broker = await openSqliteBroker({ path, boot });
    await store(broker, drafts("lobby", 3));
    for (const [set, expected] of [[1000, 0], [-1000, 0], [3_600_000, 3_600_000], [-70, -70]]) {
      moment = 1_000_000 + (set ?? 0);
      await broker.trim();
      assertEquals(said(), `time:${1_000_000 + (expected ?? 0)}`);
    }
    moment = 5_000_000;
  }
  assertEquals(said(), "", "closed");
});

test("a boot id of the kernel, or none, stays recorded", async (dir) => {
  for (
    const [name, fsync, expected] of [
      ["kernel", "normal", "kernel"],
      ["time:1", "always", "fsync"],
    ] as const
  ) {
    const path = `${dir}/${name}.db`;
    const boots = [name, "time:9000000"];
    const boot = () => Promise.resolve(boots.shift());
    await using broker = await openSqliteBroker({ path, boot, fsync });
    await broker.trim();
    using db = new DatabaseSync(path, { readOnly: true });
    const { value } = db.prepare("SELECT value FROM meta WHERE key = 'opened'").get() ?? {};
    assertEquals(value, expected);
  }
});

test("`openSqliteBroker()` gives every log an epoch of its own", async (dir) => {
  assertNotEquals(await makeLog(`${dir}/a.db`), await makeLog(`${dir}/b.db`));
});

test("`trim()` removes deleted messages from the full-text index", async (dir) => {
  const path = `${dir}/log.db`;
  const odd = ["m\u0000x", "m \ud800 x", "", "m\tx\nx", "\u0001\u0002 m"];
  {
    await using broker = await openSqliteBroker({ path, retention: { maxMessages: 5 } });
    await store(broker, odd.map((message) => draft("lobby", message)));
    await store(broker, [...drafts("lobby", 600), ...drafts("small", 1)]);
    await broker.search("lobby", "m1", { limit: 1 });
    assertEquals(await broker.trim(), 600);
  }
  const db = new DatabaseSync(path);
  try {
    const count = (sql: string) =>
      db.prepare(`SELECT count(*) AS count FROM ${sql}`).get()?.["count"];
    assertEquals(count("search WHERE search MATCH 'm*'"), 6);
    // All rooms are indexed, so the index must contain exactly the words of the remaining messages.
    assertEquals(count("search WHERE search MATCH 'x'"), 0);
    db.exec("CREATE VIRTUAL TABLE words USING fts5vocab(search, 'row')");
    assertEquals(
      db.prepare("SELECT term FROM words ORDER BY term").all().map((row) => row["term"]),
      ["m1", "m596", "m597", "m598", "m599", "m600"],
    );
    assertEquals(count("search_docsize"), 6);
    db.exec("INSERT INTO search (search) VALUES ('integrity-check')");
  } finally {
    db.close();
  }
});

test("`openSqliteBroker()` migrates a log of version 2", async (dir) => {
  const path = `${dir}/log.db`;
  await (await openSqliteBroker({ path }))[Symbol.asyncDispose]();
  const old = new DatabaseSync(path);
  old.exec("DROP TABLE owned_names; PRAGMA user_version = 2");
  old.close();
  await using broker = await openSqliteBroker({ path });
  assertEquals(sqliteStorage(broker).ownedNames.all(), []);
});

test("`openSqliteBroker()` migrates a log of version 1", async (dir) => {
  const path = `${dir}/log.db`;
  {
    await using broker = await openSqliteBroker({ path });
    await broker.append([{ room: "lobby", sender: "Alice", content: { message: "old" } }]);
  }
  const old = new DatabaseSync(path);
  old.exec("DROP TABLE measures; DROP TABLE owned_names; PRAGMA user_version = 1");
  old.close();
  const ban = {
    ...{ kind: "ban", on: "name", key: "eve", target: "Eve", by: "admin" } as const,
    ...{ since: 1, until: Infinity },
  };
  {
    await using broker = await openSqliteBroker({ path });
    assertEquals((await broker.read("lobby", { limit: 9 })).map(({ message }) => message), ["old"]);
    await sqliteStorage(broker).sanctions.put([ban]);
    await sqliteStorage(broker).ownedNames.put([{ key: "alice", name: "Alice", seen: 1 }]);
  }
  await using again = await openSqliteBroker({ path });
  assertEquals(sqliteStorage(again).sanctions.all(), [ban]);
  assertEquals(sqliteStorage(again).ownedNames.all(), [{ key: "alice", name: "Alice", seen: 1 }]);
});
