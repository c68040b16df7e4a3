import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { configure, type LogRecord, reset } from "@logtape/logtape";
import { combineAuthorizers, OPEN_GRANT } from "../../../auth/authorizer.ts";
import { SecretAuthorizer } from "../../../auth/secrets.ts";
import { formatText } from "../../../cli/logging.ts";
import { BODY_TIMEOUT } from "../../../server/http/api/body.ts";
import { V1_ENCODER } from "../../../server/encoders/json.ts";
import { TEXT_ENCODER } from "../../../server/encoders/text.ts";
import type { Server } from "../../../server.ts";
import { SseReader } from "../../kit/sse_reader.ts";
import { FakeClock } from "../../kit/fake_clock.ts";
import { fetchJson, httpUrl, post } from "../../kit/http.ts";
import { openApiChecker } from "../../kit/openapi_checker.ts";
import { LineClient } from "../../kit/line_client.ts";
import { rawRequest } from "../../kit/raw_http.ts";
import { RecordedClient, startMemoryHub } from "../../kit/memory_hub.ts";
import { CLOSE } from "../../../protocol.ts";
import { TestSocket } from "../../kit/test_socket.ts";
import { startTestHub, type TestHubOptions } from "../../kit/test_hub.ts";
import { until } from "../../kit/wait.ts";

const ADMIN = "an-admin-token-of-the-hub";

function moderated(options: TestHubOptions = {}): Promise<Server> {
  const moderators = new SecretAuthorizer([ADMIN], { admin: true });
  return startTestHub({ authorizer: combineAuthorizers([moderators], { open: true }), ...options });
}

/** Runs `task` with access to the formatted log. */
async function logged(task: (lines: () => readonly string[]) => Promise<void>): Promise<void> {
  const records: LogRecord[] = [];
  await configure({
    reset: true,
    sinks: { list: (record) => void records.push(record) },
    loggers: [
      { category: "bcast", sinks: ["list"], lowestLevel: "debug" },
      { category: ["logtape", "meta"], lowestLevel: "error" },
    ],
  });
  try {
    await task(() => records.map(formatText));
  } finally {
    await reset();
  }
}

Deno.test("every request with a body gets 408 when the body takes longer than `BODY_TIMEOUT`", async () => {
  const clock = new FakeClock();
  await using hub = await moderated({ clock });
  const { operations } = await openApiChecker(hub);
  const reading = operations.filter(([, , { requestBody }]) => requestBody !== undefined);
  assertEquals(reading.length, 10);
  for (const [method, path] of reading) {
    const where = path.replace("{room}", "lobby");
    const head = `${method} ${where} HTTP/1.1\r\nHost: 127.0.0.1:${hub.port}\r\n` +
      `Authorization: Bearer ${ADMIN}\r\nContent-Type: application/json\r\n`;
    let over = false;
    const told = rawRequest(hub.port, `${head}Content-Length: 50\r\n\r\n{`)
      .finally(() => over = true);
    // The clock moves only here, until the request has timed out, whenever it arrived.
    await until(`an answer of ${path}`, () => {
      clock.advance(BODY_TIMEOUT);
      return over;
    });
    const { status, body } = await told;
    assertEquals([path, status], [path, 408]);
    assertStringIncludes(body, `"code":"timeout"`);
  }
});

Deno.test("every path below /api/, and /metrics, counts towards a client's rate", async () => {
  await using probe = await moderated();
  const { operations } = await openApiChecker(probe);
  // Unknown paths count, too.
  const asked = [...operations.map(([method, path]) => [method, path]), ["GET", "/api/nothing"], [
    "GET",
    "/metrics",
  ]] as const;
  assert(asked.length > 15);
  for (const [method = "GET", path = ""] of asked) {
    const clock = new FakeClock();
    await using hub = await moderated({
      clock,
      limits: { rate: 1, burst: 3, ratePerAddress: 0, rateOnLoopback: true },
    });
    const statuses: number[] = [];
    for (let n = 0; n < 5; n++) {
      const response = await fetch(httpUrl(hub, path.replace("{room}", "lobby")), {
        method,
        ...(method === "POST" ? { body: "{}" } : {}),
      });
      await response.body?.cancel();
      statuses.push(response.status);
      if (response.status === 429) assertEquals(response.headers.get("retry-after"), "1");
    }
    assertEquals([path, statuses.map((status) => status === 429)], [
      path,
      [false, false, false, true, true],
    ]);
    clock.advance(1000);
    const later = await fetch(httpUrl(hub, path.replace("{room}", "lobby")), {
      method,
      ...(method === "POST" ? { body: "{}" } : {}),
    });
    await later.body?.cancel();
    assert(later.status !== 429, path);
  }
  // Programs on the hub's own machine are exempt by default.
  await using open = await moderated({ limits: { rate: 1, burst: 1 } });
  for (let n = 0; n < 5; n++) {
    assertEquals((await fetchJson(open, "/api/rooms")).status, 200);
  }
});

Deno.test("every rejection is counted and logged once, over every transport", async () => {
  await logged(async (lines) => {
    await using hub = await moderated({
      tcp: { port: 0 },
      limits: { maxConnections: 1 },
      metrics: "local",
    });
    await using _first = await SseReader.open(hub, "lobby");
    const refusals: [what: string, status: number, reason: RegExp][] = [];
    const before = (): number => lines().filter((line) => line.includes("Rejected")).length;
    const expect = async (what: string, status: number, reason: RegExp, ask: () => unknown) => {
      const known = before();
      await ask();
      await until(what, () => before() === known + 1);
      refusals.push([what, status, reason]);
      assertMatch(lines().filter((line) => line.includes("Rejected")).at(-1) ?? "", reason);
    };
    for (let n = 0; n < 3; n++) {
      await expect(
        "an event stream",
        503,
        /127\.0\.0\.1 with 503: The hub is full: 1 conn/,
        () => SseReader.open(hub, "lobby").then((events) => events[Symbol.asyncDispose]()),
      );
    }
    await expect(
      "a WebSocket",
      503,
      /with 503: The hub is full/,
      async () => {
        await using socket = await TestSocket.open(hub.url);
        assertEquals((await socket.closed).code, CLOSE.tryLater);
      },
    );
    await expect("a line client", 503, /with 503: The hub is full/, async () => {
      await using client = await LineClient.open(hub.tcpPort ?? 0, false);
      await client.ended;
    });
    await expect(
      "a stranger",
      401,
      /with 401: Only moderators/,
      () => fetchJson(hub, "/api/admin/bans"),
    );
    await expect(
      "a wrong token",
      401,
      /with 401: The token is wrong/,
      () => fetchJson(hub, "/api/rooms?token=wrong"),
    );
    await expect(
      "a page of elsewhere",
      403,
      /with 403/,
      () => fetchJson(hub, "/api/rooms", { headers: { origin: "https://evil.example" } }),
    );
    const status = (await fetchJson(hub, "/api/status")).body;
    assertEquals(status.turnedAway, refusals.length);
    const metrics = await (await fetch(httpUrl(hub, "/metrics"))).text();
    for (const code of [401, 403, 503]) {
      const count = refusals.filter(([, of]) => of === code).length;
      assertMatch(metrics, new RegExp(`bcast_turned_away_total\\{status="${code}"\\} ${count}\n`));
    }
  });
});

Deno.test("rejections by the API are counted, and a flood of them is logged in summary", async () => {
  await logged(async (lines) => {
    const clock = new FakeClock();
    await using hub = await moderated({
      clock,
      limits: { rate: 1, burst: 1, ratePerAddress: 0, rateOnLoopback: true },
    });
    for (let n = 0; n < 100; n++) {
      await fetchJson(hub, "/api/rooms");
    }
    const infos = (): readonly string[] =>
      lines().filter((line) => line.includes("Rejected") && /\bINF/i.test(line));
    assertEquals(infos().length, 20);
    assertMatch(
      infos()[0] ?? "",
      /127\.0\.0\.1 with 429: Too many requests: wait 1 s \(0 online\)/,
    );
    clock.advance(2000);
    assertMatch(infos().at(-1) ?? "", /Rejected 79 more/);
    assertEquals((await fetchJson(hub, "/api/status")).body.turnedAway, 99);
    await using _alice = await TestSocket.plain(hub.url, "Alice");
    const stopped = hub.stop("Bye", 100);
    clock.advance(1000);
    const answer = await post(hub, "lobby", "late").catch(() => undefined);
    clock.advance(1000);
    await stopped;
    if (answer !== undefined) assert(infos().some((line) => line.includes("with 503: Bye")));
  });
});

Deno.test("no line of the log contains `undefined`", async () => {
  await logged(async (lines) => {
    await using world = await startMemoryHub();
    const { hub } = world;
    const silent = new RecordedClient(hub, "192.0.2.1", { encoder: V1_ENCODER });
    silent.sendFrame({ type: "message", message: "too early" });
    silent.sendFrame({ type: "nonsense" });
    const slow = hub.connect({
      kind: "websocket",
      address: "192.0.2.1",
      bufferedAmount: Infinity,
      send: () => {},
      close: () => {},
    }, { encoder: V1_ENCODER, rooms: [] });
    slow.enqueue(["more than it reads"]);
    slow.flush();
    silent.connection.fail(new Error("for the test"));
    const away = await new RecordedClient(hub, "192.0.2.2").hello({ sender: "Zoë 世界" });
    away.connection.ended(1006);
    // Its name is a token's now: it is renamed while it is away.
    await hub.httpPublisher.publish({
      room: "lobby",
      frame: { type: "message", message: "hi" },
      grant: { ...OPEN_GRANT, name: "Zoë 世界" },
      address: "192.0.2.3",
      size: 2,
    });
    const stream = hub.subscribeAnonymously(new RecordedClient(hub, "192.0.2.4"), OPEN_GRANT, [{
      room: "lobby",
    }]);
    await until("the stream is in", () => stream.welcomed);
    stream.ended(1000);
    new RecordedClient(hub, "192.0.2.5", { encoder: TEXT_ENCODER }).connection.fail(
      new Error("for the test"),
    );
    await hub.moderation.ban({ address: "192.0.2.9" }, {}, { name: "Root", address: "local" });
    const text = lines().join("");
    assertStringIncludes(text, "c1 (no name) rejected: unauthorized");
    assertStringIncludes(text, "(away) Zoë 世界 is now Zoë 世界-2");
    assertEquals(lines().filter((line) => /undefined|\[object/.test(line)), []);
  });
});
