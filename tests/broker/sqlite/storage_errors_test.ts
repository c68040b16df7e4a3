import { assert, assertEquals, assertMatch } from "@std/assert";
import { openSqliteBroker } from "../../../broker/sqlite/sqlite_broker.ts";
import { BrokerError } from "../../../broker/broker.ts";
import { backUp } from "../../../broker/sqlite/backup.ts";
import { draft, drafts, ids, kinds, store } from "../contract/broker_contract_kit.ts";
import { temporaryFolder } from "../../kit/folder.ts";
import { Program, startHubProcess } from "../../kit/process.ts";
import { TestSocket } from "../../kit/test_socket.ts";
import { startTestHub } from "../../kit/test_hub.ts";
import { collectLog } from "../../kit/collected_log.ts";
import { until } from "../../kit/wait.ts";

/** A small disk that a test can fill. */
interface SmallDisk extends AsyncDisposable {
  readonly path: string;
  /** Fills it, except for some kilobytes. */
  fill(leave?: number): Promise<void>;
  free(): Promise<void>;
}

const mayMount = Deno.build.os === "linux" && Deno.uid() === 0 && await canMount();

async function canMount(): Promise<boolean> {
  await using folder = await temporaryFolder();
  const { success } = await new Deno.Command("mount", {
    args: ["-t", "tmpfs", "tmpfs", folder.path],
    stderr: "null",
  }).output();
  if (success) await new Deno.Command("umount", { args: [folder.path] }).output();
  // deno-lint-ignore no-console -- a skipped test must be visible
  else console.warn("SKIPPED: full disks, because nothing can be mounted here");
  return success;
}

async function smallDisk(kilobytes: number): Promise<SmallDisk> {
  const folder = await temporaryFolder();
  const { path } = folder;
  const mount = ["-t", "tmpfs", "-o", `size=${kilobytes}k`, "tmpfs", path];
  assert((await new Deno.Command("mount", { args: mount }).output()).success);
  return {
    path,
    async fill(leave = 0) {
      const args = ["-c", `cat /dev/zero > '${path}/filler' 2>/dev/null; true`];
      await new Deno.Command("sh", { args }).output();
      const { size } = await Deno.stat(`${path}/filler`);
      await Deno.truncate(`${path}/filler`, Math.max(0, size - leave * 1024));
    },
    free: () => Deno.remove(`${path}/filler`),
    async [Symbol.asyncDispose]() {
      await new Deno.Command("umount", { args: ["-l", path] }).output();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** The single line of the error when opening a log. */
async function refusal(path: string): Promise<string> {
  try {
    await (await openSqliteBroker({ path }))[Symbol.asyncDispose]();
  } catch (error) {
    assert(error instanceof BrokerError, String(error));
    assertMatch(error.message, /^Cannot open the log "[^\n]*, or use another --data directory$/);
    return error.message;
  }
  throw new Error("the log was opened");
}

for (
  const [what, spoil, expected] of [
    ["a directory", (path) => Deno.mkdir(path), /it is a directory\. Move the directory away/],
    [
      "below a file",
      (path) => Deno.writeTextFile(path.replace(/\/[^/]*$/, ""), ""),
      /its directory is a file\. Name another directory/,
    ],
    [
      "emptied",
      async (path) => {
        await makeLog(path);
        await Deno.truncate(path, 0);
      },
      /it was emptied\. Restore a backup, or remove it to start empty/,
    ],
    ...[1, 99, 100, 5000, 20_000].map((size): Spoiled => [
      `cut off at ${size} bytes`,
      async (path) => {
        await makeLog(path);
        await Deno.truncate(path, size);
      },
      /it is damaged or no log at all/,
    ]),
  ] satisfies Spoiled[]
) {
  Deno.test(`\`openSqliteBroker()\` explains what is wrong with a log that is ${what}`, async () => {
    await using folder = await temporaryFolder();
    const path = `${folder.path}/data/log.db`;
    if (what !== "below a file") await Deno.mkdir(`${folder.path}/data`);
    await spoil(path);
    assertMatch(await refusal(path), expected);
  });
}

type Spoiled = [what: string, spoil: (path: string) => Promise<void>, expected: RegExp];

async function makeLog(path: string): Promise<void> {
  await using broker = await openSqliteBroker({ path });
  await store(broker, drafts("lobby", 500));
}

Deno.test({
  name: "a full disk is told in one line, whatever is done with the log",
  ignore: !mayMount,
  async fn() {
    await using disk = await smallDisk(600);
    const path = `${disk.path}/log.db`;
    const other = `${disk.path}/new/log.db`;
    {
      await using broker = await openSqliteBroker({ path });
      await store(broker, drafts("lobby", 10));
      await disk.fill();
      // Until the allocated space of the files is used up.
      const large = draft("lobby", "x".repeat(30_000));
      while (kinds(await broker.append([large]))[0] === "stored");
      await using trouble = await collectLog();
      for (let n = 0; n < 50; n++) {
        assertEquals(kinds(await broker.append([large])), ["failed"]);
      }
      assertEquals(trouble.errors.length, 0, "the error was logged before");
      const found = await broker.search("lobby", "m1*", { limit: 9 });
      assertEquals(ids(found), [1, 10]);
    }
    assertMatch(await refusal(other), /the disk is full\. Free some space/);
    let message = "";
    try {
      await backUp(path, `${disk.path}/copy.db`, { replace: false });
    } catch (error) {
      assert(error instanceof BrokerError);
      message = error.message;
    }
    assertMatch(message, /^Cannot (?:back up|write the backup) ".*": the disk is full\. Free some/);
    await using hub = new Program(["start", "--port", "0", "--data", `${disk.path}/hub`]);
    assertEquals(await hub.exit(), 1);
    assertMatch(hub.errors, /^Cannot .*the disk is full.*Free some space.*\n$/);
    await disk.free();
    await using broker = await openSqliteBroker({ path });
    assertEquals(ids(await broker.search("lobby", "m10", { limit: 9 })), [10]);
  },
});

/** Kilobytes left on a nearly full disk: opening a log fails at different steps. */
const LEFT = [0, 4, 8] as const;

/** Runs a hub until its full disk makes it refuse a message, and kills it. */
async function endOnFullDisk(data: string, fill: () => Promise<void>): Promise<void> {
  const { program, url } = await startHubProcess(["--data", data]);
  await using hub = program;
  const [socket] = await TestSocket.v1(url, { sender: "Alice", echo: false });
  await using _ = socket;
  await fill();
  let ref = 0;
  await until("a refusal", async () => {
    const sent = ++ref;
    socket.send({ type: "message", message: "small", ref: sent });
    const answers = () => [...socket.all("ack"), ...socket.all("error")];
    const mine = () => answers().find((answer) => answer["ref"] === sent);
    return (await until("an answer", mine))["type"] === "error";
  });
  hub.kill("SIGKILL");
  await hub.exit();
}

/** Starts a hub and returns the epoch of its log. */
async function epochIn(data: string): Promise<unknown> {
  const { program, url } = await startHubProcess(["--data", data]);
  await using hub = program;
  const response = await fetch(`${url.replace(/^ws/, "http")}api/rooms/lobby/messages`);
  const { epoch } = await response.json();
  hub.kill("SIGTERM");
  await hub.exit();
  return epoch;
}

Deno.test({
  name: "a log of a killed hub keeps its epoch when a start fails because the disk is full",
  ignore: !mayMount,
  async fn() {
    await using disk = await smallDisk(1000);
    const data = `${disk.path}/hub`;
    const epoch = await epochIn(data);
    assertMatch(String(epoch), /^\w{16}$/);
    let refused = 0;
    for (const left of LEFT) {
      await endOnFullDisk(data, () => disk.fill(left));
      await using start = new Program(["start", "--port", "0", "--data", data]);
      await until("a start or its end", () => start.lines.length > 0 || start.errors !== "");
      if (start.lines.length > 0) start.kill("SIGTERM");
      else if (start.errors.includes("the disk is full")) refused++;
      await start.exit();
      await disk.free();
      assertEquals(await epochIn(data), epoch, `${left} KB were left`);
    }
    assert(refused > 0, "all starts succeeded");
  },
});

Deno.test({
  name: "a hub with a full disk answers with errors, keeps its connections and logs one error",
  ignore: !mayMount,
  async fn() {
    await using disk = await smallDisk(600);
    await using trouble = await collectLog();
    await using hub = await startTestHub({ path: `${disk.path}/log.db` });
    const [socket] = await TestSocket.v1(hub.url, { sender: "Alice", echo: false });
    await using _ = socket;
    socket.send({ type: "message", message: "needle", ref: 0 });
    await socket.next("ack");
    await disk.fill();
    let ref = 0;
    await until("a refusal", async () => {
      socket.send({ type: "message", message: "x".repeat(30_000), ref: ++ref });
      const answer = await until(
        "an answer",
        () =>
          ["ack", "error"].flatMap((type) => socket.all(type)).find((one) => one["ref"] === ref),
      );
      return answer["type"] === "error";
    });
    for (let n = 1; n <= 20; n++) {
      socket.send({ type: "message", message: "x".repeat(30_000), ref: `n${n}` });
    }
    await until(
      "all refusals",
      () => socket.all("error").filter(({ ref }) => String(ref).startsWith("n")).length === 20,
    );
    socket.send({ type: "history", room: "lobby", query: "needle", ref: "search" });
    const { messages } = await socket.next("history");
    assertEquals((messages as { id: number }[]).map(({ id }) => id), [1]);
    const ready = await fetch(hub.url.replace("ws", "http") + "readyz");
    assertEquals([ready.status, await ready.text()], [
      503,
      "The log cannot be written: the disk is full\n",
    ]);
    const errors = trouble.errors.map(({ message }) => message.map(String).join(""));
    assertEquals(errors.filter((text) => text.includes("Cannot write the log")).length, 1);
    await disk.free();
    socket.send({ type: "message", message: "after", ref: "after" });
    await socket.next("ack", (ack) => ack["ref"] === "after");
  },
});

Deno.test("a failed search is an error frame and keeps the connection", async () => {
  const broker = await openSqliteBroker({ path: ":memory:" });
  broker.search = () => Promise.reject(new Error("database disk image is malformed"));
  await using trouble = await collectLog();
  await using hub = await startTestHub({ broker });
  const [socket] = await TestSocket.v1(hub.url, { sender: "Alice" });
  await using _ = socket;
  for (let ref = 1; ref <= 3; ref++) {
    socket.send({ type: "history", room: "lobby", query: "x", ref });
    const error = await socket.next("error");
    assertEquals([error["code"], error["ref"], error["retryAfter"]], ["internal", ref, 1]);
  }
  socket.send({ type: "history", room: "lobby", ref: "page" });
  assertEquals((await socket.next("history"))["messages"], []);
  assertEquals(trouble.errors.length, 1);
});
