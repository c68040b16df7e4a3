import { delay } from "../../lib/async.ts";
import { writeAll } from "../../lib/files.ts";
import { isDisconnect } from "../kit/raw_http.ts";
import type { SeededRandom } from "./random.ts";

export interface NetworkFaults {
  /** Probability that a piece is delayed. */
  readonly delayed: number;
  /** The longest such delay, in milliseconds. */
  readonly maxDelay: number;
  /** Probability that a piece is written in two parts. */
  readonly split: number;
  /** Probability that the connection is cut in the middle of a piece. */
  readonly cut: number;
}

export interface ProxyCounts {
  connections: number;
  delays: number;
  splits: number;
  cuts: number;
}

const BUFFER_BYTES = 16 * 1024;

/** A TCP proxy that delays, splits and cuts at random. */
export class ChaosProxy implements AsyncDisposable {
  readonly counts: ProxyCounts = { connections: 0, delays: 0, splits: 0, cuts: 0 };
  /** The port of the hub; connections fail while there is none. */
  target: number | undefined;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.TcpConn>();
  readonly #accepting: Promise<void>;

  constructor(private readonly random: SeededRandom, private readonly faults: NetworkFaults) {
    this.#accepting = this.#accept();
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#listener.addr.port}/`;
  }

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
      if (!isDisconnect(error)) throw error;
    } finally {
      for (const connection of [client, hub]) {
        if (connection === undefined) continue;
        this.#open.delete(connection);
        close(connection);
      }
    }
  }

  async #copy(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
    const { random, faults, counts } = this;
    const buffer = new Uint8Array(BUFFER_BYTES);
    try {
      for (;;) {
        const length = await from.read(buffer);
        if (length === null) return;
        if (random.chance(faults.cut)) {
          counts.cuts++;
          // Half of the piece arrives: a frame may end anywhere.
          await writeAll(to, buffer.subarray(0, length >> 1));
          return;
        }
        if (random.chance(faults.delayed)) {
          counts.delays++;
          await delay(random.between(1, faults.maxDelay));
        }
        let start = 0;
        if (random.chance(faults.split)) {
          counts.splits++;
          start = random.between(1, length);
          await writeAll(to, buffer.subarray(0, start));
          await delay(0);
        }
        await writeAll(to, buffer.subarray(start, length));
      }
    } catch (error) {
      if (!isDisconnect(error)) throw error;
    }
  }
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
