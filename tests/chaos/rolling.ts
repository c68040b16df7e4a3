import { delay } from "../../lib/async.ts";
import { type ClientConnection, connect, type Environment } from "../../client.ts";
import { LatencyHistogram, type LatencySummary } from "../../bench/load/histogram.ts";
import { type Program, startHubProcess } from "../kit/process.ts";
import { until } from "../kit/wait.ts";
import { type Evidence, type Seen, violations } from "./checker.ts";

/** One stop of a hub under load, and its return. */
export interface RollingOptions {
  /** Clients that listen, over all rooms. */
  readonly clients: number;
  /** Rooms; each has a publisher. */
  readonly rooms: number;
  /** Messages a second, over all publishers. */
  readonly rate: number;
  /** Seconds over which the hub spreads its goodbyes. */
  readonly drain: number;
  /** Seconds of load before the stop, and after everybody is back. */
  readonly seconds: number;
  /** Chance of the clients, for their return; default: the machine's. */
  readonly random?: () => number;
  readonly onProgress?: (line: string) => void;
}

/** What it came to; times in milliseconds. */
export interface RollingReport {
  readonly clients: number;
  readonly messages: number;
  readonly acked: number;
  readonly exitCode: number;
  /** From SIGTERM to the end of the process. */
  readonly stopMs: number;
  /** From there until the next one listened. */
  readonly startMs: number;
  /** From SIGTERM to when each client was back. */
  readonly back: LatencySummary;
  /** How many were back in each second from SIGTERM on. */
  readonly backInSecond: readonly number[];
  /** How long each client was away. */
  readonly away: LatencySummary;
  /** How often clients knocked in vain. */
  readonly failedTries: number;
  readonly violations: readonly string[];
}

/** Messages that a publisher has under way at most. */
const IN_FLIGHT = 1000;

/** Stops a loaded hub calmly, starts it again at once on the same data, and looks for losses. */
export async function rollingStop(options: RollingOptions): Promise<RollingReport> {
  const { clients, rooms, rate, drain, onProgress = (): void => {} } = options;
  const data = await Deno.makeTempDir({ prefix: "bcast-rolling-" });
  const args = [
    ...["--data", data, "--port", String(freePort()), "--history", "1000000"],
    ...["--drain", `${drain}s`, "--log-level", "warning", "--max-connections", "20000"],
  ];
  const seams: Partial<Environment> = options.random === undefined
    ? {}
    : { random: options.random };
  let hub: Program | undefined;
  try {
    const first = await startHubProcess(args);
    hub = first.program;
    const { url } = first;
    const roomOf = (n: number): string => `room-${n % rooms}`;
    const listeners = Array.from(
      { length: clients },
      (_, n) => new RollingListener(`l${n}`, roomOf(n), url, seams),
    );
    await until("everybody online", () => listeners.every(({ online }) => online));
    const publishers = Array.from(
      { length: rooms },
      (_, n) => new RollingPublisher(`p${n}`, roomOf(n), url, rate / rooms, seams),
    );
    await delay(options.seconds * 1000);
    onProgress(`${clients} clients, ${sum(publishers.map((p) => p.acked.length))} acked: SIGTERM`);

    const begun = performance.now();
    for (const listener of listeners) listener.stopBegins(begun);
    hub.kill("SIGTERM");
    const exitCode = await hub.exit();
    const stopMs = performance.now() - begun;
    await hub[Symbol.asyncDispose]();
    hub = (await startHubProcess(args)).program;
    const startMs = performance.now() - begun - stopMs;
    onProgress(`stopped in ${Math.round(stopMs)} ms, back after ${Math.round(startMs)} ms`);
    await until("everybody back", () => listeners.every((l) => l.online && l.backAt > 0));
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
      const acked = publishers.filter((p) => p.room === room).flatMap((p) => p.acked);
      const evidence: Evidence = { log, acked, subscribers: here };
      found.push(...violations(evidence).map((violation) => `${room}: ${violation}`));
    }
    await Promise.all(listeners.map((listener) => listener.end()));
    return {
      clients,
      messages,
      acked: sum(publishers.map((publisher) => publisher.acked.length)),
      exitCode,
      stopMs: Math.round(stopMs),
      startMs: Math.round(startMs),
      back: spread(listeners.map(({ backAt }) => backAt - begun)),
      backInSecond: perSecond(listeners.map(({ backAt }) => backAt - begun)),
      away: spread(listeners.map(({ backAt, leftAt }) => backAt - leftAt)),
      failedTries: sum(listeners.map(({ failedTries }) => failedTries)),
      violations: found,
    };
  } finally {
    await hub?.[Symbol.asyncDispose]();
    await Deno.remove(data, { recursive: true });
  }
}

/** One who reads everything, and notes when it was away. */
class RollingListener {
  readonly seen: Seen[] = [];
  unrecovered = 0;
  online = false;
  failedTries = 0;
  /** When it was told to go, and when it was back, on the clock of `performance`. */
  leftAt = 0;
  backAt = 0;
  #stopAt = Infinity;
  readonly #conversation: ClientConnection;
  readonly #reading: Promise<void>;

  constructor(
    readonly name: string,
    readonly room: string,
    url: string,
    seams: Partial<Environment>,
  ) {
    const rooms = [{ room, after: 0 }];
    this.#conversation = connect({ url, sender: name, rooms, retryFirst: true }, seams);
    this.#reading = this.#read();
  }

  get last(): number {
    return this.seen.at(-1)?.id ?? 0;
  }

  stopBegins(at: number): void {
    this.#stopAt = at;
  }

  async end(): Promise<void> {
    await this.#conversation.close();
    await this.#reading;
  }

  async #read(): Promise<void> {
    for await (const event of this.#conversation) {
      const now = performance.now();
      if (event.type === "online") {
        this.online = true;
        if (now > this.#stopAt) this.backAt = now;
      } else if (event.type === "offline") {
        if (this.online) this.leftAt = now;
        else this.failedTries++;
        this.online = false;
      } else if (event.type === "joined" && event.rejoined && !event.recovered) {
        this.unrecovered++;
      } else if (event.type === "message") {
        this.seen.push({ id: event.id, sender: event.sender, message: event.message ?? "" });
      }
    }
  }
}

/** One who sends at a steady rate, and keeps what was acked. */
class RollingPublisher {
  readonly acked: { id: number; message: string }[] = [];
  readonly #conversation: ClientConnection;
  readonly #sending: Promise<void>;
  #stopping = false;

  constructor(
    readonly name: string,
    readonly room: string,
    url: string,
    rate: number,
    seams: Partial<Environment>,
  ) {
    const options = { url, sender: name, rooms: [{ room }], echo: false, retryFirst: true };
    this.#conversation = connect(options, seams);
    this.#sending = this.#send(rate);
  }

  /** Sends no more, and waits until everything is acked. */
  async finish(): Promise<void> {
    this.#stopping = true;
    await this.#sending;
    await this.#conversation.flush();
    await this.#conversation.close();
  }

  async #send(rate: number): Promise<void> {
    const begun = performance.now();
    let number = 0;
    while (!this.#stopping) {
      const due = (performance.now() - begun) * rate / 1000;
      while (number < due && this.#conversation.pending < IN_FLIGHT) {
        const message = `${this.name}:${++number}`;
        this.#conversation.send({ room: this.room, message })
          .then(({ id }) => this.acked.push({ id, message }));
      }
      await delay(5);
    }
  }
}

async function readLog(url: string, room: string): Promise<Seen[]> {
  await using reader = connect({ url, rooms: [] });
  const log: Seen[] = [];
  for (;;) {
    const after = log.at(-1)?.id ?? 0;
    const { messages, more } = await reader.history(room, { after, limit: 500 });
    for (const { id, sender, message = "" } of messages) log.push({ id, sender, message });
    if (!more) return log;
  }
}

function spread(milliseconds: readonly number[]): LatencySummary {
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

/** A port that was free a moment ago: the hub has to find the same one again. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
