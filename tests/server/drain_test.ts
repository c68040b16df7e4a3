import { assert, assertEquals } from "@std/assert";
import { openSqliteBroker } from "../../broker/sqlite/sqlite_broker.ts";
import { retryAfterShutdown } from "../../server/limits/connection_limiter.ts";
import { FakeClock } from "../kit/fake_clock.ts";
import { temporaryFolder } from "../kit/folder.ts";
import { startHubProcess } from "../kit/process.ts";
import { TestSocket } from "../kit/test_socket.ts";
import { startTestHub } from "../kit/test_hub.ts";
import { until } from "../kit/wait.ts";

const names = (socket: TestSocket, field: string): unknown[] =>
  socket.all("presence").flatMap((frame) => frame[field] as unknown[] ?? []);

async function look(url: string, path: string): Promise<[number, string, string | null]> {
  const answer = await fetch(new URL(path, url.replace("ws:", "http:")));
  return [answer.status, (await answer.text()).trim(), answer.headers.get("cache-control")];
}

Deno.test("`stop()` with a drain disconnects clients evenly and serves the others", async () => {
  const clock = new FakeClock();
  const hub = await startTestHub({ clock });
  const sockets: TestSocket[] = [];
  for (let n = 0; n < 10; n++) {
    sockets.push((await TestSocket.v1(hub.url, { sender: `c${n}` }))[0]);
  }
  const last = sockets[9];
  assert(last !== undefined);
  const open = (): number => hub.online;
  assertEquals(await look(hub.url, "/readyz"), [200, "ok", "no-store"]);

  let over = false;
  const stopping = hub.stop("Back in a moment", 10_000).then(() => over = true);
  assertEquals(await look(hub.url, "/healthz"), [200, "ok", "no-store"]);
  assertEquals(await look(hub.url, "/readyz"), [503, "Back in a moment", "no-store"]);
  const refused = await TestSocket.open(hub.url, "bcast.v1");
  assertEquals((await refused.closed).code, 1013);
  const [bye] = refused.all("bye");
  assertEquals([bye?.["message"], bye?.["reconnect"]], ["Back in a moment", true]);
  assert(Number(bye?.["retryAfter"]) > 10);

  clock.advance(3000);
  assertEquals(open(), 7);
  const early = await Promise.all(sockets.slice(0, 3).map((socket) => socket.closed));
  assertEquals(early.map(({ code, reason }) => [code, reason]), [
    [1001, "Back in a moment"],
    [1001, "Back in a moment"],
    [1001, "Back in a moment"],
  ]);
  last.send({ type: "message", message: "still here", ref: 1 });
  await last.next("ack");
  // Long after the grace time: no client sees the others leave or return.
  clock.advance(6900);
  assertEquals(open(), 0);
  assertEquals((await last.closed).code, 1001);
  assertEquals(names(last, "left"), []);
  assert(!over);
  clock.advance(100);
  await stopping;
});

Deno.test("`retryAfterShutdown()` adds a restart and jitter to the rest of the drain", () => {
  assertEquals([0, 0.5, 0.999].map((random) => retryAfterShutdown(4200, random)), [6, 7, 8]);
  assertEquals([0, 0.5, 0.999].map((random) => retryAfterShutdown(-10, random)), [1, 2, 3]);
});

Deno.test("`stop()` without clients resolves immediately", async () => {
  const hub = await startTestHub({ clock: new FakeClock() });
  await hub.stop("Bye", 3_600_000);
});

Deno.test("`stop()` resolves as soon as the last client has left by itself", async () => {
  const clock = new FakeClock();
  const hub = await startTestHub({ clock });
  const [only] = await TestSocket.v1(hub.url);
  const stopping = hub.stop("Bye", 3_600_000);
  await only.close();
  await until("no clients", () => hub.online === 0);
  clock.advance(50);
  await stopping;
});

Deno.test("`/readyz` fails when the log cannot be written, and checks it at most once a second", async () => {
  const clock = new FakeClock();
  const broker = await openSqliteBroker({ path: ":memory:" });
  const works = broker.check.bind(broker);
  let asked = 0;
  let full = false;
  broker.check = () => {
    asked++;
    return full ? Promise.reject(new Error("the disk /secret is full")) : works();
  };
  await using hub = await startTestHub({ broker, clock });
  for (let n = 0; n < 5; n++) {
    assertEquals((await look(hub.url, "/readyz"))[0], 200);
  }
  assertEquals(asked, 1);
  full = true;
  clock.advance(1000);
  assertEquals(await look(hub.url, "/readyz"), [503, "The log cannot be written", "no-store"]);
  assertEquals(await look(hub.url, "/healthz"), [200, "ok", "no-store"]);
  full = false;
  clock.advance(1000);
  assertEquals((await look(hub.url, "/readyz"))[0], 200);
});

Deno.test({
  name: "SIGTERM with `--drain` rejects new clients, keeps everything acked, and exits with 0",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using folder = await temporaryFolder();
    const { program, url } = await startHubProcess(["--data", folder.path, "--drain", "60s"]);
    await using hub = program;
    const [early] = await TestSocket.v1(url);
    const [late] = await TestSocket.v1(url);
    hub.kill("SIGTERM");
    assertEquals((await early.closed).code, 1001);
    assertEquals((await look(url, "/readyz"))[0], 503);
    late.send({ type: "message", message: "in the last moment", ref: 1 });
    await late.next("ack");
    // The last client leaves by itself.
    await late.close();
    assertEquals(await hub.exit(), 0, hub.errors);

    const again = await startHubProcess(["--data", folder.path]);
    await using _ = again.program;
    const [, , joined] = await TestSocket.v1(again.url, { rooms: [{ room: "lobby" }] });
    assert(JSON.stringify(joined).includes("in the last moment"));
  },
});

Deno.test({
  name: "a second SIGTERM ends a draining hub immediately",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const { program, url } = await startHubProcess(["--memory", "--drain", "1h"]);
    await using hub = program;
    await using _client = (await TestSocket.v1(url))[0];
    hub.kill("SIGTERM");
    await until("the hub to drain", async () => (await look(url, "/readyz"))[0] === 503);
    hub.kill("SIGTERM");
    assertEquals(await hub.exit(), 130);
  },
});
