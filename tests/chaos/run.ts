import { delay } from "../../lib/async.ts";
import { type Program, startHubProcess } from "../kit/process.ts";
import { UPGRADE } from "../kit/raw_http.ts";
import { violations } from "./checker.ts";
import { ChaosPublisher, ChaosSubscriber, readLog } from "./clients.ts";
import { ChaosProxy, type NetworkFaults, type ProxyCounts } from "./proxy.ts";
import { SeededRandom } from "./random.ts";

export interface ChaosOptions {
  readonly seed: number;
  /** Seconds of faults; afterwards clients get up to a minute to catch up. */
  readonly seconds: number;
  readonly publishers: number;
  readonly subscribers: number;
  /** Messages per second of each publisher. */
  readonly rate: number;
  readonly faults: NetworkFaults;
  /** Minimum and maximum milliseconds between two kills of the hub. */
  readonly killEvery: readonly [number, number];
  readonly onProgress?: (line: string) => void;
}

export interface ChaosReport extends ProxyCounts {
  readonly seed: number;
  readonly messages: number;
  readonly acked: number;
  readonly kills: number;
  readonly reconnects: number;
  readonly violations: readonly string[];
}

const ROOM = "chaos";

/** Unacknowledged messages of a publisher at most. */
const IN_FLIGHT = 32;

/** Milliseconds for clients to catch up after the last fault. */
const CATCH_UP_MS = 60_000;

/** Faults as frequent as a test can afford. */
export const NETWORK_FAULTS: NetworkFaults = {
  delayed: 0.05,
  maxDelay: 20,
  split: 0.1,
  cut: 0.0005,
};

/** Runs publishers and subscribers through a faulty network, and kills the hub repeatedly. */
export async function chaos(options: ChaosOptions): Promise<ChaosReport> {
  const random = new SeededRandom(options.seed);
  const data = await Deno.makeTempDir({ prefix: "bcast-chaos-" });
  const over = new AbortController();
  try {
    await using proxy = new ChaosProxy(random, options.faults);
    await using hub = await RestartableHub.start(data, proxy);
    const subscribers = Array.from({ length: options.subscribers }, (_, n) => {
      return new ChaosSubscriber(`s${n}`, ROOM, proxy.url);
    });
    const publishers = Array.from({ length: options.publishers }, (_, n) => {
      return new ChaosPublisher({
        name: `p${n}`,
        room: ROOM,
        url: proxy.url,
        rate: options.rate,
        inFlight: IN_FLIGHT,
      });
    });
    const stalled = stall(hub, over.signal);

    const end = Date.now() + options.seconds * 1000;
    let kills = 0;
    while (Date.now() < end) {
      await delay(Math.min(random.between(...options.killEvery), Math.max(0, end - Date.now())));
      if (Date.now() >= end) break;
      await hub.kill();
      kills++;
      options.onProgress?.(
        `${Math.round((end - Date.now()) / 1000)} s to go, ${kills} kills, ` +
          `${publishers.reduce((sum, publisher) => sum + publisher.acked.length, 0)} acked`,
      );
      await delay(random.between(0, 1000));
      await hub.restart();
    }

    await Promise.all(publishers.map((publisher) => publisher.finish()));
    const log = await readLog(hub.url, ROOM);
    const last = log.at(-1)?.id ?? 0;
    const deadline = AbortSignal.timeout(CATCH_UP_MS);
    await Promise.all(subscribers.map((subscriber) => subscriber.receives(last, deadline)));
    over.abort();
    await Promise.all([...subscribers.map((subscriber) => subscriber.close()), stalled]);
    const acked = publishers.flatMap((publisher) => publisher.acked);
    return {
      seed: options.seed,
      messages: log.length,
      acked: acked.length,
      kills,
      reconnects: subscribers.reduce((sum, { reconnects }) => sum + reconnects, 0),
      ...proxy.counts,
      violations: violations({ log, acked, subscribers }),
    };
  } finally {
    over.abort();
    await Deno.remove(data, { recursive: true });
  }
}

/** A hub process that restarts on the same data. */
class RestartableHub implements AsyncDisposable {
  private constructor(
    private readonly data: string,
    private readonly proxy: ChaosProxy,
    private program: Program,
    public url: string,
  ) {
    this.#redirectProxy();
  }

  static async start(data: string, proxy: ChaosProxy): Promise<RestartableHub> {
    const { program, url } = await RestartableHub.#spawn(data);
    return new RestartableHub(data, proxy, program, url);
  }

  static #spawn(data: string): ReturnType<typeof startHubProcess> {
    const options = ["--history", "1000000", "--log-level", "warning"];
    return startHubProcess(["--data", data, ...options, "--max-outbox-bytes", String(256 * 1024)]);
  }

  #redirectProxy(): void {
    this.proxy.target = Number(new URL(this.url).port);
  }

  async kill(): Promise<void> {
    this.proxy.target = undefined;
    this.program.kill("SIGKILL");
    await this.program.exit();
  }

  async restart(): Promise<void> {
    await this.program[Symbol.asyncDispose]();
    const { program, url } = await RestartableHub.#spawn(this.data);
    this.program = program;
    this.url = url;
    this.#redirectProxy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
  }
}

/** A client that joins and never reads; it reconnects whenever the hub disconnects it. */
async function stall(hub: RestartableHub, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      using socket = await Deno.connect({
        hostname: "127.0.0.1",
        port: Number(new URL(hub.url).port),
      });
      await socket.write(new TextEncoder().encode(
        `GET /?room=${ROOM} HTTP/1.1\r\nHost: hub\r\n${UPGRADE}\r\n`,
      ));
      for (let n = 0; n < 20 && !signal.aborted; n++) await delay(100);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      // The hub is being killed or restarted.
      await delay(100);
    }
  }
}
