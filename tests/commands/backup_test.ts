import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { openSqliteBroker } from "../../broker/sqlite/sqlite_broker.ts";
import { sqliteStorage } from "../../server/storage.ts";
import { backUp, type BackupReport } from "../../broker/sqlite/backup.ts";
import { draft, drafts, ids, readAll, store } from "../broker/contract/broker_contract_kit.ts";
import { temporaryFolder } from "../kit/folder.ts";
import { Program, startHubProcess } from "../kit/process.ts";
import { TestSocket } from "../kit/test_socket.ts";
import { until } from "../kit/wait.ts";

/** Runs `bcast backup`. */
async function backup(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number; out: string; errors: string }> {
  await using program = new Program(["backup", ...args], env);
  const code = await program.exit();
  return { code, out: program.lines.join("\n"), errors: program.errors };
}

/** Makes a log with `count` messages in `room`. Returns its epoch. */
async function makeLog(dir: string, count = 3, room = "lobby"): Promise<string> {
  await using broker = await openSqliteBroker({ path: `${dir}/bcast.db` });
  await store(broker, drafts(room, count));
  return (await broker.head(room)).epoch;
}

/** Every file below `dir`, with its bytes. */
async function snapshot(dir: string): Promise<Record<string, Uint8Array>> {
  const files: Record<string, Uint8Array> = {};
  for await (const { name } of Deno.readDir(dir)) {
    files[name] = await Deno.readFile(`${dir}/${name}`);
  }
  return files;
}

Deno.test("bcast backup copies the log of a stopped hub without changing it", async () => {
  await using folder = await temporaryFolder();
  const data = `${folder.path}/data`;
  const epoch = await makeLog(data);
  const before = await snapshot(data);
  const target = `${folder.path}/copy of "ü" % ?mode=ro.db`;
  const { code, out, errors } = await backup(["--data", data, target]);
  assertEquals([code, errors], [0, ""]);
  assertMatch(out, /^Saved 3 messages in 1 room \([\d.]+ kB\) to .*copy of "ü" % \?mode=ro\.db$/);
  assertEquals(await snapshot(data), before);
  if (Deno.build.os !== "windows") assertEquals((Deno.statSync(target).mode ?? 0) & 0o777, 0o600);
  {
    await using copy = await openSqliteBroker({ path: target });
    assertEquals(ids(await readAll(copy, "lobby")), [1, 2, 3]);
    assertNotEquals((await copy.head("lobby")).epoch, epoch);
  }
  await using original = await openSqliteBroker({ path: `${data}/bcast.db` });
  assertEquals((await original.head("lobby")).epoch, epoch);
});

Deno.test("bcast backup copies the log of a killed hub, and keeps its epoch", async () => {
  await using folder = await temporaryFolder();
  const data = `${folder.path}/data`;
  const { program, url } = await startHubProcess(["--data", data]);
  await using hub = program;
  const [writer, welcome] = await TestSocket.v1(url, { sender: "W", rooms: [{ room: "lobby" }] });
  writer.send({ type: "message", message: "newest", ref: 1 });
  await writer.next("ack");
  const [{ epoch } = { epoch: undefined }] = welcome["rooms"] as { epoch: string }[];
  hub.kill("SIGKILL");
  await hub.exit();
  await writer.closed;
  const before = await snapshot(data);
  const target = `${folder.path}/copy.db`;
  assertEquals((await backup(["--data", data, target])).code, 0);
  const { "bcast.db-shm": _, ...rest } = before;
  const { "bcast.db-shm": __, ...left } = await snapshot(data);
  assertEquals(left, rest);
  await using copy = await openSqliteBroker({ path: target });
  assertEquals((await readAll(copy, "lobby")).map(({ message }) => message), ["newest"]);
  const again = await startHubProcess(["--data", data]);
  await using _original = again.program;
  const [, back] = await TestSocket.v1(again.url, { sender: "W", rooms: [{ room: "lobby" }] });
  assertEquals((back["rooms"] as { epoch: string }[])[0]?.epoch, epoch);
});

Deno.test("bcast backup of a running hub copies whole batches and all acked messages", async () => {
  await using folder = await temporaryFolder();
  const data = `${folder.path}/data`;
  const { program, url } = await startHubProcess(["--data", data, "--history", "10000000"]);
  await using _hub = program;
  const [writer] = await TestSocket.v1(url, { sender: "Writer", echo: false });
  await using _ = writer;
  let sent = 0;
  let running = true;
  const traffic = (async () => {
    while (running) {
      for (let n = 0; n < 50; n++) {
        writer.send({ type: "message", message: `m${++sent}`, ref: sent });
      }
      const last = sent;
      await writer.next("ack", (ack) => ack["ref"] === last);
    }
  })();
  let kept = 0;
  for (let times = 0; times < 3; times++) {
    await until("more than before", () => writer.all("ack").length > kept);
    const acked = writer.all("ack").length;
    const target = `${folder.path}/copy${times}.db`;
    const { code, errors } = await backup(["--data", data, target]);
    assertEquals([code, errors], [0, ""]);
    await using copy = await openSqliteBroker({
      path: target,
      retention: { maxMessages: 10_000_000 },
    });
    const messages = await readAll(copy, "lobby");
    assert(messages.length >= acked && messages.length >= kept, `${messages.length} of ${acked}`);
    assertEquals(messages.map(({ message }) => message), messages.map(({ id }) => `m${id}`));
    kept = messages.length;
  }
  running = false;
  await traffic;
});

Deno.test("bcast backup finds the log where bcast start would", async () => {
  await using folder = await temporaryFolder();
  const places = ["flag", "env", "backup", "start", "own"];
  for (const [index, place] of places.entries()) {
    const dir = place === "own" ? `${folder.path}/xdg/bcast` : `${folder.path}/${place}`;
    await makeLog(dir, index + 1);
  }
  const env = { XDG_DATA_HOME: `${folder.path}/xdg` };
  const config = `${folder.path}/config.json`;
  const write = (value: object): Promise<void> => Deno.writeTextFile(config, JSON.stringify(value));
  const saved = async (args: readonly string[], more: Record<string, string> = {}) =>
    (await backup([`${folder.path}/copy.db`, "--force", ...args], { ...env, ...more })).out
      .match(/Saved (\d+)/)?.[1];
  assertEquals(await saved([]), "5");
  await write({ start: { data: `${folder.path}/start`, port: 9999 } });
  assertEquals(await saved(["--config", config]), "4");
  await write({
    start: { data: `${folder.path}/start` },
    backup: { data: `${folder.path}/backup` },
  });
  assertEquals(await saved(["--config", config]), "3");
  const asEnv = { BCAST_DATA: `${folder.path}/env`, BCAST_CONFIG: config };
  assertEquals(await saved([], asEnv), "2");
  assertEquals(await saved(["--data", `${folder.path}/flag`], asEnv), "1");
});

Deno.test("bcast backup reports a failure in one line, and leaves no file behind", async () => {
  await using folder = await temporaryFolder();
  const data = `${folder.path}/data`;
  await makeLog(data);
  const copy = `${folder.path}/copy.db`;
  await Deno.mkdir(`${folder.path}/dir`);
  await Deno.writeTextFile(copy, "yesterday's");
  await Deno.mkdir(`${folder.path}/text`);
  await Deno.writeTextFile(`${folder.path}/text/bcast.db`, "no log ".repeat(1000));
  for (
    const [args, code, message] of [
      [[], 2, /Name the file to write: bcast backup FILE/],
      [
        [copy],
        1,
        /Cannot write the backup ".*copy\.db": the file exists\. Name another file, or use --force/,
      ],
      [[`${folder.path}/dir`, "--force"], 1, /it is a directory\. Name a file in it/],
      [[`${data}/bcast.db`, "--force"], 1, /it is the log itself\. Name another file/],
      [[`${folder.path}/none/x.db`], 1, /no such file or directory\. Check the path/],
      [[`${copy}/x.db`], 1, /its directory is a file\. Name another directory/],
      [
        [`${folder.path}/x.db`, "--data", `${folder.path}/nowhere`],
        1,
        /Cannot back up ".*nowhere\/bcast\.db": there is no log\. Name its directory with --data DIR/,
      ],
      [
        [`${folder.path}/x.db`, "--data", `${folder.path}/text`],
        1,
        /Cannot back up .*it is damaged/,
      ],
    ] as const
  ) {
    const before = [...Deno.readDirSync(folder.path)].map(({ name }) => name).sort();
    const at = args.some((arg) => arg === "--data") ? [] : ["--data", data];
    const result = await backup([...args, ...at]);
    assertEquals([result.code, result.out], [code, ""]);
    assertMatch(result.errors, message);
    assertMatch(result.errors, /^[^\n]+\n$/);
    assertEquals([...Deno.readDirSync(folder.path)].map(({ name }) => name).sort(), before);
  }
  assertEquals(await Deno.readTextFile(copy), "yesterday's");
  assertEquals((await backup([copy, "--data", data, "--force"])).code, 0);
  await using broker = await openSqliteBroker({ path: copy });
  assertEquals(ids(await readAll(broker, "lobby")), [1, 2, 3]);
});

Deno.test("`backUp()` keeps no trace of deleted messages, but all sanctions", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/log.db`;
  const ban = {
    ...{ kind: "ban", on: "name", key: "eve", target: "Eve", by: "admin" } as const,
    ...{ since: 1, until: Infinity },
  };
  const word = crypto.randomUUID().replaceAll("-", "");
  await using broker = await openSqliteBroker({ path, retention: { maxMessages: 1 } });
  await sqliteStorage(broker).sanctions.put([ban]);
  await store(broker, [draft("lobby", word)]);
  await store(broker, [draft("lobby", "kept")]);
  await broker.search("lobby", "kept", { limit: 1 });
  await broker.trim();
  const target = `${folder.path}/copy.db`;
  const report: BackupReport = await backUp(path, target, { replace: false });
  assertEquals([report.messages, report.rooms], [1, 1]);
  const bytes = new TextDecoder("latin1").decode(await Deno.readFile(target));
  assert(!bytes.includes(word.slice(4)));
  await using copy = await openSqliteBroker({ path: target });
  assertEquals(sqliteStorage(copy).sanctions.all(), [ban]);
  assertEquals(ids(await copy.search("lobby", "kept", { limit: 9 })), [2]);
});

Deno.test("a backup restored twice becomes two logs, and is rejected beside files of another log", async () => {
  await using folder = await temporaryFolder();
  const data = `${folder.path}/data`;
  const path = `${data}/bcast.db`;
  const epochs = [await makeLog(data)];
  const copy = `${folder.path}/copy.db`;
  await backUp(path, copy, { replace: false });
  for (let times = 0; times < 2; times++) {
    await Deno.copyFile(copy, path);
    epochs.push(await makeLog(data));
  }
  assertEquals(new Set(epochs).size, 3);

  // A killed hub leaves its newest messages in the write-ahead log.
  const { program } = await startHubProcess(["--data", data]);
  await using hub = program;
  hub.kill("SIGKILL");
  await hub.exit();
  const other = new DatabaseSync(`${folder.path}/other.db`);
  other.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; CREATE TABLE a (b)");
  await Deno.copyFile(`${folder.path}/other.db-wal`, `${path}-wal`);
  other.close();
  await Deno.copyFile(copy, path);
  await using again = new Program(["start", "--port", "0", "--data", data]);
  assertEquals(await again.exit(), 1);
  assertEquals(
    again.errors,
    `Cannot open the log "${path}": "${path}-wal" belongs to another log, the one before a backup ` +
      "was put back. Remove it, or use another --data directory\n",
  );
  await Deno.remove(`${path}-wal`);
  await Deno.remove(`${path}-shm`).catch(() => {});
  assertNotEquals(await makeLog(data), epochs.at(-1));
});
