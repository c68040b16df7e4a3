import { delay } from "../../lib/async.ts";
import { type ClientConnection, connect } from "../../client.ts";
import { Program, startHubProcess } from "../kit/process.ts";
import { type Evidence, type Seen, violations } from "./checker.ts";
import { ChaosProxy, type ProxyCounts, type Weather } from "./proxy.ts";
import { Chance } from "./random.ts";

/** One run of chaos. */
export interface ChaosOptions {
  readonly seed: number;
  /** Seconds of chaos; the calm after it, in which everybody catches up, comes on top. */
  readonly seconds: number;
  readonly publishers: number;
  readonly subscribers: number;
  /** Messages a second of each publisher. */
  readonly rate: number;
  readonly weather: Weather;
  /** Milliseconds between two kills of the hub, at least and at most. */
  readonly killEvery: readonly [number, number];
  readonly onProgress?: (line: string) => void;
}

/** What a run came to. */
export interface ChaosReport extends ProxyCounts {
  readonly seed: number;
  readonly messages: number;
  readonly acked: number;
  readonly kills: number;
  readonly reconnects: number;
  readonly violations: readonly string[];
}

const ROOM = "chaos";

/** Messages that a publisher has under way at most. */
const IN_FLIGHT = 32;

/** Milliseconds in which everybody must be whole again once the weather is fine. */
const CALM = 60_000;

/** Bad weather that a test can afford. */
export const BAD_WEATHER: Weather = { delayed: 0.05, maxDelay: 20, split: 0.1, cut: 0.0005 };

/** Publishers and subscribers, bad weather between them and a hub that is killed now and then. */
export async function chaos(options: ChaosOptions): Promise<ChaosReport> {
  const chance = new Chance(options.seed);
  const data = await Deno.makeTempDir({ prefix: "bcast-chaos-" });
  const over = new AbortController();
  try {
    await using proxy = new ChaosProxy(chance, options.weather);
    await using hub = await Hub.start(data, proxy);
    const subscribers = Array.from({ length: options.subscribers }, (_, n) => {
      return new Subscriber(`s${n}`, proxy.url, over.signal);
    });
    const publishers = Array.from({ length: options.publishers }, (_, n) => {
      return new ChaosPublisher(`p${n}`, proxy.url, options.rate);
    });
    const stalled = stall(hub, over.signal);

    const end = Date.now() + options.seconds * 1000;
    let kills = 0;
    while (Date.now() < end) {
      await delay(Math.min(chance.between(...options.killEvery), Math.max(0, end - Date.now())));
      if (Date.now() >= end) break;
      await hub.kill();
      kills++;
      options.onProgress?.(
        `${Math.round((end - Date.now()) / 1000)} s to go, ${kills} kills, ` +
          `${publishers.reduce((sum, publisher) => sum + publisher.acked.length, 0)} acked`,
      );
      await delay(chance.between(0, 1000));
      await hub.restart();
    }

    await Promise.all(publishers.map((publisher) => publisher.finish()));
    const log = await readLog(hub.url);
    const last = log.at(-1)?.id ?? 0;
    const calm = AbortSignal.timeout(CALM);
    await Promise.all(subscribers.map((subscriber) => subscriber.reaches(last, calm)));
    over.abort();
    await Promise.all([...subscribers.map((subscriber) => subscriber.end()), stalled]);
    const acked = publishers.flatMap((publisher) => publisher.acked);
    const evidence: Evidence = { log, acked, subscribers };
    return {
      seed: options.seed,
      messages: log.length,
      acked: acked.length,
      kills,
      reconnects: subscribers.reduce((sum, { reconnects }) => sum + reconnects, 0),
      ...proxy.counts,
      violations: violations(evidence),
    };
  } finally {
    over.abort();
    await Deno.remove(data, { recursive: true });
  }
}

/** The hub as a process that dies and comes back on the same data. */
class Hub implements AsyncDisposable {
  private constructor(
    private readonly data: string,
    private readonly proxy: ChaosProxy,
    private program: Program,
    public url: string,
  ) {
    this.#aim();
  }

  static async start(data: string, proxy: ChaosProxy): Promise<Hub> {
    const { program, url } = await Hub.#spawn(data);
    return new Hub(data, proxy, program, url);
  }

  static #spawn(data: string): ReturnType<typeof startHubProcess> {
    const kept = ["--history", "1000000", "--log-level", "warning"];
    return startHubProcess(["--data", data, ...kept, "--max-outbox-bytes", String(256 * 1024)]);
  }

  #aim(): void {
    this.proxy.target = Number(new URL(this.url).port);
  }

  async kill(): Promise<void> {
    this.proxy.target = undefined;
    this.program.kill("SIGKILL");
    await this.program.exit();
  }

  async restart(): Promise<void> {
    await this.program[Symbol.asyncDispose]();
    const { program, url } = await Hub.#spawn(this.data);
    this.program = program;
    this.url = url;
    this.#aim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
  }
}

class Subscriber {
  readonly seen: Seen[] = [];
  unrecovered = 0;
  reconnects = 0;
  readonly #conversation: ClientConnection;
  readonly #reading: Promise<void>;
  #wake: (() => void) | undefined;

  constructor(readonly name: string, url: string, signal: AbortSignal) {
    const rooms = [{ room: ROOM, after: 0 }];
    this.#conversation = connect({ url, sender: name, rooms, retryFirst: true, signal });
    this.#reading = this.#read();
  }

  async #read(): Promise<void> {
    for await (const event of this.#conversation) {
      if (event.type === "online" && event.reconnected) this.reconnects++;
      if (event.type === "joined" && event.rejoined && !event.recovered) this.unrecovered++;
      if (event.type !== "message") continue;
      this.seen.push({ id: event.id, sender: event.sender, message: event.message ?? "" });
      this.#wake?.();
    }
  }

  /** Waits until `id` was seen, or gives up when `signal` says so: the checker tells what is missing. */
  async reaches(id: number, signal: AbortSignal): Promise<void> {
    while ((this.seen.at(-1)?.id ?? 0) < id && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    }
  }

  async end(): Promise<void> {
    await this.#conversation.close();
    await this.#reading;
  }
}

class ChaosPublisher {
  readonly acked: { id: number; message: string }[] = [];
  readonly #conversation: ClientConnection;
  readonly #sending: Promise<void>;
  #stopping = false;

  constructor(readonly name: string, url: string, rate: number) {
    this.#conversation = connect({
      url,
      sender: name,
      rooms: [{ room: ROOM, history: 0 }],
      echo: false,
      retryFirst: true,
    });
    this.#sending = this.#send(1000 / rate);
  }

  async #send(gap: number): Promise<void> {
    let number = 0;
    while (!this.#stopping) {
      if (this.#conversation.pending < IN_FLIGHT) {
        const message = `${this.name}:${++number}`;
        this.#conversation.send({ room: ROOM, message })
          .then(({ id }) => this.acked.push({ id, message }));
      }
      await delay(gap);
    }
  }

  /** Sends no more, and waits until everything is acked. */
  async finish(): Promise<void> {
    this.#stopping = true;
    await this.#sending;
    await this.#conversation.flush();
    await this.#conversation.close();
  }
}

/** A client that joins, and never reads; it comes back as often as it is thrown out. */
async function stall(hub: Hub, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      using socket = await Deno.connect({
        hostname: "127.0.0.1",
        port: Number(new URL(hub.url).port),
      });
      await socket.write(new TextEncoder().encode(
        `GET /?room=${ROOM} HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
      ));
      for (let n = 0; n < 20 && !signal.aborted; n++) await delay(100);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      // The hub is being killed at this very moment.
      await delay(100);
    }
  }
}

async function readLog(url: string): Promise<Seen[]> {
  await using reader = connect({ url, rooms: [] });
  const log: Seen[] = [];
  for (;;) {
    const after = log.at(-1)?.id ?? 0;
    const { messages, more } = await reader.history(ROOM, { after, limit: 500 });
    for (const { id, sender, message = "" } of messages) log.push({ id, sender, message });
    if (!more) return log;
  }
}
