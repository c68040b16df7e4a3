import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { openSqliteBroker } from "../../../broker/sqlite/sqlite_broker.ts";
import { drafts, store } from "../contract/broker_contract_kit.ts";
import { temporaryFolder } from "../../kit/folder.ts";
import { startHubProcess } from "../../kit/process.ts";
import { TestSocket } from "../../kit/test_socket.ts";
import { until } from "../../kit/wait.ts";

const ignore = Deno.build.os === "windows";

/** Runs a system command, like an operator. */
async function run(command: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args }).output();
  assert(success, `${command} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}

/** Opens a log, adds 100 messages and closes it. Returns its epoch. */
async function use(path: string): Promise<string> {
  await using broker = await openSqliteBroker({ path });
  await store(broker, drafts("lobby", 100));
  return (await broker.head("lobby")).epoch;
}

/** Something that an operator does with the files of a log. */
interface Scenario {
  readonly what: string;
  readonly epoch: "new" | "the same";
  /** Runs between two uses of the log at `DIR/log.db`; returns its next path. */
  readonly between: (dir: string, aside: string) => Promise<string | void>;
  /** Whether the hub is killed before, not stopped. */
  readonly killed?: true;
  /** Runs while the log is open, after half of its messages. */
  readonly during?: (dir: string, aside: string) => Promise<void>;
}

/** Copies the folder of a log later than its last write. */
async function coldCopy(dir: string, aside: string): Promise<void> {
  const written = Deno.statSync(`${dir}/log.db-generation`).mtime?.getTime() ?? 0;
  // File timestamps may have a resolution of 10 ms only.
  await until("a later moment", () => Date.now() > written + 20);
  await run("cp", "-a", dir, aside);
}

/** Code of another process that is killed or stopped after 200 messages. */
const HUB = `
  const { openSqliteBroker } = await import(Deno.args[0]);
  const broker = await openSqliteBroker({ path: Deno.args[1] });
  const batch = Array.from({ length: 100 }, (_, n) =>
    ({ room: "lobby", sender: "s", content: { message: "m" + n } }));
  await broker.append(batch);
  console.log((await broker.head("lobby")).epoch);
  await Deno.stdin.read(new Uint8Array(1));
  const file = Deno.args[1] + "-generation";
  const sealed = Deno.statSync(file).birthtime?.getTime();
  await broker.append(batch);
  // The file is replaced at most once a second; copies from that second do not matter.
  while (Deno.statSync(file).birthtime?.getTime() === sealed) await new Promise((go) => setTimeout(go, 10));
  if (Deno.args[2] === "killed") Deno.kill(Deno.pid, "SIGKILL");
  await broker[Symbol.asyncDispose]();`;

/** Uses a log in another process, which is killed or stopped. Returns its epoch. */
async function useElsewhere(
  path: string,
  { killed, during }: Pick<Scenario, "killed" | "during">,
  aside: string,
): Promise<string> {
  const config = new URL("../../../deno.json", import.meta.url).pathname;
  const module = new URL("../../../broker/sqlite/sqlite_broker.ts", import.meta.url).href;
  const script = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(script, HUB);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "-q", `--config=${config}`, script, module, path, killed ? "killed" : ""],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value: epoch = "" } = await reader.read();
  await during?.(path.replace(/\/log\.db$/, ""), aside);
  const writer = child.stdin.getWriter();
  await writer.write(new Uint8Array(1));
  await writer.close();
  await reader.cancel();
  await child.status;
  await Deno.remove(script);
  return epoch.trim();
}

const SCENARIOS: readonly Scenario[] = [
  { what: "nothing", epoch: "the same", between: async () => {} },
  { what: "nothing, after a kill", killed: true, epoch: "the same", between: async () => {} },
  {
    what: "its directory is renamed",
    epoch: "the same",
    between: async (dir, aside) => {
      await Deno.rename(dir, aside);
      return `${aside}/log.db`;
    },
  },
  {
    what: "its directory is renamed after a kill",
    killed: true,
    epoch: "the same",
    between: async (dir, aside) => {
      await Deno.rename(dir, aside);
      return `${aside}/log.db`;
    },
  },
  {
    what: "owner, permissions and times are set again",
    epoch: "the same",
    between: async (dir) => {
      await run("chmod", "-R", "g+r", dir);
      await run("chown", "-R", String(Deno.uid()), dir);
      await run("touch", `${dir}/log.db`, `${dir}/log.db-generation`);
    },
  },
  {
    what: "it gets a second name (a hard link)",
    epoch: "the same",
    between: (dir) => run("ln", `${dir}/log.db`, `${dir}/backup.db`),
  },
  {
    what: "its second name (a hard link) is used elsewhere",
    epoch: "new",
    between: async (dir, aside) => {
      await Deno.mkdir(aside);
      await run("ln", `${dir}/log.db`, `${aside}/log.db`);
      return `${aside}/log.db`;
    },
  },
  {
    what: "it is copied to another place, as to another machine",
    epoch: "new",
    between: async (dir, aside) => {
      await coldCopy(dir, aside);
      return `${aside}/log.db`;
    },
  },
  {
    what: "the file beside it is deleted",
    epoch: "new",
    between: (dir) => Deno.remove(`${dir}/log.db-generation`),
  },
  ...[true as const, undefined].flatMap((killed): readonly Scenario[] => [
    ...([
      ["written over it", (dir, aside) => run("cp", "-a", `${aside}/log.db`, `${dir}/log.db`)],
      ["moved into its place", (dir, aside) => Deno.rename(`${aside}/log.db`, `${dir}/log.db`)],
      ["put back with its directory", async (dir, aside) => {
        await Deno.remove(dir, { recursive: true });
        await run("cp", "-a", aside, dir);
      }],
      ["written over it with its directory", async (dir, aside) => {
        for await (const { name } of Deno.readDir(dir)) {
          // As `rsync --delete` would.
          if (!await exists(`${aside}/${name}`)) await Deno.remove(`${dir}/${name}`);
        }
        await run("cp", "-a", `${aside}/.`, dir);
      }],
      [
        "written over it by tar",
        (dir, aside) => run("sh", "-c", `tar -C '${aside}' -c . | tar -C '${dir}' -x --overwrite`),
      ],
    ] satisfies [string, Scenario["between"]][]).flatMap(([how, between]): readonly Scenario[] => [
      {
        what: `a copy made while it was open is ${how}, after a ${killed ? "kill" : "stop"}`,
        epoch: "new",
        ...(killed ? { killed } : {}),
        during: coldCopy,
        between: async (dir, aside) => {
          if (how === "written over it" || how === "moved into its place") {
            // The operator has to do this, or SQLite mixes the two.
            await run("rm", "-f", `${dir}/log.db-wal`, `${dir}/log.db-shm`);
          }
          return await between(dir, aside);
        },
      },
    ]),
  ]),
];

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

for (const { what, epoch, between, ...during } of SCENARIOS) {
  Deno.test({
    name: `\`openSqliteBroker()\` has ${epoch} epoch: ${what}`,
    ignore,
    async fn() {
      await using folder = await temporaryFolder();
      const dir = `${folder.path}/data`;
      const aside = `${folder.path}/aside`;
      const first = await use(`${dir}/log.db`);
      const before = await useElsewhere(`${dir}/log.db`, during, aside);
      assertEquals(before, first);
      const path = await between(dir, aside) ?? `${dir}/log.db`;
      const after = await use(path);
      (epoch === "new" ? assertNotEquals : assertEquals)(after, before);
      // It stays the same from now on.
      assertEquals(await use(path), after);
    },
  });
}

Deno.test({
  name: "a copy of an earlier stop, put back in any way, begins a new epoch",
  ignore,
  async fn() {
    for (
      const restore of [
        ["cp", "-a", "%/log.db", "$/log.db"],
        ["cp", "%/log.db", "$/log.db"],
        ["sh", "-c", "cat '%/log.db' > '$/log.db'"],
        ["cp", "-a", "%/.", "$/"],
        ["sh", "-c", 'for f in \'%\'/*; do cat "$f" > "$/$(basename "$f")"; done'],
        ["sh", "-c", "rm -r '$' && mv '%' '$'"],
      ]
    ) {
      await using folder = await temporaryFolder();
      const [dir, aside] = [`${folder.path}/data`, `${folder.path}/aside`];
      await use(`${dir}/log.db`);
      await coldCopy(dir, aside);
      const before = await use(`${dir}/log.db`);
      const [command = "", ...args] = restore.map((arg) =>
        arg.replaceAll("%", aside).replaceAll("'$'", `'${dir}'`).replaceAll("$/", `${dir}/`)
      );
      await run(command, ...args);
      assertNotEquals(await use(`${dir}/log.db`), before, restore.join(" "));
    }
  },
});

Deno.test("a client that is ahead of a restored log is told that messages are missing", async () => {
  await using folder = await temporaryFolder();
  const data = `${folder.path}/data`;
  const publish = async (url: string, count: number): Promise<void> => {
    const [writer] = await TestSocket.v1(url, { sender: "Writer", echo: false });
    await using _ = writer;
    for (let n = 1; n <= count; n++) writer.send({ type: "message", message: `m${n}`, ref: n });
    await writer.next("ack", (ack) => ack["ref"] === count);
  };
  const withHub = async <T>(work: (url: string) => Promise<T>): Promise<T> => {
    const { program, url } = await startHubProcess(["--data", data]);
    await using hub = program;
    const result = await work(url);
    hub.kill("SIGTERM");
    await hub.exit();
    return result;
  };
  const enter = async (url: string, position: object): Promise<Record<string, unknown>> => {
    const rooms = [{ room: "lobby", ...position }];
    const [socket, _welcome, [joined]] = await TestSocket.v1(url, { rooms });
    await using _ = socket;
    return joined ?? {};
  };
  await withHub((url) => publish(url, 100));
  await run("cp", "-a", data, `${folder.path}/copy`);
  const { epoch } = await withHub(async (url) => {
    await publish(url, 100);
    return await enter(url, {});
  });
  await run("cp", "-a", `${folder.path}/copy/.`, data);
  await withHub(async (url) => {
    await publish(url, 150);
    const joined = await enter(url, { epoch, after: 200 });
    assertEquals([joined["recovered"], joined["last"]], [false, 250]);
    assertNotEquals(joined["epoch"], epoch);
  });
});
