import { ignoreNotFound } from "../../lib/files.ts";
import process from "node:process";
import type { Counters } from "./counters.ts";
import { exposition } from "./exposition.ts";
import { type HubStats, readMetrics } from "./metrics.ts";

export interface MetricsCollectorOptions {
  readonly hub: { readonly counters: Counters; readonly queries: { stats(): HubStats } };
  /** The file of the log; `undefined` if it is in memory. */
  readonly database?: string | undefined;
}

/** Collects the metrics of a running hub. */
export class MetricsCollector {
  readonly #startTime = (Date.now() - performance.now()) / 1000;

  constructor(private readonly options: MetricsCollectorOptions) {}

  /** All metrics in Prometheus' text format. */
  async text(): Promise<string> {
    const { hub, database } = this.options;
    const { user, system } = process.cpuUsage();
    const databaseBytes = database === undefined ? undefined : await sizeOfLog(database);
    return exposition(readMetrics({
      stats: hub.queries.stats(),
      counters: hub.counters,
      memory: Deno.memoryUsage(),
      startTime: this.#startTime,
      cpuSeconds: (user + system) / 1_000_000,
      runtime: `deno ${Deno.version.deno}`,
      databaseBytes,
    }));
  }
}

/** Bytes of the log: the database and its write-ahead log. */
async function sizeOfLog(path: string): Promise<number | undefined> {
  const sizes = await Promise.all([path, `${path}-wal`].map(sizeOf));
  // If the file was moved, the hub still writes it, but its size is unknown.
  return sizes[0] === undefined ? undefined : sizes[0] + (sizes[1] ?? 0);
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await Deno.stat(path).catch(ignoreNotFound))?.size;
}
