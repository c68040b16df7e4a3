import { CLOSE, type ErrorCode } from "../../protocol.ts";
import { Histogram } from "./histogram.ts";

/** Seconds: a batch takes some ten microseconds, one that waits for the disk some milliseconds. */
const APPEND_BOUNDS = [
  ...[0.00002, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05],
  ...[0.1, 0.5, 2.5],
];

/** Seconds: from what nobody notices to what everybody does. */
const LAG_BOUNDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

const BATCH_BOUNDS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/** Close codes that are counted by themselves; a client could make up any other. */
const CLOSE_CODES: ReadonlySet<number> = new Set([...Object.values(CLOSE), 1005, 1006]);

/** What the hub counts from its start on. */
export class Counters {
  /** Connections accepted. */
  connections = 0;
  /** Connections turned away before or at the upgrade. */
  turnedAway = 0;
  /** Tokens that were missing, wrong or expired, or came too fast. */
  tokensRefused = 0;
  /** Messages appended to the log. */
  messages = 0;
  /** Messages handed to a connection. */
  deliveries = 0;
  /** Repeats of a `ref`, answered from the log. */
  duplicates = 0;
  /** Sessions that came back with their secret. */
  resumes = 0;
  /** Connections cut off because they read too slowly. */
  slowConsumers = 0;
  /** Changes of who is here, under which name and where: whoever shows that looks whether it moved. */
  changes = 0;
  /** Messages that the log could not take. */
  failures = 0;
  /** UTF-16 units of frames that came over connections that have ended. */
  received = 0;
  /** UTF-16 units of frames sent over connections that have ended. */
  sent = 0;
  /** Seconds that the log took for a batch. */
  readonly appendSeconds = new Histogram(APPEND_BOUNDS);
  /** Messages in a batch. */
  readonly batchMessages = new Histogram(BATCH_BOUNDS);
  /** Seconds by which the look of every second came too late. */
  readonly lagSeconds = new Histogram(LAG_BOUNDS);
  readonly #turnedAway = new Map<number, number>();
  readonly #closed = new Map<number | "other", number>();
  readonly #refusals = new Map<ErrorCode, number>();

  /** Counts a connection that was turned away with an HTTP status, or what stands for it elsewhere. */
  turnAway(status: number): void {
    this.turnedAway++;
    this.#turnedAway.set(status, (this.#turnedAway.get(status) ?? 0) + 1);
  }

  /** Counts the end of a connection. */
  close(code: number): void {
    const key = CLOSE_CODES.has(code) ? code : "other";
    this.#closed.set(key, (this.#closed.get(key) ?? 0) + 1);
  }

  /** Connections turned away, by status. */
  get turnedAwayByStatus(): ReadonlyMap<number, number> {
    return this.#turnedAway;
  }

  /** Connections ended, by close code. */
  get closed(): ReadonlyMap<number | "other", number> {
    return this.#closed;
  }

  /** Counts an `error` frame. */
  refused(code: ErrorCode): void {
    this.#refusals.set(code, (this.#refusals.get(code) ?? 0) + 1);
  }

  /** Every count as a number, for the log. */
  get totals(): Readonly<Record<string, number>> {
    const { connections, turnedAway, tokensRefused, messages, deliveries, duplicates } = this;
    const { resumes, slowConsumers } = this;
    const refused = this.#refusals.values().reduce((sum, count) => sum + count, 0);
    return {
      ...{ connections, turnedAway, tokensRefused, messages, deliveries, duplicates },
      ...{ resumes, slowConsumers, refused },
    };
  }

  /** `error` frames sent, by code. */
  get refusals(): ReadonlyMap<ErrorCode, number> {
    return this.#refusals;
  }
}
