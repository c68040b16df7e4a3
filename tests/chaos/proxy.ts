import { delay } from "../../lib/async.ts";
import { writeAll } from "../../lib/files.ts";
import type { Chance } from "./random.ts";

/** How bad the network is. */
export interface Weather {
  /** Probability that a piece is delayed. */
  readonly delayed: number;
  /** Milliseconds of such a delay at most. */
  readonly maxDelay: number;
  /** Probability that what was read in one piece is written in several. */
  readonly split: number;
  /** Probability, for each piece, that the connection is cut instead of passing it on. */
  readonly cut: number;
}

/** What a proxy did. */
export interface ProxyCounts {
  connections: number;
  delays: number;
  splits: number;
  cuts: number;
}

const BUFFER_BYTES = 16 * 1024;

/** A TCP proxy in bad weather: delays, splits and cuts whatever goes through it. */
export class ChaosProxy implements AsyncDisposable {
  readonly counts: ProxyCounts = { connections: 0, delays: 0, splits: 0, cuts: 0 };
  /** The port of the hub; connections fail while there is none. */
  target: number | undefined;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.TcpConn>();
  readonly #accepting: Promise<void>;

  constructor(private readonly chance: Chance, private readonly weather: Weather) {
    this.#accepting = this.#accept();
  }

  /** Where clients connect. */
  get url(): string {
    return `ws://127.0.0.1:${this.#listener.addr.port}/`;
  }

  /** Cuts every connection at once. */
  cutAll(): void {
    for (const connection of this.#open) close(connection);
    this.#open.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.cutAll();
    await this.#accepting;
  }

  async #accept(): Promise<void> {
    const serving: Promise<void>[] = [];
    for await (const client of this.#listener) serving.push(this.#serve(client));
    await Promise.all(serving);
  }

  async #serve(client: Deno.TcpConn): Promise<void> {
    this.counts.connections++;
    this.#open.add(client);
    let hub: Deno.TcpConn | undefined;
    try {
      if (this.target === undefined) return;
      hub = await Deno.connect({ hostname: "127.0.0.1", port: this.target });
      this.#open.add(hub);
      await Promise.race([this.#copy(client, hub), this.#copy(hub, client)]);
    } catch (error) {
      if (!isBroken(error)) throw error;
    } finally {
      for (const connection of [client, hub]) {
        if (connection === undefined) continue;
        this.#open.delete(connection);
        close(connection);
      }
    }
  }

  async #copy(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
    const { chance, weather, counts } = this;
    const buffer = new Uint8Array(BUFFER_BYTES);
    try {
      for (;;) {
        const length = await from.read(buffer);
        if (length === null) return;
        if (chance.happens(weather.cut)) {
          counts.cuts++;
          // Half of what was read arrives: a frame may end anywhere.
          await writeAll(to, buffer.subarray(0, length >> 1));
          return;
        }
        if (chance.happens(weather.delayed)) {
          counts.delays++;
          await delay(chance.between(1, weather.maxDelay));
        }
        let start = 0;
        if (chance.happens(weather.split)) {
          counts.splits++;
          start = chance.between(1, length);
          await writeAll(to, buffer.subarray(0, start));
          await delay(0);
        }
        await writeAll(to, buffer.subarray(start, length));
      }
    } catch (error) {
      if (!isBroken(error)) throw error;
    }
  }
}

/** Whether `error` is what a connection that ends under way looks like. */
function isBroken(error: unknown): boolean {
  return error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted ||
    error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.ConnectionRefused || error instanceof Deno.errors.NotConnected ||
    error instanceof Deno.errors.ConnectionAborted;
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
