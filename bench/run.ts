/**
 * The load process: runs one scenario against one server and prints the figures as a line of JSON. Each
 * run has a process of its own, so that none inherits the heap of another.
 *
 * @module
 */

import { delay } from "../lib/async.ts";
import { LoadGroup, LoadStats, type PublishRate, runLoad } from "./load/mod.ts";
import { type EncoderName, encoderNamed } from "./encoders.ts";
import { machineBusyMicros, type Usage, usageOf } from "./proc.ts";
import { type Scenario, type ScenarioName, SCENARIOS } from "./scenarios.ts";

/** The only argument of the load process, as JSON. */
export interface ScenarioRun {
  readonly scenario: ScenarioName;
  readonly url: string;
  readonly encoder: EncoderName;
  /** The server's process. */
  readonly pid: number;
  readonly seconds: number;
}

/** Its output: figures by the keys of the scenario's columns, and others. */
export type Figures = Readonly<Record<string, number>>;

const WARM_UP_SECONDS = 1.5;
/** Connections that are not counted, so that one-time setup in the server is not, either. */
const FIRST_CONNECTIONS = 100;
const MISSED_MESSAGES = 50;
/** A scenario that waits this long has failed. */
const TIMEOUT_MS = 60_000;
const POLL_MS = 5;
/** Sampling of latencies; a prime, see `LoadStats`. */
const SAMPLE_EVERY = 7;
const MEGABYTE = 1024 * 1024;

/** Resource usage at one moment. */
interface Snapshot {
  readonly at: number;
  readonly server: Usage;
  readonly load: Usage;
  readonly machine: number;
}

function snapshot(pid: number): Snapshot {
  return {
    at: performance.now(),
    server: usageOf(pid),
    load: usageOf(Deno.pid),
    machine: machineBusyMicros(),
  };
}

/** In percent of one core. */
function cpuShares(from: Snapshot, to: Snapshot): Figures {
  const percent = (micros: number): number => micros / ((to.at - from.at) * 1000) * 100;
  const server = to.server.cpuMicros - from.server.cpuMicros;
  const load = to.load.cpuMicros - from.load.cpuMicros;
  return {
    serverCpu: percent(server),
    loadCpu: percent(load),
    otherCpu: Math.max(0, percent(to.machine - from.machine - server - load)),
  };
}

/** Runs scenarios with publishers and a measured time: saturated, wide, steady, durable. */
async function runPublishing(run: ScenarioRun, scenario: Scenario): Promise<Figures> {
  const moments: Snapshot[] = [];
  const report = await runLoad({
    url: run.url,
    format: encoderNamed(run.encoder),
    clients: scenario.clients,
    publishers: scenario.publishers,
    pace: rateOf(scenario),
    size: scenario.size,
    seconds: run.seconds,
    warmUpSeconds: WARM_UP_SECONDS,
    onMeasure: () => moments.push(snapshot(run.pid)),
  });
  const [from, to] = moments;
  if (from === undefined || to === undefined) throw new Error("the load was not measured");
  const failures = Object.values(report.connectFailures).reduce((a, b) => a + b, 0);
  const closed = Object.values(report.closed).reduce((a, b) => a + b, 0);
  if (failures + closed > 0) {
    throw new Error(
      `connections failed: ${JSON.stringify([report.connectFailures, report.closed])}`,
    );
  }
  const refused = Object.entries(report.errors);
  if (refused.length > 0) throw new Error(`refused: ${JSON.stringify(refused)}`);
  return {
    ...cpuShares(from, to),
    seconds: report.seconds,
    sent: report.sent,
    deliveries: report.deliveries,
    deliveriesPerSecond: report.deliveriesPerSecond,
    messagesPerSecond: report.messagesPerSecond,
    acksPerSecond: report.acksPerSecond,
    cpuMicrosPerDelivery: (to.server.cpuMicros - from.server.cpuMicros) / report.deliveries,
    p50: report.latency.p50,
    p99: report.latency.p99,
    p999: report.latency.p999,
    max: report.latency.max,
    connectsPerSecond: report.connectsPerSecond,
    rssMegabytes: to.server.rss / MEGABYTE,
    ...integrityFigures(report),
  };
}

function rateOf({ description, pace }: Scenario): PublishRate {
  if (pace === undefined) throw new Error(`No messages are published in: ${description}`);
  return pace;
}

function integrityFigures(
  report: { lost: number; duplicated: number; outOfOrder: number },
): Figures {
  return { lost: report.lost, irregular: report.duplicated + report.outOfOrder };
}

/** Waits until the server is idle. */
async function waitUntilIdle(pid: number): Promise<void> {
  const until = performance.now() + TIMEOUT_MS;
  for (let last = Infinity; performance.now() < until;) {
    const now = usageOf(pid).cpuMicros;
    // Two ticks of the kernel's clock in a quarter of a second: only timers run.
    if (now - last <= 20_000) return;
    last = now;
    await delay(250);
  }
}

async function runIdle(run: ScenarioRun, scenario: Scenario): Promise<Figures> {
  using group = groupOf(run, scenario.clients);
  await connectAll(group, FIRST_CONNECTIONS, 0);
  await waitUntilIdle(run.pid);
  const from = snapshot(run.pid);
  const count = scenario.clients - FIRST_CONNECTIONS;
  const connect = await connectAll(group, count, FIRST_CONNECTIONS);
  await waitUntilIdle(run.pid);
  const to = snapshot(run.pid);
  await delay(run.seconds * 1000);
  const end = snapshot(run.pid);
  return {
    kilobytesPerConnection: (to.server.rss - from.server.rss) / 1024 / count,
    cpuMicrosPerConnection: (to.server.cpuMicros - from.server.cpuMicros) / count,
    connectsPerSecond: count / connect,
    idleCpu: cpuShares(to, end)["serverCpu"] ?? 0,
    rssMegabytes: to.server.rss / MEGABYTE,
  };
}

async function runHerd(run: ScenarioRun, scenario: Scenario): Promise<Figures> {
  using listeners = groupOf(run, scenario.clients);
  using other = groupOf(run, 1);
  await connectAll(listeners, scenario.clients, 1);
  await connectAll(other, 1, 0);
  other.addPublishers(1, scenario.size, { inFlight: 1, until: "ack" });
  const [publisher] = other.publishers;
  const [listener] = other.clients;
  if (publisher === undefined || listener === undefined) throw new Error("not connected");

  // Each client needs a position to resume from.
  publisher.send(1);
  await waitFor(() => listener.tracker.last >= 1, "the first message");
  const first = listener.tracker.last;
  await waitFor(() => listeners.clients.every((c) => c.tracker.last >= first), "the first message");
  const resumed = listeners.clients.map((client) => client.resume());
  listeners.abort();
  await waitUntilIdle(run.pid);

  publisher.send(MISSED_MESSAGES);
  const top = first + MISSED_MESSAGES;
  await waitFor(() => listener.tracker.last >= top, "the missed messages");

  const from = snapshot(run.pid);
  let recovered = 0;
  const connect = await listeners.connect(resumed, (_client, ready) => {
    if (ready.recovered) recovered++;
  });
  throwOnFailure(connect.failures);
  await waitFor(
    () => listeners.clients.every((c) => c.tracker.last >= top),
    "the last client to catch up",
  );
  const to = snapshot(run.pid);
  return {
    wholeSeconds: (to.at - from.at) / 1000,
    connectsPerSecond: connect.connected / connect.seconds,
    recovered,
    ...cpuShares(from, to),
    peakMegabytes: to.server.peakRss / MEGABYTE,
    ...integrityFigures(listeners.integrity()),
  };
}

async function runMixed(run: ScenarioRun, scenario: Scenario): Promise<Figures> {
  const start = usageOf(run.pid);
  using group = groupOf(run, scenario.clients);
  await connectAll(group, scenario.clients, 0);
  const stalled = group.clients.at(-1);
  if (stalled === undefined) throw new Error("not connected");
  group.addPublishers(scenario.publishers, scenario.size, rateOf(scenario));
  group.start();
  await delay(WARM_UP_SECONDS * 1000);

  const { latency } = group.stats;
  latency.reset();
  await delay(run.seconds * 1000);
  const before = latency.summary();
  const peakBefore = usageOf(run.pid).peakRss;

  const resume = stalled.stall();
  latency.reset();
  await delay(run.seconds * 1000);
  const after = latency.summary();
  const peak = usageOf(run.pid).peakRss;

  group.stop();
  await group.settle({ except: stalled });
  const integrity = group.integrity(stalled);
  // Lets it read the system's buffers: the reason of its end comes after their content.
  resume();
  const end = await Promise.race([stalled.closed, delay(5_000).then(() => undefined)]);
  return {
    p99Before: before.p99,
    p99: after.p99,
    p99Ratio: after.p99 / before.p99,
    maxBefore: before.max,
    max: after.max,
    growthMegabytes: (peak - start.rss) / MEGABYTE,
    growthBeforeMegabytes: (peakBefore - start.rss) / MEGABYTE,
    rssMegabytes: start.rss / MEGABYTE,
    stalledClose: end?.code ?? 0,
    sent: group.sent,
    ...integrityFigures(integrity),
  };
}

function groupOf(run: ScenarioRun, expected: number): LoadGroup {
  const format = encoderNamed(run.encoder);
  return new LoadGroup({ url: run.url, format, stats: new LoadStats(SAMPLE_EVERY), expected });
}

async function connectAll(group: LoadGroup, count: number, from: number): Promise<number> {
  const connect = await group.connect(group.conversations(count, from));
  throwOnFailure(connect.failures);
  return connect.seconds;
}

function throwOnFailure(failures: ReadonlyMap<string, number>): void {
  for (const [reason, count] of failures) {
    throw new Error(`${count} clients could not connect: ${reason}`);
  }
}

async function waitFor(condition: () => boolean, what: string): Promise<void> {
  const until = performance.now() + TIMEOUT_MS;
  while (!condition()) {
    if (performance.now() > until) throw new Error(`timed out waiting for ${what}`);
    await delay(POLL_MS);
  }
}

const RUNNERS: {
  readonly [S in ScenarioName]: (run: ScenarioRun, scenario: Scenario) => Promise<Figures>;
} = {
  saturated: runPublishing,
  wide: runPublishing,
  steady: runPublishing,
  durable: runPublishing,
  idle: runIdle,
  herd: runHerd,
  mixed: runMixed,
};

if (import.meta.main) {
  const run: ScenarioRun = JSON.parse(Deno.args[0] ?? "null");
  const encoder = new TextEncoder();
  let code = 0;
  try {
    const figures = await RUNNERS[run.scenario](run, SCENARIOS[run.scenario]);
    Deno.stdout.writeSync(encoder.encode(JSON.stringify(figures) + "\n"));
  } catch (error) {
    // Goes into the table, which has no room for a stack trace.
    Deno.stderr.writeSync(encoder.encode(error instanceof Error ? error.message : String(error)));
    code = 1;
  }
  // Remaining connections need no close: the server is stopped next.
  Deno.exit(code);
}
