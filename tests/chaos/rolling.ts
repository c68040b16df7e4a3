import { delay } from "../../lib/async.ts";
import { LatencyHistogram, type LatencySummary } from "../../bench/load/histogram.ts";
import { type Program, startHubProcess } from "../kit/process.ts";
import { until } from "../kit/wait.ts";
import { violations } from "./checker.ts";
import { ChaosPublisher, ChaosSubscriber, readLog } from "./clients.ts";

export interface RollingOptions {
  /** Subscribers in all rooms together. */
  readonly clients: number;
  /** Each room has one publisher. */
  readonly rooms: number;
  /** Messages per second of all publishers together. */
  readonly rate: number;
  /** Seconds over which the hub disconnects clients. */
  readonly drain: number;
  /** Seconds of load before the stop, and again after all clients have reconnected. */
  readonly seconds: number;
  /** Randomness for the delay of reconnects; default: `Math.random`. */
  readonly random?: () => number;
  readonly onProgress?: (line: string) => void;
}

/** Times are in milliseconds. */
export interface RollingReport {
  readonly clients: number;
  readonly messages: number;
  readonly acked: number;
  readonly exitCode: number;
  /** From SIGTERM to the end of the process. */
  readonly stopMs: number;
  /** From there until the next process listened. */
  readonly startMs: number;
  /** From SIGTERM until each client had reconnected. */
  readonly reconnect: LatencySummary;
  /** Clients that reconnected in each second after SIGTERM. */
  readonly reconnectsPerSecond: readonly number[];
  /** How long each client was offline. */
  readonly offline: LatencySummary;
  readonly failedAttempts: number;
  readonly violations: readonly string[];
}

/** Unacknowledged messages of a publisher at most. */
const IN_FLIGHT = 1000;

/** Stops a loaded hub with SIGTERM, restarts it on the same data, and checks that nothing is lost. */
export async function rollingStop(options: RollingOptions): Promise<RollingReport> {
  const { clients, rooms, rate, drain, onProgress = (): void => {} } = options;
  const data = await Deno.makeTempDir({ prefix: "bcast-rolling-" });
  const args = [
    ...["--data", data, "--port", String(freePort()), "--history", "1000000"],
    ...["--drain", `${drain}s`, "--log-level", "warning", "--max-connections", "20000"],
  ];
  const environment = options.random && { random: options.random };
  let hub: Program | undefined;
  try {
    const first = await startHubProcess(args);
    hub = first.program;
    const { url } = first;
    const roomOf = (n: number): string => `room-${n % rooms}`;
    const listeners = Array.from(
      { length: clients },
      (_, n) => new ChaosSubscriber(`l${n}`, roomOf(n), url, environment),
    );
    await until("all clients online", () => listeners.every(({ online }) => online));
    const publishers = Array.from(
      { length: rooms },
      (_, n) =>
        new ChaosPublisher({
          name: `p${n}`,
          room: roomOf(n),
          url,
          rate: rate / rooms,
          inFlight: IN_FLIGHT,
          environment,
        }),
    );
    await delay(options.seconds * 1000);
    onProgress(`${clients} clients, ${sum(publishers.map((p) => p.acked.length))} acked: SIGTERM`);

    const begun = performance.now();
    hub.kill("SIGTERM");
    const exitCode = await hub.exit();
    const stopMs = performance.now() - begun;
    await hub[Symbol.asyncDispose]();
    hub = (await startHubProcess(args)).program;
    const startMs = performance.now() - begun - stopMs;
    onProgress(`stopped in ${Math.round(stopMs)} ms, restarted after ${Math.round(startMs)} ms`);
    await until(
      "all clients reconnected",
      () => listeners.every((l) => l.online && l.onlineAt > begun),
    );
    await delay(options.seconds * 1000);

    await Promise.all(publishers.map((publisher) => publisher.finish()));
    const found: string[] = [];
    let messages = 0;
    for (let n = 0; n < rooms; n++) {
      const room = roomOf(n);
      const log = await readLog(url, room);
      messages += log.length;
      const here = listeners.filter((listener) => listener.room === room);
      const last = log.at(-1)?.id ?? 0;
      await until(`${room} read to its end`, () => here.every(({ last: seen }) => seen >= last));
      const acked = publishers.filter((p) => p.options.room === room).flatMap((p) => p.acked);
      const violated = violations({ log, acked, subscribers: here });
      found.push(...violated.map((violation) => `${room}: ${violation}`));
    }
    await Promise.all(listeners.map((listener) => listener.close()));
    return {
      clients,
      messages,
      acked: sum(publishers.map((publisher) => publisher.acked.length)),
      exitCode,
      stopMs: Math.round(stopMs),
      startMs: Math.round(startMs),
      reconnect: summarize(listeners.map(({ onlineAt }) => onlineAt - begun)),
      reconnectsPerSecond: perSecond(listeners.map(({ onlineAt }) => onlineAt - begun)),
      offline: summarize(listeners.map(({ onlineAt, offlineAt }) => onlineAt - offlineAt)),
      failedAttempts: sum(listeners.map(({ failedAttempts }) => failedAttempts)),
      violations: found,
    };
  } finally {
    await hub?.[Symbol.asyncDispose]();
    await Deno.remove(data, { recursive: true });
  }
}

function summarize(milliseconds: readonly number[]): LatencySummary {
  const histogram = new LatencyHistogram();
  for (const each of milliseconds) histogram.record(each * 1000);
  return histogram.summary();
}

function perSecond(milliseconds: readonly number[]): readonly number[] {
  const counts: number[] = [];
  for (const each of milliseconds) {
    const second = Math.floor(each / 1000);
    counts[second] = (counts[second] ?? 0) + 1;
  }
  return Array.from(counts, (count = 0) => count);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** A port that is free now: the restarted hub has to listen on the same one. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
