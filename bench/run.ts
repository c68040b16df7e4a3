/**
 * The load process: plays one scene against one server and prints the figures as one line of JSON.
 * A process of its own for every scene and server, so that none inherits another's heap.
 *
 * @module
 */

import { delay } from "../lib/async.ts";
import { LoadGroup, LoadStats, type PublishRate, runLoad } from "./load/mod.ts";
import { type EncoderName, encoderNamed } from "./encoders.ts";
import { machineBusyMicros, type Usage, usageOf } from "./proc.ts";
import { SCENARIO, type Scenario, type ScenarioName } from "./scenarios.ts";

/** What the load process is told, as JSON in its only argument. */
export interface ScenarioRun {
  readonly scene: ScenarioName;
  readonly url: string;
  readonly dialect: EncoderName;
  /** The server's process. */
  readonly pid: number;
  readonly seconds: number;
}

/** What it answers: figures by the keys of the scene's columns, and more. */
export type Figures = Readonly<Record<string, number>>;

const WARM_UP_SECONDS = 1.5;
/** Connections before the counted ones, so that what a server sets up once is not counted. */
const FIRST_CONNECTIONS = 100;
const MISSED = 50;
/** Longer than any server takes; a scene that takes this long has failed. */
const PATIENCE_MS = 60_000;
const POLL_MS = 5;
/** The sampling of latencies; a prime, see `LoadStats`. */
const SAMPLE_EVERY = 7;
const MEGABYTE = 1024 * 1024;

/** The state of the machine at one moment. */
interface Moment {
  readonly at: number;
  readonly server: Usage;
  readonly load: Usage;
  readonly machine: number;
}

function moment(pid: number): Moment {
  return {
    at: performance.now(),
    server: usageOf(pid),
    load: usageOf(Deno.pid),
    machine: machineBusyMicros(),
  };
}

/** Percent of one processor between two moments. */
function shares(from: Moment, to: Moment): Figures {
  const percent = (micros: number): number => micros / ((to.at - from.at) * 1000) * 100;
  const server = to.server.cpuMicros - from.server.cpuMicros;
  const load = to.load.cpuMicros - from.load.cpuMicros;
  return {
    serverCpu: percent(server),
    loadCpu: percent(load),
    otherCpu: Math.max(0, percent(to.machine - from.machine - server - load)),
  };
}

/** Plays what has publishers and a measured time: saturated, wide, steady, durable. */
async function flow(play: ScenarioRun, scene: Scenario): Promise<Figures> {
  const moments: Moment[] = [];
  const report = await runLoad({
    url: play.url,
    dialect: encoderNamed(play.dialect),
    clients: scene.clients,
    publishers: scene.publishers,
    pace: paceOf(scene),
    size: scene.size,
    seconds: play.seconds,
    warmUpSeconds: WARM_UP_SECONDS,
    onMeasure: () => moments.push(moment(play.pid)),
  });
  const [from, to] = moments;
  if (from === undefined || to === undefined) throw new Error("Cannot happen: not measured");
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
    ...shares(from, to),
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
    ...trouble(report),
  };
}

function paceOf({ description, pace }: Scenario): PublishRate {
  if (pace === undefined) throw new Error(`Nothing is published in: ${description}`);
  return pace;
}

function trouble(report: { lost: number; duplicated: number; outOfOrder: number }): Figures {
  return { lost: report.lost, irregular: report.duplicated + report.outOfOrder };
}

/** Waits until the server has stopped working on what it was given. */
async function quiet(pid: number): Promise<void> {
  const until = performance.now() + PATIENCE_MS;
  for (let last = Infinity; performance.now() < until;) {
    const now = usageOf(pid).cpuMicros;
    // Two ticks of the kernel's clock in a quarter of a second: nothing but timers.
    if (now - last <= 20_000) return;
    last = now;
    await delay(250);
  }
}

async function idle(play: ScenarioRun, scene: Scenario): Promise<Figures> {
  using group = groupOf(play, scene.clients);
  await connectAll(group, FIRST_CONNECTIONS, 0);
  await quiet(play.pid);
  const from = moment(play.pid);
  const count = scene.clients - FIRST_CONNECTIONS;
  const connect = await connectAll(group, count, FIRST_CONNECTIONS);
  await quiet(play.pid);
  const to = moment(play.pid);
  await delay(play.seconds * 1000);
  const end = moment(play.pid);
  return {
    kilobytesPerConnection: (to.server.rss - from.server.rss) / 1024 / count,
    cpuMicrosPerConnection: (to.server.cpuMicros - from.server.cpuMicros) / count,
    connectsPerSecond: count / connect,
    idleCpu: shares(to, end)["serverCpu"] ?? 0,
    rssMegabytes: to.server.rss / MEGABYTE,
  };
}

async function herd(play: ScenarioRun, scene: Scenario): Promise<Figures> {
  using crowd = groupOf(play, scene.clients);
  using other = groupOf(play, 1);
  await connectAll(crowd, scene.clients, 1);
  await connectAll(other, 1, 0);
  other.addPublishers(1, scene.size, { inFlight: 1, until: "ack" });
  const [publisher] = other.publishers;
  const [listener] = other.clients;
  if (publisher === undefined || listener === undefined) throw new Error("not connected");

  // Everybody needs a position to go on from.
  publisher.send(1);
  await reached(() => listener.tracker.last >= 1, "the first message");
  const first = listener.tracker.last;
  await reached(() => crowd.clients.every((c) => c.tracker.last >= first), "the first message");
  const conversations = crowd.clients.map((client) => client.resume());
  crowd.cut();
  await quiet(play.pid);

  publisher.send(MISSED);
  const top = first + MISSED;
  await reached(() => listener.tracker.last >= top, "what the crowd misses");

  const from = moment(play.pid);
  let recovered = 0;
  const connect = await crowd.connect(conversations, (_client, ready) => {
    if (ready.recovered) recovered++;
  });
  refuse(connect.failures);
  await reached(() => crowd.clients.every((c) => c.tracker.last >= top), "the last to be whole");
  const to = moment(play.pid);
  return {
    wholeSeconds: (to.at - from.at) / 1000,
    connectsPerSecond: connect.connected / connect.seconds,
    recovered,
    ...shares(from, to),
    peakMegabytes: to.server.peakRss / MEGABYTE,
    ...trouble(crowd.integrity()),
  };
}

async function mixed(play: ScenarioRun, scene: Scenario): Promise<Figures> {
  const start = usageOf(play.pid);
  using group = groupOf(play, scene.clients);
  await connectAll(group, scene.clients, 0);
  const stalled = group.clients.at(-1);
  if (stalled === undefined) throw new Error("not connected");
  group.addPublishers(scene.publishers, scene.size, paceOf(scene));
  group.start();
  await delay(WARM_UP_SECONDS * 1000);

  const { latency } = group.stats;
  latency.reset();
  await delay(play.seconds * 1000);
  const before = latency.summary();
  const peakBefore = usageOf(play.pid).peakRss;

  const resume = stalled.stall();
  latency.reset();
  await delay(play.seconds * 1000);
  const after = latency.summary();
  const peak = usageOf(play.pid).peakRss;

  group.stop();
  await group.settle({ except: stalled });
  const integrity = group.integrity(stalled);
  // Lets it read what is in the system's buffers, behind which the reason of its end stands.
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
    ...trouble(integrity),
  };
}

function groupOf(play: ScenarioRun, expected: number): LoadGroup {
  const dialect = encoderNamed(play.dialect);
  return new LoadGroup({ url: play.url, dialect, stats: new LoadStats(SAMPLE_EVERY), expected });
}

async function connectAll(group: LoadGroup, count: number, from: number): Promise<number> {
  const connect = await group.connect(group.conversations(count, from));
  refuse(connect.failures);
  return connect.seconds;
}

function refuse(failures: ReadonlyMap<string, number>): void {
  for (const [reason, count] of failures) {
    throw new Error(`${count} clients could not connect: ${reason}`);
  }
}

async function reached(condition: () => boolean, what: string): Promise<void> {
  const until = performance.now() + PATIENCE_MS;
  while (!condition()) {
    if (performance.now() > until) throw new Error(`waited in vain for ${what}`);
    await delay(POLL_MS);
  }
}

const PLAYS: {
  readonly [S in ScenarioName]: (play: ScenarioRun, scene: Scenario) => Promise<Figures>;
} = {
  saturated: flow,
  wide: flow,
  steady: flow,
  durable: flow,
  idle,
  herd,
  mixed,
};

if (import.meta.main) {
  const play: ScenarioRun = JSON.parse(Deno.args[0] ?? "null");
  const encoder = new TextEncoder();
  let code = 0;
  try {
    const figures = await PLAYS[play.scene](play, SCENARIO[play.scene]);
    Deno.stdout.writeSync(encoder.encode(JSON.stringify(figures) + "\n"));
  } catch (error) {
    // For the table, where a stack has no place.
    Deno.stderr.writeSync(encoder.encode(error instanceof Error ? error.message : String(error)));
    code = 1;
  }
  // Whatever connections are left need no goodbye: the server is stopped next.
  Deno.exit(code);
}
