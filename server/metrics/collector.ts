import process from "node:process";
import type { Hub } from "../hub.ts";
import { exposition } from "./exposition.ts";
import { readMetrics } from "./metrics.ts";

/** What metrics are taken from. */
export interface MetricsCollectorOptions {
  readonly hub: Hub;
  /** The file of the log; absent when it is in memory. */
  readonly database?: string;
}

/** Tells the metrics of a running hub. */
export class MetricsCollector {
  readonly #startTime = (Date.now() - performance.now()) / 1000;

  constructor(private readonly options: MetricsCollectorOptions) {}

  /** All metrics in Prometheus' text format. */
  async text(): Promise<string> {
    const { hub, database } = this.options;
    const { user, system } = process.cpuUsage();
    const databaseBytes = database === undefined ? undefined : await sizeOfLog(database);
    return exposition(readMetrics({
      stats: hub.census(),
      counters: hub.counters,
      memory: Deno.memoryUsage(),
      startTime: this.#startTime,
      cpuSeconds: (user + system) / 1_000_000,
      runtime: `deno ${Deno.version.deno}`,
      databaseBytes,
    }));
  }
}

/** Bytes of the log: the database, and what was written to it most recently. */
async function sizeOfLog(path: string): Promise<number | undefined> {
  const sizes = await Promise.all([path, `${path}-wal`].map(sizeOf));
  // Somebody may have moved the file: the hub goes on with it, but nobody knows its size.
  return sizes[0] === undefined ? undefined : sizes[0] + (sizes[1] ?? 0);
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await Deno.stat(path)).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
