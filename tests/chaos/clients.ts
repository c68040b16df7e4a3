import { delay } from "../../lib/async.ts";
import { type ClientConnection, connect, type Environment } from "../../client.ts";
import type { Seen } from "./checker.ts";

/** A client that receives every message of a room, and records when it was disconnected. */
export class ChaosSubscriber {
  readonly seen: Seen[] = [];
  /** How often the hub could not resume where the subscriber had stopped. */
  unrecovered = 0;
  reconnects = 0;
  failedAttempts = 0;
  online = false;
  /** When it last went offline and online, on the clock of `performance`. */
  offlineAt = 0;
  onlineAt = 0;
  readonly #connection: ClientConnection;
  readonly #reading: Promise<void>;
  #wake: (() => void) | undefined;

  constructor(
    readonly name: string,
    readonly room: string,
    url: string,
    environment?: Partial<Environment>,
  ) {
    const rooms = [{ room, after: 0 }];
    this.#connection = connect({ url, sender: name, rooms, retryFirst: true }, environment);
    this.#reading = this.#read();
  }

  get last(): number {
    return this.seen.at(-1)?.id ?? 0;
  }

  /** Waits for message `id` until `signal` aborts; the checker reports missing messages. */
  async receives(id: number, signal: AbortSignal): Promise<void> {
    while (this.last < id && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    }
  }

  async close(): Promise<void> {
    await this.#connection.close();
    await this.#reading;
  }

  async #read(): Promise<void> {
    for await (const event of this.#connection) {
      if (event.type === "online") {
        this.online = true;
        this.onlineAt = performance.now();
        if (event.reconnected) this.reconnects++;
      } else if (event.type === "offline") {
        if (this.online) this.offlineAt = performance.now();
        else this.failedAttempts++;
        this.online = false;
      } else if (event.type === "joined" && event.rejoined && !event.recovered) {
        this.unrecovered++;
      } else if (event.type === "message") {
        this.seen.push({ id: event.id, sender: event.sender, message: event.message ?? "" });
        this.#wake?.();
      }
    }
  }
}

export interface ChaosPublisherOptions {
  readonly name: string;
  readonly room: string;
  readonly url: string;
  /** Messages per second. */
  readonly rate: number;
  /** Unacknowledged messages at most. */
  readonly inFlight: number;
  readonly environment?: Partial<Environment> | undefined;
}

/** A client that sends numbered messages at a steady rate, and records the acks. */
export class ChaosPublisher {
  readonly acked: { id: number; message: string }[] = [];
  readonly #connection: ClientConnection;
  readonly #sending: Promise<void>;
  #stopping = false;

  constructor(readonly options: ChaosPublisherOptions) {
    const { name, room, url, environment } = options;
    const rooms = [{ room, recent: 0 }];
    const settings = { url, sender: name, rooms, echo: false, retryFirst: true };
    this.#connection = connect(settings, environment);
    this.#sending = this.#send();
  }

  /** Stops sending, and waits until everything is acked. */
  async finish(): Promise<void> {
    this.#stopping = true;
    await this.#sending;
    await this.#connection.flush();
    await this.#connection.close();
  }

  async #send(): Promise<void> {
    const { name, room, rate, inFlight } = this.options;
    const begun = performance.now();
    let number = 0;
    while (!this.#stopping) {
      const due = (performance.now() - begun) * rate / 1000;
      while (number < due && this.#connection.pending < inFlight) {
        const message = `${name}:${++number}`;
        this.#connection.send({ room, message }).then(({ id }) => this.acked.push({ id, message }));
      }
      await delay(5);
    }
  }
}

/** The whole log of a room, oldest message first. */
export async function readLog(url: string, room: string): Promise<Seen[]> {
  await using reader = connect({ url, rooms: [] });
  const log: Seen[] = [];
  let after = 0;
  for (;;) {
    const { messages, newest, more } = await reader.history(room, { after, limit: 500 });
    for (const { id, sender, message = "" } of messages) log.push({ id, sender, message });
    if (!more || newest === undefined) return log;
    after = newest;
  }
}
