import { assert, assertEquals, assertMatch } from "@std/assert";
import { duration, statusLine, statusRows } from "../../commands/status_text.ts";
import { main } from "../../main.ts";
import type { StatusReport } from "../../protocol.ts";
import type { Server } from "../../server.ts";
import { memoryContext } from "../kit/memory_output.ts";
import { TestSocket } from "../kit/test_socket.ts";
import { startTestHub } from "../kit/test_hub.ts";
import { until } from "../kit/wait.ts";

interface Came {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(
  hub: { readonly url: string },
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Came> {
  const context = memoryContext({ env: { BCAST_URL: hub.url, ...env } });
  const code = await main(args, context);
  return { code, out: context.stdout.text, err: context.stderr.text };
}

/** Sends texts to a room, and waits for their acks. */
async function say(hub: Server, room: string, texts: readonly string[]): Promise<void> {
  await using writer = await TestSocket.plain(hub.url, "Alice", `room=${room}`);
  texts.forEach((message, ref) => writer.send({ type: "message", message, ref }));
  await writer.next("ack", ({ ref }) => ref === texts.length - 1);
}

const jsonLines = (text: string): Record<string, unknown>[] =>
  text.trimEnd().split("\n").map((line) => JSON.parse(line));

Deno.test("bcast history prints the newest messages of a room, oldest first, as connect does", async () => {
  await using hub = await startTestHub();
  await say(hub, "lobby", Array.from({ length: 60 }, (_, n) => `m${n + 1}`));
  const { code, out, err } = await run(hub, ["history"]);
  assertEquals([code, err], [0, ""]);
  const lines = out.trimEnd().split("\n");
  assertEquals(lines.length, 50);
  assertMatch(lines[0] ?? "", /^\[\d\d:\d\d:\d\d\] Alice: m11$/);
  assertMatch(lines[49] ?? "", /^\[\d\d:\d\d:\d\d\] Alice: m60$/);
});

Deno.test("bcast history reads everything in pages, and respects every bound", async () => {
  await using hub = await startTestHub();
  await say(
    hub,
    "team",
    Array.from({ length: 1100 }, (_, n) => `text ${n + 1} ${n % 2 ? "odd" : "even"}`),
  );
  const ids = async (...args: string[]): Promise<unknown[]> => {
    const { code, out } = await run(hub, ["history", "--room", "team", "--json", ...args]);
    assertEquals(code, 0);
    return out === "" ? [] : jsonLines(out).map(({ id }) => id);
  };
  const range = (from: number, to: number): number[] =>
    Array.from({ length: to - from + 1 }, (_, n) => from + n);
  assertEquals(await ids("--limit", "all"), range(1, 1100));
  assertEquals(await ids("--after", "#990"), range(991, 1100));
  assertEquals(await ids("--after", "10", "--limit", "2"), [11, 12]);
  assertEquals(await ids("--before", "10", "--limit", "2"), [8, 9]);
  assertEquals((await ids("--since", "1h")).length, 1100);
  assertEquals(await ids("--since", "2000-01-01", "--limit", "1"), [1]);
  assertEquals(await ids("--query", "odd", "--limit", "2"), [1098, 1100]);
  const { timestamp } = jsonLines(
    (await run(hub, ["history", "--room", "team", "--json", "--limit", "1"])).out,
  )[0] ?? {};
  assert((await ids("--since", String(timestamp))).includes(1100));
});

Deno.test("bcast history reports an empty room, and exits with 1 for a query without matches", async () => {
  await using hub = await startTestHub();
  assertEquals(await run(hub, ["history"]), {
    code: 0,
    out: "",
    err: "No messages in lobby yet\n",
  });
  await say(hub, "lobby", ["hello"]);
  assertEquals(await run(hub, ["history", "--until", "1h"]), {
    code: 0,
    out: "",
    err: "No messages in lobby in that range\n",
  });
  assertEquals(await run(hub, ["history", "--query", "\x1b[2Jbye"]), {
    code: 1,
    out: "",
    err: "No message in lobby matches ␛[2Jbye\n",
  });
});

for (
  const [args, message] of [
    [["--since", "1h", "--until", "2h"], "--since must be before --until"],
    [["--since", "soon"], "--since must be a moment, such as 10m (ago), 2026-01-31"],
    [["--since", "2026-13-01"], "--since must be a moment"],
    [["--limit", "0"], '--limit must be a whole number from 1 up, or all; it is "0"'],
    [["--after", "x"], "--after must be the ID of a message"],
    [["--room", "A"], "--room must be a room"],
    [["--query", "x".repeat(257)], "--query must be 1 to 256 characters"],
  ] as const
) {
  Deno.test(`bcast history ${args.join(" ").slice(0, 40)} is wrong usage`, async () => {
    const { code, err } = await run({ url: "ws://nobody.invalid/" }, ["history", ...args]);
    assertEquals([code, err.slice(0, message.length)], [2, message]);
  });
}

Deno.test("bcast history reads the hub's default room, and the lobby of a hub that does not name one", async () => {
  await using hub = await startTestHub({ rooms: ["hall"] });
  await say(hub, "hall", ["in the hall"]);
  assertMatch((await run(hub, ["history"])).out, /in the hall\n$/);
  await say(hub, "lobby", ["in the lobby"]);
  // A proxy that acts like an old hub without an HTTP API.
  await using older = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => {
      if (request.headers.get("upgrade") === null) {
        return new Response("Nothing is here\n", {
          status: 404,
          headers: { server: "bcast/0.0.1" },
        });
      }
      const { socket, response } = Deno.upgradeWebSocket(request, { protocol: "bcast.v1" });
      const to = new WebSocket(hub.url, "bcast.v1");
      const early: string[] = [];
      socket.onmessage = ({ data }) =>
        to.readyState === WebSocket.OPEN ? to.send(data) : early.push(data);
      to.onopen = () => early.forEach((data) => to.send(data));
      to.onmessage = ({ data }) => socket.send(data);
      socket.onclose = () => to.close();
      return response;
    },
  );
  const url = `ws://127.0.0.1:${older.addr.port}/`;
  assertMatch((await run({ url }, ["history"])).out, /in the lobby\n$/);
  const { code, err } = await run({ url }, ["status"]);
  assertEquals([code, err], [
    1,
    `The hub at ${url.slice(0, -1)} is too old for this: it has no HTTP API\n`,
  ]);
});

Deno.test("inspecting commands are invisible to members", async () => {
  await using hub = await startTestHub();
  await using alice = await TestSocket.plain(hub.url, "Alice");
  await say(hub, "team", ["hi"]);
  for (const args of [["history"], ["history", "--room", "team"], ["who"], ["rooms"], ["status"]]) {
    assertEquals((await run(hub, args)).code, 0);
  }
  const [row] = jsonLines((await run(hub, ["rooms", "--json"])).out);
  assertEquals([row?.["room"], row?.["online"]], ["lobby", 1]);
  alice.send({ type: "ping", ref: "end" });
  await alice.next("pong");
  const systems = alice.all("system").filter(({ event }) => event !== "notice");
  assertEquals(systems.filter(({ message }) => !String(message).startsWith("Alice")), []);
});

Deno.test("bcast history ends quietly when its output is closed", async () => {
  await using hub = await startTestHub();
  await say(hub, "lobby", Array.from({ length: 1000 }, (_, n) => `m${n}`));
  const context = memoryContext({ env: { BCAST_URL: hub.url } });
  context.stdout.open = false;
  assertEquals(await main(["history", "--limit", "all"], context), 0);
  assertEquals(context.stderr.text, "");
});

Deno.test("bcast who and bcast rooms align wide characters, and escape hostile ones", async () => {
  await using hub = await startTestHub();
  await using _a = await TestSocket.plain(hub.url, "Al", "room=lobby&room=team");
  await using _b = await TestSocket.plain(hub.url, "世界", "room=lobby");
  assertEquals((await run(hub, ["who"])).out, "NAME  ROOMS\nAl    lobby team\n世界  lobby\n");
  assertEquals((await run(hub, ["who", "--room", "team"])).out, "NAME  ROOMS\nAl    lobby team\n");
  assertEquals(jsonLines((await run(hub, ["who", "--json"])).out), [
    { name: "Al", rooms: ["lobby", "team"] },
    { name: "世界", rooms: ["lobby"] },
  ]);
  assertEquals(
    (await run(hub, ["rooms"])).out,
    "ROOM   ONLINE  MESSAGES  NEWEST\nlobby       2         0       -\n" +
      "team        1         0       -\n",
  );
  await using evil = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () =>
      Response.json({ online: 2, members: [{ name: "\x1b]0;x\x07\u202e\n", rooms: ["a\nb"] }] }),
  );
  const url = `ws://127.0.0.1:${evil.addr.port}/`;
  const shown = await run({ url }, ["who"]);
  assertEquals(shown.out, "NAME             ROOMS\n␛]0;x␇<U+202E>␊  a␊b\n");
  assertEquals(shown.err, "… and 1 more\n");
  const { out } = await run({ url }, ["who", "--json"]);
  assert(!/[\p{Cc}\p{Cf}]/u.test(out.trimEnd()), out);
});

Deno.test("bcast who and bcast rooms report an empty hub", async () => {
  await using hub = await startTestHub();
  assertEquals((await run(hub, ["who"])).err, "No users connected\n");
  assertEquals((await run(hub, ["who"], { BCAST_ROOM: "team" })).err, "No users in team\n");
  assertMatch((await run(hub, ["rooms"])).err, /^No rooms yet/);
  assertEquals(await run(hub, ["who", "--json"]), { code: 0, out: "", err: "" });
});

for (const command of ["history", "who", "rooms", "status"]) {
  Deno.test(`bcast ${command}: exits with 3 without a hub, and 4 if rejected, with one line`, async () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    listener.close();
    const none = await run({ url: `ws://127.0.0.1:${port}/` }, [command]);
    assertEquals([none.code, none.out], [3, ""]);
    assertMatch(none.err, /^Nothing listens at ws:\/\/127[^\n]*\n$/);
    await using web = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      ({ headers }) =>
        headers.get("authorization") === "Bearer t1"
          ? Response.json({ error: { code: "unauthorized", message: "It has expired" } }, {
            status: 401,
          })
          : new Response("hello"),
    );
    const url = `ws://127.0.0.1:${web.addr.port}/`;
    const refused = await run({ url }, [command], { BCAST_TOKEN: "t1" });
    assertEquals([refused.code, refused.out], [4, ""]);
    assertMatch(refused.err, /^The hub at ws:\S+ rejected the request: It has expired\n$/);
    const page = await run({ url }, [command]);
    assertEquals([page.code, page.out], [3, ""]);
    assertMatch(page.err, /^No bcast hub at ws:[^\n]*\n$/);
  });
}

const STATUS: StatusReport = {
  name: "bcast",
  version: "1.2.3",
  uptime: 93_784,
  connections: 1200,
  sessions: 1200,
  rooms: 3,
  accepted: 5000,
  turnedAway: 2,
  messages: 1_234_567,
  messagesPerSecond: 12.5,
  deliveries: 9_876_543,
  deliveriesPerSecond: 15_000,
  duplicates: 1,
  resumes: 2,
  slowConsumers: 1,
  refusals: { bad_json: 2, rate_limited: 1500 },
  log: { messages: 10_000, rooms: 4 },
  memory: { rss: 85_000_000, heapUsed: 20_000_000 },
  loopLagMs: 3.4,
};

Deno.test("statusRows() and statusLine() describe every figure", () => {
  const rows = statusRows(STATUS, "ws://h:1").map(([label, value]) => `${label}: ${value}`);
  assertEquals(rows, [
    "hub: bcast 1.2.3 at ws://h:1",
    "up for: 1 d 2 h",
    "clients: 1,200 now, 5,000 since the start, 2 rejected",
    "rooms: 3 with people in them, 4 with messages",
    "messages: 12.5/s, 1,234,567 since the start",
    "deliveries: 15,000/s, 9,876,543 since the start",
    "kept: 10,000 messages",
    "memory: 85 MB, 20 MB of it in use",
    "event loop: at most 3.4 ms late",
    "disconnected: 1 for reading too slowly",
    "rejected: bad_json 2, rate_limited 1,500",
  ]);
  assertEquals(
    statusLine(STATUS, new Date(0)),
    "1970-01-01T00:00:00.000Z  clients 1200  rooms 3  messages/s 12.5  deliveries/s 15000  " +
      "memory 85MB  lag 3.4ms",
  );
  assertEquals([0, 5, 65, 3600, 7290, 86_400 * 3].map(duration), [
    ...["0 s", "5 s", "1 min 5 s", "1 h", "2 h 1 min", "3 d"],
  ]);
});

Deno.test("bcast status --watch prints a line or an object each time, and survives the end of the hub", async () => {
  const first = await startTestHub();
  const context = memoryContext({ env: { BCAST_URL: first.url, BCAST_INTERVAL: "1s" } });
  const ended = main(["status", "--watch", "--json"], context);
  await until("the first look", () => context.stdout.text.includes("\n"));
  await first.stop();
  await until("the trouble", () => context.stderr.text.includes("Nothing listens at "));
  await using again = await startTestHub({ port: first.port });
  const before = context.stdout.text.length;
  await until("another look", () => context.stdout.text.length > before);
  // The output is closed.
  context.stdout.open = false;
  assertEquals(await ended, 0);
  assertEquals(again.online, 0);
  assert(jsonLines(context.stdout.text).every(({ name }) => name === "bcast"));
  assertEquals(context.stderr.text.trimEnd().split("\n").length, 1);
});
