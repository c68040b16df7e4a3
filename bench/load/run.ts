/**
 * Runs one load against one server, from connecting to the report.
 *
 * @module
 */

import { delay } from "../../lib/async.ts";
import type { WireFormat } from "./wire_format.ts";
import { type Integrity, LoadGroup } from "./group.ts";
import type { LatencySummary } from "./histogram.ts";
import type { PublishRate } from "./publisher.ts";
import { LoadStats } from "./stats.ts";

export interface LoadOptions {
  readonly url: string;
  /** Additional certificate authorities, as PEM. */
  readonly caCerts?: readonly string[];
  readonly format: WireFormat;
  /** Connections, including those of the publishers. */
  readonly clients: number;
  readonly publishers: number;
  readonly pace: PublishRate;
  /** Bytes of text per message. */
  readonly size: number;
  /** Measured seconds. */
  readonly seconds: number;
  /** Seconds of the same load before the measured ones. */
  readonly warmUpSeconds: number;
  /** Called several times a second. */
  readonly onProgress?: (progress: LoadProgress) => void;
  /** Called when the measured time begins and when it ends. */
  readonly onMeasure?: (moment: "begin" | "end") => void;
  readonly signal?: AbortSignal;
}

export interface LoadProgress {
  readonly phase: "connecting" | "warming up" | "measuring" | "settling";
  readonly clients: number;
  /** Messages received so far, by all clients. */
  readonly deliveries: number;
  /** Progress of this phase from 0 to 1. */
  readonly fraction: number;
}

export interface LoadReport extends Integrity {
  readonly clients: number;
  readonly publishers: number;
  readonly size: number;
  readonly seconds: number;
  readonly connectSeconds: number;
  readonly connectsPerSecond: number;
  /** Number of failed connections by reason. */
  readonly connectFailures: Readonly<Record<string, number>>;
  /** Messages published in the measured time. */
  readonly sent: number;
  readonly messagesPerSecond: number;
  /** Messages received by clients in the measured time. */
  readonly deliveries: number;
  readonly deliveriesPerSecond: number;
  readonly acks: number;
  readonly acksPerSecond: number;
  /** In milliseconds, from write at the publisher to read at a client. */
  readonly latency: LatencySummary;
  /** Number of `error` frames by code. */
  readonly errors: Readonly<Record<string, number>>;
}

const PROGRESS_MS = 200;
/** A prime: see {@linkcode LoadStats}. */
const SAMPLE_EVERY = 61;
// The cost of this many samples is not measurable.
const SAMPLES_PER_SECOND = 20_000;

/**
 * Connects, warms up, measures, waits for outstanding messages and closes all connections.
 *
 * @throws if no client could connect, or `signal` aborts.
 */
export async function runLoad(options: LoadOptions): Promise<LoadReport> {
  const { clients, publishers, pace, size, signal } = options;
  const stats = new LoadStats(sampleEvery(options));
  using group = new LoadGroup({
    url: options.url,
    ...(options.caCerts === undefined ? {} : { caCerts: options.caCerts }),
    format: options.format,
    stats,
    expected: clients,
  });
  const progress = (phase: LoadProgress["phase"], fraction: number): void =>
    options.onProgress?.({
      phase,
      clients: group.clients.length,
      deliveries: stats.deliveries,
      fraction,
    });

  const connect = await group.connect(
    group.conversations(clients),
    () => {
      if (group.clients.length % 100 === 0) progress("connecting", group.clients.length / clients);
    },
    signal,
  );
  signal?.throwIfAborted();
  if (connect.connected === 0) {
    const [reason = "no clients requested"] = connect.failures.keys();
    throw new Error(`Cannot load ${options.url}: ${reason}`);
  }

  group.addPublishers(publishers, size, pace);
  group.start();
  const wait = async (seconds: number, phase: LoadProgress["phase"]): Promise<void> => {
    const until = performance.now() + seconds * 1000;
    for (let left = seconds * 1000; left > 0; left = until - performance.now()) {
      await delay(Math.min(left, PROGRESS_MS), { signal });
      signal?.throwIfAborted();
      progress(phase, Math.min(1, 1 - (until - performance.now()) / (seconds * 1000)));
    }
  };
  await wait(options.warmUpSeconds, "warming up");

  options.onMeasure?.("begin");
  stats.latency.reset();
  const began = performance.now();
  const before = { deliveries: stats.deliveries, acks: stats.acks, sent: group.sent };
  await wait(options.seconds, "measuring");
  const seconds = (performance.now() - began) / 1000;
  const deliveries = stats.deliveries - before.deliveries;
  const acks = stats.acks - before.acks;
  const sent = group.sent - before.sent;
  const latency = stats.latency.summary();
  options.onMeasure?.("end");

  group.stop();
  progress("settling", 0);
  await group.settle();
  const integrity = group.integrity();
  await group.close();
  return {
    clients: connect.connected,
    publishers: group.publishers.length,
    size,
    seconds,
    connectSeconds: connect.seconds,
    connectsPerSecond: connect.connected / connect.seconds,
    connectFailures: Object.fromEntries(connect.failures),
    sent,
    messagesPerSecond: sent / seconds,
    deliveries,
    deliveriesPerSecond: deliveries / seconds,
    acks,
    acksPerSecond: acks / seconds,
    latency,
    errors: Object.fromEntries([...stats.errors].map(([code, { count }]) => [code, count])),
    ...integrity,
  };
}

/** Samples every delivery if there are few, else one in 61. */
function sampleEvery({ pace, publishers, clients }: LoadOptions): number {
  return "rate" in pace && pace.rate * publishers * clients <= SAMPLES_PER_SECOND
    ? 1
    : SAMPLE_EVERY;
}
