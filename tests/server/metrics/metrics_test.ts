import { assert, assertEquals, assertThrows } from "@std/assert";
import { SecretAuthorizer } from "../../../auth/secrets.ts";
import { openSqliteBroker } from "../../../broker/sqlite/sqlite_broker.ts";
import { Histogram } from "../../../server/metrics/counters.ts";
import { exposition } from "../../../server/metrics/exposition.ts";
import { METRICS } from "../../../server/metrics/metrics.ts";
import type { Server } from "../../../server.ts";
import { FakeClock } from "../../kit/fake_clock.ts";
import { temporaryFolder } from "../../kit/folder.ts";
import { LineClient } from "../../kit/line_client.ts";
import { type ParsedFamily, parseExposition } from "../../kit/exposition_parser.ts";
import { TestSocket } from "../../kit/test_socket.ts";
import { startTestHub } from "../../kit/test_hub.ts";
import { until } from "../../kit/wait.ts";

async function scrape(hub: Server): Promise<Map<string, ParsedFamily>> {
  const response = await fetch(`http://127.0.0.1:${hub.port}/metrics`);
  assertEquals(response.status, 200);
  assertEquals(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  return parseExposition(await response.text());
}

/** The value of the one sample that has these labels. */
function valueOf(
  families: Map<string, ParsedFamily>,
  name: string,
  labels: Record<string, string> = {},
): number | undefined {
  const family = families.get(name) ?? families.get(name.replace(/_(?:count|sum|bucket)$/, ""));
  return family?.samples.find((sample) =>
    sample.name === name &&
    Object.entries(labels).every(([label, value]) => sample.labels[label] === value)
  )?.value;
}

Deno.test("/metrics counts events of the hub", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/log.db`;
  await using hub = await startTestHub({
    broker: await openSqliteBroker({ path }),
    database: path,
    tcp: { port: 0 },
    limits: { maxConnections: 3 },
  });
  const [alice] = await TestSocket.v1(hub.url, { sender: "Alice" });
  await using bob = await TestSocket.plain(hub.url, "Bob");
  await using _carol = await LineClient.open(hub.tcpPort ?? 0);
  for (let n = 1; n <= 3; n++) alice.send({ type: "message", message: "hi", key: `k${n}` });
  alice.send({ type: "message", message: "hi", key: "k3" });
  await alice.next("ack", (frame) => frame["duplicate"] === true);
  bob.send("{");
  bob.send({ type: "join", room: "NO" });
  bob.send({ type: "ping" });
  await bob.next("pong");
  await TestSocket.open(hub.url).catch(() => {
    // It is full.
  });
  await using full = await LineClient.open(hub.tcpPort ?? 0, false);
  await full.ended;
  await until("all messages", () => bob.all("message").length === 3);

  const families = await scrape(hub);
  const values = (name: string, labels: Record<string, string>[]): (number | undefined)[] =>
    labels.map((each) => valueOf(families, name, each));
  assertEquals(
    values("bcast_connections", [{ dialect: "v1" }, { dialect: "json" }, { dialect: "text" }]),
    [1, 1, 1],
  );
  assertEquals(valueOf(families, "bcast_connections_total"), 3);
  assertEquals(valueOf(families, "bcast_sessions"), 3);
  assertEquals(valueOf(families, "bcast_rooms"), 1);
  assertEquals(valueOf(families, "bcast_members"), 3);
  assertEquals(valueOf(families, "bcast_messages_total"), 3);
  assertEquals(valueOf(families, "bcast_deliveries_total"), 9);
  assertEquals(valueOf(families, "bcast_duplicates_total"), 1);
  assertEquals(values("bcast_refused_total", [{ code: "bad_json" }, { code: "bad_room" }]), [1, 1]);
  assertEquals(valueOf(families, "bcast_turned_away_total", { status: "503" }), 2);
  assertEquals(valueOf(families, "bcast_log_batch_messages_sum"), 4);
  assert((valueOf(families, "bcast_log_append_seconds_count") ?? 0) >= 1);
  assert((valueOf(families, "bcast_log_append_seconds_sum") ?? 0) > 0);
  assert((valueOf(families, "bcast_database_bytes") ?? 0) > 4096);
  assert((valueOf(families, "bcast_received_characters_total") ?? 0) > 150);
  assert((valueOf(families, "bcast_sent_characters_total") ?? 0) > 1500);
  assert((valueOf(families, "process_resident_memory_bytes") ?? 0) > 20_000_000);
  const begun = valueOf(families, "process_start_time_seconds") ?? 0;
  assert(Math.abs(Date.now() / 1000 - performance.now() / 1000 - begun) < 5);
  assertEquals(
    families.keys().toArray(),
    METRICS.map(({ name }) => name),
    "every metric is there from the start",
  );
  for (const { name, labels, type } of METRICS) {
    const family = families.get(name);
    assertEquals(family?.type, type);
    const found = new Set(family?.samples.flatMap((sample) => Object.keys(sample.labels)));
    found.delete("le");
    assertEquals([...found], [...labels], name);
  }

  const before = valueOf(families, "bcast_received_characters_total") ?? 0;
  await alice.close();
  const after = await until("that Alice left", async () => {
    const now = await scrape(hub);
    return valueOf(now, "bcast_connections", { dialect: "v1" }) === 0 ? now : undefined;
  });
  assertEquals(valueOf(after, "bcast_closed_total", { code: "1000" }), 1);
  assertEquals(valueOf(after, "bcast_received_characters_total"), before, "it does not fall");
});

Deno.test("/metrics reports the lag of the event loop", async () => {
  const clock = new FakeClock();
  await using hub = await startTestHub({ clock });
  clock.advance(3000);
  const families = await scrape(hub);
  assertEquals(valueOf(families, "bcast_event_loop_lag_seconds_count"), 3);
  assertEquals(valueOf(families, "bcast_event_loop_lag_seconds_bucket", { le: "0.001" }), 3);
  assertEquals(families.has("bcast_database_bytes"), false, "there is no file");
});

for (
  const [exposure, headers, status] of [
    ["local", {}, 200],
    ["local", { "x-forwarded-for": "192.0.2.1" }, 403],
    ["local", { forwarded: "for=192.0.2.1" }, 403],
    ["local", { "x-real-ip": "192.0.2.1" }, 403],
    ["local", { via: "1.1 proxy" }, 403],
    ["all", { "x-forwarded-for": "192.0.2.1" }, 200],
    ["off", {}, 404],
  ] as [("local" | "all" | "off"), Record<string, string>, number][]
) {
  Deno.test(`/metrics with --metrics ${exposure} and ${JSON.stringify(headers)}: ${status}`, async () => {
    await using hub = await startTestHub({ metrics: exposure });
    const response = await fetch(`http://127.0.0.1:${hub.port}/metrics`, { headers });
    const text = await response.text();
    assertEquals(response.status, status);
    assertEquals(text.includes("bcast_messages_total"), status === 200);
  });
}

for (
  const [exposure, headers, status] of [
    // What a proxy passes on is from elsewhere.
    ["all", { via: "1.1 proxy" }, 401],
    ["all", { via: "1.1 proxy", authorization: "Bearer wrong" }, 401],
    ["all", { via: "1.1 proxy", authorization: "Bearer right" }, 200],
    ["all", {}, 200],
    ["local", {}, 200],
    ["local", { via: "1.1 proxy", authorization: "Bearer right" }, 403],
  ] as [("local" | "all"), Record<string, string>, number][]
) {
  Deno.test(`/metrics of a hub with tokens, --metrics ${exposure} and ${JSON.stringify(headers)}: ${status}`, async () => {
    const authorizer = new SecretAuthorizer(["right"]);
    await using hub = await startTestHub({ metrics: exposure, authorizer });
    const response = await fetch(`http://127.0.0.1:${hub.port}/metrics`, { headers });
    const text = await response.text();
    assertEquals(response.status, status);
    assertEquals(response.headers.has("www-authenticate"), status === 401);
    assertEquals(text.includes("bcast_messages_total"), status === 200);
  });
}

Deno.test("/metrics uses the address from a trusted proxy", async () => {
  await using hub = await startTestHub({ trustedProxies: ["127.0.0.1"] });
  const headers = { "x-forwarded-for": "192.0.2.1" };
  const response = await fetch(`http://127.0.0.1:${hub.port}/metrics`, { headers });
  await response.body?.cancel();
  assertEquals(response.status, 403);
});

Deno.test("/metrics rejects other methods", async () => {
  await using hub = await startTestHub();
  const url = `http://127.0.0.1:${hub.port}/metrics`;
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
    const response = await fetch(url, { method });
    assertEquals([response.status, response.headers.get("allow")], [405, "GET, HEAD"]);
    await response.body?.cancel();
  }
  const head = await fetch(url, { method: "HEAD" });
  assertEquals([head.status, await head.text()], [200, ""]);
});

Deno.test("`Histogram.observe()` counts a value in the first bucket whose bound it does not exceed", () => {
  const histogram = new Histogram([1, 2]);
  for (const value of [0, 1, 1.5, 2, 2.5, 100]) histogram.observe(value);
  assertEquals(histogram.counts, [2, 2, 2]);
  assertEquals(histogram.sum, 107);
});

Deno.test("`exposition()` escapes characters that would break a line", () => {
  const labels = { x: 'a"b\\c\nd' };
  const text = exposition([
    { name: "m", type: "gauge", help: "a\\b\nc", reading: [{ labels, value: -Infinity }] },
    { name: "absent", type: "gauge", help: "none", reading: undefined },
  ]);
  assertEquals(
    text,
    '# HELP m a\\\\b\\nc\n# TYPE m gauge\nm{x="a\\"b\\\\c\\nd"} -Inf\n',
  );
  const parsed = parseExposition(text.replace("-Inf", "1"));
  assertEquals(parsed.get("m")?.samples[0]?.labels, labels);
});

for (
  const [what, text] of [
    ["a sample without HELP", "m 1\n"],
    ["TYPE without HELP", "# TYPE m gauge\nm 1\n"],
    ["a sample twice", "# HELP m h\n# TYPE m gauge\nm 1\nm 1\n"],
    ["a raw newline in a label", '# HELP m h\n# TYPE m gauge\nm{a="x\ny"} 1\n'],
    [
      "a histogram that does not add up",
      "# HELP m h\n# TYPE m histogram\n" +
      'm_bucket{le="1"} 2\nm_bucket{le="+Inf"} 1\nm_sum 1\nm_count 1\n',
    ],
    ["no end of line", "# HELP m h\n# TYPE m gauge\nm 1"],
  ] as const
) {
  Deno.test(`the parser of these tests refuses ${what}`, () => {
    assertThrows(() => {
      if (parseExposition(text).size === 0) throw new Error("Nothing was read");
    }, Error);
  });
}

const dashboard = JSON.parse(
  await Deno.readTextFile(new URL("../../../deploy/grafana-dashboard.json", import.meta.url)),
);
const documentation = await Deno.readTextFile(new URL("../../../docs/metrics.md", import.meta.url));

Deno.test("docs/metrics.md lists exactly the existing metrics", () => {
  const rows = documentation.split("\n").filter((line) => /^\| `(?:bcast|process)_/.test(line))
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim().replaceAll("`", "")));
  assertEquals(
    rows,
    METRICS.map(({ name, type, labels, help }) => [name, type, labels.join(", "), help]),
  );
});

Deno.test("deploy/grafana-dashboard.json uses only existing metrics, and nearly all", () => {
  interface Panel {
    readonly title: string;
    readonly type: string;
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number };
    readonly targets?: readonly { readonly expr: string }[];
  }
  const panels: readonly Panel[] = dashboard.panels;
  const known = new Map(METRICS.map(({ name, type }) => [name, type]));
  const used = new Set<string>();
  for (const { title, type, gridPos, targets } of panels) {
    assert(gridPos.x + gridPos.w <= 24, title);
    if (type === "row") continue;
    assert(targets !== undefined && targets.length > 0, title);
    for (const { expr } of targets) {
      for (const [name] of expr.matchAll(/\b(?:bcast|process)_\w+/g)) {
        const family = known.has(name) ? name : name.replace(/_(?:bucket|sum|count)$/, "");
        assert(known.has(family), `${title} asks for ${name}`);
        assertEquals(known.get(family) === "histogram", family !== name, expr);
        used.add(family);
      }
      // What only grows says nothing by its height.
      if (/_total\b/.test(expr)) assert(/\b(?:rate|increase)\(/.test(expr), expr);
    }
  }
  assertEquals(new Set(panels.map(({ title }) => title)).size, panels.length);
  const unused = METRICS.map(({ name }) => name).filter((name) => !used.has(name));
  assertEquals(unused, []);
});
