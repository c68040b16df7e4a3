import process from "node:process";
import type { Clock } from "../hub/clock.ts";
import { Histogram } from "../hub/histogram.ts";
import type { Hub } from "../hub/hub.ts";
import { exposition } from "./exposition.ts";
import { readMetrics } from "./metrics.ts";

/** Milliseconds between two samples of the event loop's lag. */
const LAG_PERIOD = 1000;

/** Seconds: from what nobody notices to what everybody does. */
const LAG_BOUNDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5] as const;

/** What is watched. */
export interface MonitorOptions {
  readonly hub: Hub;
  readonly clock: Clock;
  /** The file of the log; absent when it is in memory. */
  readonly database?: string;
}

/** Watches a running hub, and tells its metrics. */
export class Monitor implements Disposable {
  readonly #lag = new Histogram(LAG_BOUNDS);
  readonly #sampling: Disposable;
  readonly #startTime = (Date.now() - performance.now()) / 1000;

  constructor(private readonly options: MonitorOptions) {
    const { clock } = options;
    let last = clock.monotonic();
    this.#sampling = clock.every(LAG_PERIOD, () => {
      const now = clock.monotonic();
      this.#lag.observe(Math.max(0, now - last - LAG_PERIOD) / 1000);
      last = now;
    });
  }

  /** All metrics in Prometheus' text format. */
  async text(): Promise<string> {
    const { hub, database } = this.options;
    const { user, system } = process.cpuUsage();
    const databaseBytes = database === undefined ? undefined : await sizeOfLog(database);
    return exposition(readMetrics({
      census: hub.census(),
      counters: hub.counters,
      lag: this.#lag,
      memory: Deno.memoryUsage(),
      startTime: this.#startTime,
      cpuSeconds: (user + system) / 1_000_000,
      runtime: `deno ${Deno.version.deno}`,
      databaseBytes,
    }));
  }

  [Symbol.dispose](): void {
    this.#sampling[Symbol.dispose]();
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
