import { delay, settledWithin } from "../../lib/async.ts";
import { ABORTED, type Closed, LoadClient } from "./client.ts";
import type { LoadConversation, Ready, WireFormat } from "./wire_format.ts";
import { MaskSource } from "./frames.ts";
import { type HandshakeTarget, parseTarget } from "./handshake.ts";
import { LoadPublisher, type PublishRate } from "./publisher.ts";
import { LoadStats } from "./stats.ts";

interface GroupOptions {
  readonly url: string;
  readonly format: WireFormat;
  readonly stats: LoadStats;
  /** The maximum number of clients; decides the size of their read buffers. */
  readonly expected: number;
  /** Additional certificate authorities, as PEM. */
  readonly caCerts?: readonly string[];
}

export interface ConnectReport {
  readonly connected: number;
  readonly seconds: number;
  /** Number of failures by reason. */
  readonly failures: ReadonlyMap<string, number>;
}

/** Losses and disorder over all clients. */
export interface Integrity {
  readonly lost: number;
  readonly duplicated: number;
  readonly outOfOrder: number;
  /** Number of connections that ended early, by close code. */
  readonly closed: Readonly<Record<string, number>>;
}

// Concurrent handshakes: below any listen backlog, but enough to keep a server busy.
const CONNECTING_AT_ONCE = 128;
// All read buffers together; each client gets a share within the bounds below. Large buffers save
// system calls for few clients, small ones save memory for thousands.
const BUFFERS_BYTES = 64 * 1024 * 1024;
const MIN_BUFFER_BYTES = 4 * 1024;
const MAX_BUFFER_BYTES = 256 * 1024;
const POLL_MS = 20;

/** Many clients in one process, some of which publish. */
export class LoadGroup implements Disposable {
  readonly stats: LoadStats;
  readonly clients: LoadClient[] = [];
  readonly publishers: LoadPublisher[] = [];
  readonly #format: WireFormat;
  readonly #target: HandshakeTarget;
  readonly #masks = new MaskSource();
  readonly #bufferBytes: number;
  readonly #caCerts: readonly string[];
  readonly #closed = new Map<string, number>();
  #leaving = false;

  constructor(options: GroupOptions) {
    this.stats = options.stats;
    this.#format = options.format;
    this.#target = options.format.target(parseTarget(options.url));
    this.#caCerts = options.caCerts ?? [];
    this.#bufferBytes = Math.min(
      MAX_BUFFER_BYTES,
      Math.max(MIN_BUFFER_BYTES, Math.floor(BUFFERS_BYTES / Math.max(1, options.expected))),
    );
  }

  /** Connects clients; each is in its room when this resolves. */
  async connect(
    conversations: readonly LoadConversation[],
    onReady?: (client: LoadClient, ready: Ready) => void,
    signal?: AbortSignal,
  ): Promise<ConnectReport> {
    const failures = new Map<string, number>();
    const started = performance.now();
    const before = this.clients.length;
    let next = 0;
    const connectOnes = async (): Promise<void> => {
      while (next < conversations.length && !signal?.aborted) {
        const conversation = conversations[next++];
        if (conversation === undefined) return;
        try {
          const { client, ready } = await this.#connectOne(conversation);
          onReady?.(client, ready);
        } catch (error) {
          const reason = error instanceof Error ? error.message : String(error);
          failures.set(reason, (failures.get(reason) ?? 0) + 1);
        }
      }
    };
    const loops = Math.min(CONNECTING_AT_ONCE, conversations.length);
    await Promise.all(Array.from({ length: loops }, connectOnes));
    return {
      connected: this.clients.length - before,
      seconds: (performance.now() - started) / 1000,
      failures,
    };
  }

  /** Conversations for clients numbered from `from` on. */
  conversations(count: number, from = 0): LoadConversation[] {
    return Array.from({ length: count }, (_, i) => this.#format.conversation(from + i));
  }

  /** Makes the first `count` clients publish. */
  addPublishers(count: number, size: number, pace: PublishRate): void {
    for (const client of this.clients.slice(0, count)) {
      const index = this.publishers.length;
      this.publishers.push(
        new LoadPublisher(client, index, this.#format.template(index, size), pace),
      );
    }
  }

  start(): void {
    for (const publisher of this.publishers) publisher.start();
  }

  stop(): void {
    for (const publisher of this.publishers) publisher.stop();
  }

  get sent(): number {
    return this.publishers.reduce((sum, publisher) => sum + publisher.sent, 0);
  }

  /** Waits until all clients have the newest message, or nothing arrived for `quietMs`. */
  async settle(options: { readonly except?: LoadClient; readonly quietMs?: number } = {}): Promise<
    void
  > {
    const { except, quietMs = 2_000 } = options;
    const clients = this.clients.filter((client) => client !== except);
    let seen = -1;
    let since = performance.now();
    while (performance.now() - since < quietMs) {
      const top = this.#top();
      if (this.stats.deliveries === seen && clients.every((c) => c.tracker.last === top)) {
        return;
      }
      if (this.stats.deliveries !== seen) {
        seen = this.stats.deliveries;
        since = performance.now();
      }
      await delay(POLL_MS);
    }
  }

  /** Call it when no more messages are expected. Ignores the client `except`. */
  integrity(except?: LoadClient): Integrity {
    let lost = 0, duplicated = 0, outOfOrder = 0;
    const top = this.#top();
    for (const client of this.clients) {
      if (client === except) continue;
      client.tracker.finish(top);
      lost += client.tracker.lost;
      duplicated += client.tracker.duplicated;
      outOfOrder += client.tracker.outOfOrder;
    }
    return { lost, duplicated, outOfOrder, closed: Object.fromEntries(this.#closed) };
  }

  /** Closes all connections and waits at most `timeoutMs` for the responses. */
  async close(timeoutMs = 2_000): Promise<void> {
    this.#leaving = true;
    this.stop();
    for (const client of this.clients) client.close();
    await settledWithin(Promise.all(this.clients.map((client) => client.closed)), timeoutMs);
    this[Symbol.dispose]();
  }

  /** Drops all connections and forgets the clients. */
  abort(): void {
    for (const client of this.clients.splice(0)) client.abort();
  }

  /** Stops publishing and drops all connections. */
  [Symbol.dispose](): void {
    this.stop();
    this.abort();
  }

  async #connectOne(
    conversation: LoadConversation,
  ): Promise<{ client: LoadClient; ready: Ready }> {
    const connected = await LoadClient.connect({
      target: this.#target,
      protocol: this.#format.protocol,
      expectsGreeting: this.#format.sendsGreeting,
      conversation,
      stats: this.stats,
      masks: this.#masks,
      bufferBytes: this.#bufferBytes,
      caCerts: this.#caCerts,
    });
    this.clients.push(connected.client);
    void connected.client.closed.then((end) => this.#recordClose(end));
    return connected;
  }

  #recordClose({ code, reason }: Closed): void {
    if (this.#leaving || reason === ABORTED) return;
    const key = reason === "" ? String(code) : `${code} ${reason}`;
    this.#closed.set(key, (this.#closed.get(key) ?? 0) + 1);
  }

  #top(): number {
    return this.clients.reduce((top, client) => Math.max(top, client.tracker.last), 0);
  }
}
