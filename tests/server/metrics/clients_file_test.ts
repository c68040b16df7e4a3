import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { configure, type LogRecord, reset } from "@logtape/logtape";
import { openSqliteBroker } from "../../../broker/sqlite/sqlite_broker.ts";
import { sqliteStorage } from "../../../server/storage.ts";
import { Hub } from "../../../server/hub.ts";
import type { Transport } from "../../../server/transport.ts";
import { TEXT_ENCODER } from "../../../server/encoders/text.ts";
import { DEFAULT_SERVER_LIMITS } from "../../../server/limits/server_limits.ts";
import {
  CLIENTS_FILE_PERIOD,
  ClientsFile,
  ClientsFileError,
} from "../../../server/metrics/clients_file.ts";
import { FakeClock } from "../../kit/fake_clock.ts";
import { temporaryFolder } from "../../kit/folder.ts";
import { LineClient } from "../../kit/line_client.ts";
import { Program, startHubProcess } from "../../kit/process.ts";
import { TestSocket } from "../../kit/test_socket.ts";
import { startTestHub } from "../../kit/test_hub.ts";
import { until } from "../../kit/wait.ts";

interface Contents {
  readonly version: number;
  readonly time: string;
  readonly clients: {
    readonly name: string;
    readonly rooms: string[];
    readonly since: string;
    readonly dialect: string;
  }[];
}

function read(path: string): Contents {
  return JSON.parse(Deno.readTextFileSync(path));
}

/** Takes whatever the hub sends. */
const TRANSPORT: Transport = {
  kind: "websocket",
  address: "192.0.2.1",
  bufferedAmount: 0,
  send: () => {},
  close: () => {},
};

/** A hub with a clients file. */
async function listedHub() {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryFolder());
  const path = `${folder.path}/clients.json`;
  const clock = new FakeClock();
  const broker = stack.use(await openSqliteBroker({ path: ":memory:" }));
  const hub = stack.use(
    new Hub({
      ...sqliteStorage(broker),
      rooms: ["lobby"],
      limits: DEFAULT_SERVER_LIMITS,
      clock,
    }),
  );
  stack.use(new ClientsFile(path, hub, clock));
  const owned = stack.move();
  return { path, clock, hub, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

Deno.test("`--clients-file` shows clients that connect, rename, join and leave", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/clients.json`;
  const clock = new FakeClock();
  const hub = await startTestHub({ clock, clientsFile: path, tcp: { port: 0 } });
  assertEquals(read(path), { version: 1, time: "2026-01-01T00:00:00.000Z", clients: [] });
  if (Deno.build.os !== "windows") {
    const { mode } = await Deno.stat(path);
    assertEquals((mode ?? 0) & 0o777 & ~0o640, 0, "for its owner and group alone");
  }
  const shown = (what: string, names: string[]): Promise<Contents> =>
    until(what, () => {
      clock.advance(CLIENTS_FILE_PERIOD);
      const contents = read(path);
      const found = contents.clients.map((client) => client.name).join();
      return found === names.join() ? contents : undefined;
    });

  const alice = await TestSocket.plain(hub.url, "Alice");
  await shown("Alice", ["Alice"]);
  const [bob] = await TestSocket.v1(hub.url, { sender: "Bob", rooms: [{ room: "ops" }] });
  const carol = await LineClient.open(hub.tcpPort ?? 0);
  await carol.send("/nick Carol\n");
  const { clients } = await shown("all three", ["Alice", "Bob", "Carol"]);
  assertEquals(clients.map(({ rooms, dialect }) => [rooms, dialect]), [
    [["lobby"], "json"],
    [["ops"], "v1"],
    [["lobby"], "text"],
  ]);
  assertMatch(clients[0]?.since ?? "", /^2026-01-01T00:00:0/);
  // No address, no secret.
  assertEquals(Object.keys(clients[0] ?? {}), ["name", "rooms", "since", "dialect"]);
  alice.send({ type: "join", room: "attic" });
  await until("the attic", () => {
    clock.advance(CLIENTS_FILE_PERIOD);
    return read(path).clients[0]?.rooms.includes("attic");
  });
  await alice.close();
  await shown("that Alice left", ["Bob", "Carol"]);
  await hub.stop();
  assertEquals(read(path).clients, []);
  assertEquals([...Deno.readDirSync(folder.path)].map(({ name }) => name), ["clients.json"]);
  await bob.close();
  await carol[Symbol.asyncDispose]();
});

Deno.test("`ClientsFile` is never seen half-written by a reader in a loop", async () => {
  await using listed = await listedHub();
  const { path, clock, hub } = listed;
  const reader = new Worker(
    `data:application/javascript,${
      encodeURIComponent(`
      let reads = 0, sizes = new Set(), stop = false;
      onmessage = () => stop = true;
      const look = () => {
        for (let count = 0; count < 50; count++) {
          sizes.add(JSON.parse(Deno.readTextFileSync(${JSON.stringify(path)})).clients.length);
          reads++;
        }
        if (stop) postMessage({ reads, sizes: sizes.size });
        else setTimeout(look);
      };
      look();
    `)
    }`,
    { type: "module" },
  );
  const finished = new Promise<{ reads: number; sizes: number }>((resolve, reject) => {
    reader.onmessage = ({ data }) => resolve(data);
    reader.onerror = (event) => (event.preventDefault(), reject(new Error(event.message)));
  });
  let shown = 0;
  for (let round = 0; round < 60; round++) {
    for (let count = 0; count < 20; count++) {
      hub.connect(TRANSPORT, {
        encoder: TEXT_ENCODER,
        rooms: [],
        sender: `n-${round}-${count}`,
      });
    }
    clock.advance(CLIENTS_FILE_PERIOD);
    shown = await until("the next state", () => {
      const { length } = read(path).clients;
      if (length > shown) return length;
      clock.advance(CLIENTS_FILE_PERIOD);
      return undefined;
    });
  }
  reader.postMessage("stop");
  const { reads, sizes } = await finished;
  reader.terminate();
  assert(reads >= 100 && sizes > 3, `${reads} reads saw ${sizes} states`);
});

Deno.test("`ClientsFile` writes once for any number of changes, and not at all for none", async () => {
  await using listed = await listedHub();
  const { path, clock, hub } = listed;
  for (let count = 0; count < 10_000; count++) {
    hub.connect(TRANSPORT, { encoder: TEXT_ENCODER, rooms: [], sender: `name-${count}` });
  }
  assertEquals(read(path).clients, [], "nothing is written before its time");
  // They are let in and enter their rooms a moment later; all of it is in the first write.
  await until(
    "all of them in their rooms",
    () =>
      hub.queries.clients().filter(({ rooms }) => rooms.length === 1).toArray().length === 10_000,
  );
  assertEquals(read(path).clients, [], "nothing is written before its time");
  clock.advance(CLIENTS_FILE_PERIOD);
  await until("all of them", () => read(path).clients.length === 10_000);
  assert(read(path).clients.every(({ rooms }) => rooms.length === 1));
  const { time } = read(path);
  clock.advance(100 * CLIENTS_FILE_PERIOD);
  assertEquals(read(path).time, time);
});

Deno.test("`ClientsFile` warns once when writing fails, and retries", async () => {
  await using folder = await temporaryFolder();
  await Deno.mkdir(`${folder.path}/sub`);
  const path = `${folder.path}/sub/clients.json`;
  const clock = new FakeClock();
  const records: LogRecord[] = [];
  await configure({
    reset: true,
    sinks: { list: (record) => records.push(record) },
    loggers: [
      { category: ["bcast", "clients-file"], sinks: ["list"] },
      { category: ["logtape", "meta"], lowestLevel: "error" },
    ],
  });
  try {
    const hub = await startTestHub({ clock, clientsFile: path });
    await Deno.remove(`${folder.path}/sub`, { recursive: true });
    await using _alice = await TestSocket.plain(hub.url, "Alice");
    for (let count = 0; count < 20; count++) {
      clock.advance(CLIENTS_FILE_PERIOD);
      await until("the warning", () => records.length > 0);
    }
    assertEquals(records.map(({ level }) => level), ["warning"]);
    assertEquals(records[0]?.properties["reason"], "its directory does not exist");
    await Deno.mkdir(`${folder.path}/sub`);
    await until("Alice", () => {
      clock.advance(CLIENTS_FILE_PERIOD);
      try {
        return read(path).clients[0]?.name === "Alice";
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return false;
        throw error;
      }
    });
    await hub.stop();
    assertEquals(records.map(({ level }) => level), ["warning", "info"]);
  } finally {
    await reset();
  }
});

for (
  const [where, reason] of [
    ["nowhere/clients.json", "its directory does not exist"],
    [".", "it is a directory"],
  ] as const
) {
  Deno.test(`\`ClientsFile\` says at the start that ${reason}`, async () => {
    await using folder = await temporaryFolder();
    await using broker = await openSqliteBroker({ path: ":memory:" });
    const clock = new FakeClock();
    await using hub = new Hub({
      ...sqliteStorage(broker),
      rooms: ["lobby"],
      limits: DEFAULT_SERVER_LIMITS,
      clock,
    });
    assertThrows(
      () => new ClientsFile(`${folder.path}/${where}`, hub, clock),
      ClientsFileError,
      `${reason}. Name a file in a directory that may be written`,
    );
  });
}

Deno.test("bcast start --clients-file: one line when it cannot be written, empty after the stop", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/clients.json`;
  await using bad = new Program([
    ...["start", "--memory", "--host", "127.0.0.1", "--port", "0"],
    ...["--clients-file", `${folder.path}/no/such`],
  ]);
  assertEquals(await bad.exit(), 1);
  assertMatch(bad.errors, /^Cannot write the clients file ".*\/no\/such": its directory does not/);
  assertEquals(bad.errors.split("\n").length, 2);

  const { program, url } = await startHubProcess(["--memory", "--clients-file", path]);
  await using hub = program;
  await using _alice = await TestSocket.plain(url, "Alice");
  await until("Alice", () => read(path).clients[0]?.name === "Alice");
  hub.kill("SIGTERM");
  assertEquals(await hub.exit(), 0);
  assertEquals(read(path).clients, []);
});
