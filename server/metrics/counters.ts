import { CLOSE, type ErrorCode } from "../../protocol.ts";

/** Seconds: a batch takes tens of microseconds, or milliseconds if it waits for the disk. */
const APPEND_BOUNDS = [
  ...[0.00002, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05],
  ...[0.1, 0.5, 2.5],
];

/** Seconds: from unnoticeable to obvious. */
const LAG_BOUNDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

const BATCH_BOUNDS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/** Close codes with a count of their own; clients could invent any other. */
const CLOSE_CODES: ReadonlySet<number> = new Set([...Object.values(CLOSE), 1005, 1006]);

/** Totals since the start of the hub. */
export class Counters {
  connections = 0;
  /** Clients and requests rejected, at the upgrade or before. */
  turnedAway = 0;
  /** Tokens that were missing, wrong, expired or rate limited. */
  tokensRefused = 0;
  messages = 0;
  /** Messages sent, counted once for each connection. */
  deliveries = 0;
  /** Repeated messages, acknowledged from the log. */
  duplicates = 0;
  /** Sessions resumed. */
  resumes = 0;
  /** Connections closed because they read too slowly. */
  slowConsumers = 0;
  /** Changes of clients, names and rooms; lets observers see cheaply that nothing changed. */
  changes = 0;
  /** Messages that could not be stored. */
  failures = 0;
  /** UTF-16 units received over connections that have ended. */
  received = 0;
  /** UTF-16 units sent over connections that have ended. */
  sent = 0;
  /** Seconds to append a batch. */
  readonly appendSeconds = new Histogram(APPEND_BOUNDS);
  readonly batchMessages = new Histogram(BATCH_BOUNDS);
  /** Seconds by which a one-second timer was late. */
  readonly lagSeconds = new Histogram(LAG_BOUNDS);
  readonly #turnedAway = new Map<number, number>();
  readonly #closed = new Map<number | "other", number>();
  readonly #refusals = new Map<ErrorCode, number>();

  /** Counts a rejection; other transports use the equivalent HTTP status. */
  countRejection(status: number): void {
    this.turnedAway++;
    this.#turnedAway.set(status, (this.#turnedAway.get(status) ?? 0) + 1);
  }

  countClose(code: number): void {
    const key = CLOSE_CODES.has(code) ? code : "other";
    this.#closed.set(key, (this.#closed.get(key) ?? 0) + 1);
  }

  get turnedAwayByStatus(): ReadonlyMap<number, number> {
    return this.#turnedAway;
  }

  /** Ended connections by close code. */
  get closed(): ReadonlyMap<number | "other", number> {
    return this.#closed;
  }

  countError(code: ErrorCode): void {
    this.#refusals.set(code, (this.#refusals.get(code) ?? 0) + 1);
  }

  /** For the log. */
  get totals(): Readonly<Record<string, number>> {
    const { connections, turnedAway, tokensRefused, messages, deliveries, duplicates } = this;
    const { resumes, slowConsumers } = this;
    const refused = this.#refusals.values().reduce((sum, count) => sum + count, 0);
    return {
      ...{ connections, turnedAway, tokensRefused, messages, deliveries, duplicates },
      ...{ resumes, slowConsumers, refused },
    };
  }

  /** `error` frames by code. */
  get refusals(): ReadonlyMap<ErrorCode, number> {
    return this.#refusals;
  }
}

/** Counts values in buckets. Its size does not depend on the number of values. */
export class Histogram {
  /** The values of each bucket; the last bucket has no upper bound. */
  readonly counts: number[];
  sum = 0;

  /** @param bounds upper bounds, inclusive, ascending. */
  constructor(readonly bounds: readonly number[]) {
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    const { bounds, counts } = this;
    let index = 0;
    // Most values are in the first buckets, so a loop beats binary search.
    while (index < bounds.length && value > (bounds[index] ?? Infinity)) index++;
    counts[index] = (counts[index] ?? 0) + 1;
    this.sum += value;
  }
}
