/**
 * The log in one SQLite file, or in memory: what a hub uses that stands alone.
 *
 * @module
 */

import { resolve } from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { getLogger } from "@logtape/logtape";
import type { Message } from "../../protocol.ts";
import { AgeFilter, EraseHold, firstVisible } from "./retention.ts";
import { bootId, BootTracker } from "./boot.ts";
import {
  type AppendObserver,
  type Broker,
  DEFAULT_RETENTION,
  type Head,
  type MessageDraft,
  type MessageListener,
  type Range,
  type Receipt,
  type Retention,
} from "../broker.ts";
import { BatchScan, ChunkReader, nextTurn } from "./chunk_reader.ts";
import {
  closeDatabase,
  makeDirectory,
  MEMORY,
  metaValue,
  openDatabase,
  openError,
} from "./database.ts";
import { SteadyClock } from "../../lib/steady_clock.ts";
import { LogListeners } from "../listeners.ts";
import { LogFiles } from "./log_files.ts";
import { lockLog } from "./files.ts";
import { type RoomLog, RoomLogs } from "./room_log.ts";
import { matchExpression, SearchIndex, UnwrittenIndex } from "./search.ts";
import { knownProblem } from "./storage_errors.ts";
import { LogDatabase } from "./log_database.ts";
import { Trimmer } from "./trim.ts";
import { Writer, type WriteResult } from "./writer.ts";

/** How the log is kept. */
export interface SqliteOptions {
  /** A file, made with its directories if it is not there, or `:memory:`. */
  readonly path: string;
  /** How much is kept; what is left out is as in {@linkcode DEFAULT_RETENTION}. */
  readonly retention?: Partial<Retention>;
  /**
   * `normal` (the default): a crash of the process loses nothing, one of the machine maybe the last
   * moments. `always`: nothing counts as appended that the disk does not have.
   */
  readonly fsync?: "always" | "normal";
  /** Milliseconds since 1970; default: those of a {@linkcode SteadyClock}. */
  readonly now?: () => number;
  /** Milliseconds that passed since some moment, by a clock that is never set; default: as `now`. */
  readonly elapsed?: () => number;
  /** Names this run of the machine, now and whenever it is asked; for tests. */
  readonly boot?: string | (() => Promise<string | undefined>);
}

/**
 * Opens the log.
 *
 * @throws {BrokerError} that names the file and says what to do.
 */
export async function openSqliteBroker(options: SqliteOptions): Promise<SqliteBroker> {
  const path = options.path === MEMORY ? options.path : resolve(options.path);
  const bootNow = bootSource(options);
  const boot = await bootNow();
  const retention = { ...DEFAULT_RETENTION, ...options.retention };
  using opened = new DisposableStack();
  try {
    if (path !== MEMORY) {
      makeDirectory(path);
      opened.use(lockLog(path));
    }
    const db = openDatabase({ path, fsync: options.fsync ?? "normal", boot });
    opened.defer(() => closeDatabase(db, path));
    const broker = new SqliteBroker(db, path, retention, timeSource(options));
    // What was written so far is on the disk.
    if (options.fsync !== "always") db.exec("PRAGMA synchronous = NORMAL");
    // With `always`, the log depends on no boot.
    if (options.fsync !== "always") broker.setBootTracker(new BootTracker(db, boot, bootNow));
    broker.setResources(opened.move());
    return broker;
  } catch (error) {
    throw openError(path, error);
  }
}

function bootSource({ boot }: SqliteOptions): () => Promise<string | undefined> {
  if (boot === undefined) return () => bootId();
  return typeof boot === "function" ? boot : () => Promise.resolve(boot);
}

/** Where a broker has the time from. */
interface TimeSource {
  readonly now: () => number;
  readonly elapsed: () => number;
}

function timeSource({ now, elapsed }: SqliteOptions): TimeSource {
  if (now !== undefined) return { now, elapsed: elapsed ?? now };
  const steady = new SteadyClock();
  return { now: () => steady.now(), elapsed: () => steady.elapsed() };
}

export class SqliteBroker implements Broker {
  readonly retention: Retention;
  /** The open file, for other stores that live in it. */
  readonly database: LogDatabase;
  readonly #time: TimeSource;
  readonly #eraseHold: EraseHold;
  readonly #epoch: string;
  readonly #files: LogFiles | undefined;
  readonly #rooms = new RoomLogs();
  readonly #listeners = new LogListeners();
  readonly #appendObservers = new Set<AppendObserver>();
  readonly #chunks: ChunkReader;
  readonly #search: SearchIndex;
  readonly #ageFilter: AgeFilter;
  readonly #trimmer: Trimmer;
  readonly #writer: Writer;
  readonly #writeCheck: StatementSync;
  #trimming: Promise<number> | undefined;
  #closing: Promise<void> | undefined;
  #closed = false;
  #bootTracker: BootTracker | undefined;
  /** What is released last. */
  #resources: Disposable | undefined;

  constructor(db: DatabaseSync, path: string, retention: Retention, time: TimeSource) {
    this.retention = retention;
    this.#time = time;
    const database = this.database = new LogDatabase(db, () => this.#files?.fileGuard.check());
    this.#writeCheck = db.prepare("REPLACE INTO meta (key, value) VALUES ('checked', ?)");
    const scan = new BatchScan(db);
    this.#chunks = new ChunkReader(db);
    this.#search = new SearchIndex(database, scan, this.#chunks);
    this.#ageFilter = new AgeFilter(db, retention.maxAge);
    const newestAt = this.#rooms.load(db);
    this.#files = path === MEMORY ? undefined : new LogFiles(
      db,
      path,
      () => this.#rooms.totalMessages,
      () => {
        for (const room of this.#rooms.all()) room.indexed = room.first - 1;
      },
    );
    this.#epoch = metaValue(db, "epoch") ?? "";
    const [now, elapsed] = [time.now(), time.elapsed()];
    this.#eraseHold = new EraseHold(newestAt, retention.maxAge, now, elapsed);
    this.#writer = new Writer(database, this.#rooms, newestAt, now, elapsed);
    this.#trimmer = new Trimmer({
      database,
      scan,
      chunks: this.#chunks,
      retention,
      search: this.#search,
      ageFilter: this.#ageFilter,
      onDelete: () => this.#files?.eraser.onDelete(),
    });
  }

  /** Disposes of `resources`, the database among them, when it is closed. */
  setResources(resources: Disposable): void {
    this.#resources = resources;
  }

  /** Keeps `mark` right while it is open. */
  setBootTracker(mark: BootTracker): void {
    this.#bootTracker = mark;
  }

  append(drafts: readonly MessageDraft[]): Promise<readonly Receipt[]> {
    if (drafts.length === 0) return Promise.resolve([]);
    const started = performance.now();
    let written: WriteResult;
    try {
      this.#assertOpen();
      written = this.#writer.write(drafts, this.#time.now(), this.#time.elapsed());
    } catch (cause) {
      const error = cause instanceof Error ? cause : new Error(String(cause));
      return Promise.resolve(drafts.map(() => ({ kind: "failed", error })));
    } finally {
      const took = performance.now() - started;
      for (const observer of this.#appendObservers) observer(took);
    }
    this.#files?.onWrite(written.chunks, written.length);
    this.#listeners.deliver(written.messages, written.drafts);
    return Promise.resolve(written.receipts);
  }

  subscribe(listener: MessageListener): Disposable {
    return this.#listeners.subscribe(listener);
  }

  observeAppends(observer: AppendObserver): Disposable {
    this.#appendObservers.add(observer);
    return { [Symbol.dispose]: () => void this.#appendObservers.delete(observer) };
  }

  // deno-lint-ignore require-await -- what it throws is a rejection
  async head(room: string): Promise<Head> {
    this.#assertOpen();
    const log = this.#rooms.get(room);
    return log === undefined ? { epoch: this.#epoch, first: 1, last: 0 } : this.#head(log);
  }

  #head(room: RoomLog): Head {
    return { epoch: this.#epoch, first: this.#firstVisible(room), last: room.last };
  }

  #firstVisible(room: RoomLog): number {
    return firstVisible(room, this.retention, this.#ageFilter, this.#time.now());
  }

  // deno-lint-ignore require-await -- what it throws is a rejection
  async read(room: string, range: Range): Promise<readonly Message[]> {
    this.#assertOpen();
    const part = this.#resolveRange(room, range);
    if (part === undefined) return [];
    const { log, from, to, limit } = part;
    // Ids have no holes: the limit is a range too.
    return range.after === undefined
      ? this.#chunks.read(log, to - limit + 1, to)
      : this.#chunks.read(log, from, from + limit - 1);
  }

  async search(room: string, query: string, range: Range): Promise<readonly Message[]> {
    this.#assertOpen();
    const expression = matchExpression(query);
    const known = this.#rooms.get(room);
    if (expression === undefined || known === undefined) return [];
    const rest = await this.#indexForSearch(known);
    this.#assertOpen();
    const part = this.#resolveRange(room, range);
    if (part === undefined) return [];
    const { log, from, to, limit } = part;
    const keep = range.after === undefined ? "newest" : "oldest";
    const found = this.#search.find(log, expression, from, to, limit, keep);
    const more = rest?.find(expression, from, to) ?? [];
    const all = [...found, ...more];
    const ids = keep === "oldest" ? all.slice(0, limit) : all.slice(-limit);
    return this.#chunks.readIds(log, ids);
  }

  /** Brings the index up to date; where it cannot be written, returns one of what is missing. */
  async #indexForSearch(room: RoomLog): Promise<UnwrittenIndex | undefined> {
    const { last } = room;
    try {
      while (this.#search.catchUp(room, last)) {
        await nextTurn();
        this.#assertOpen();
      }
      return undefined;
    } catch (error) {
      this.#assertOpen();
      if (knownProblem(error) === undefined) throw error;
      return await UnwrittenIndex.build(this.#chunks, room, last);
    }
  }

  /** The part of a room that a range names; `undefined` when it is empty. */
  #resolveRange(room: string, range: Range): ResolvedRange | undefined {
    const log = this.#rooms.get(room);
    if (log === undefined) return undefined;
    const from = Math.max(this.#firstVisible(log), (range.after ?? 0) + 1);
    const to = Math.min(log.last, (range.before ?? Infinity) - 1);
    const limit = Math.min(range.limit, to - from + 1);
    return limit > 0 ? { log, from, to, limit } : undefined;
  }

  // deno-lint-ignore require-await -- what it throws is a rejection
  async rooms(): Promise<readonly ({ readonly room: string } & Head)[]> {
    this.#assertOpen();
    return [...this.#rooms.all()]
      .map((room) => ({ room: room.name, ...this.#head(room) }))
      .filter((room) => room.first <= room.last)
      .sort((a, b) => a.room < b.room ? -1 : 1);
  }

  trim(): Promise<number> {
    return this.#trimming ??= this.#trim().finally(() => this.#trimming = undefined);
  }

  /** A slice for each turn; after every one the log may have grown, or be closed. */
  async #trim(): Promise<number> {
    let total = 0;
    for await (const dropped of this.#trimSlices()) total += dropped;
    // Before the index is caught up with: what is rewritten is not in it.
    if (!this.#closed) await this.#files?.eraser.run(performance.now());
    for (const room of this.#rooms.all()) {
      const { last } = room;
      while (!this.#closed && this.#search.catchUp(room, last)) await nextTurn();
    }
    if (!this.#closed) await this.#bootTracker?.refresh(() => this.#closed);
    return total;
  }

  async *#trimSlices(): AsyncGenerator<number> {
    const now = this.#time.now();
    const aged = !this.#eraseHold.isActive(now, this.#time.elapsed());
    for (const room of this.#rooms.all()) {
      // Fixed here, or a busy room would never be done.
      const target = this.#trimmer.plan(room, now, aged);
      while (!this.#closed) {
        const dropped = this.#trimmer.dropMessages(room, target);
        if (dropped === 0) break;
        yield dropped;
        await nextTurn();
      }
      while (!this.#closed && this.#trimmer.dropRefs(room, target)) await nextTurn();
    }
  }

  // deno-lint-ignore require-await -- what it throws is a rejection
  async check(): Promise<void> {
    this.#assertOpen();
    // The same value twice would be written too, but the time is worth finding in a copy of the log.
    this.#files?.fileGuard.checkNow();
    this.database.statement(() => this.#writeCheck.run(new Date(this.#time.now()).toISOString()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    this.#closed = true;
    this.#listeners.clear();
    try {
      await this.#files?.close();
    } catch (error) {
      // Nothing is lost: the next open finds a log that was not closed, and makes sure.
      getLogger(["bcast", "log"]).error("The log was not closed cleanly: {error}", { error });
    } finally {
      this.#resources?.[Symbol.dispose]();
      this.#files?.[Symbol.dispose]();
    }
  }

  #assertOpen(): void {
    if (this.#closed) throw new Error("the log is closed");
  }
}

interface ResolvedRange {
  readonly log: RoomLog;
  readonly from: number;
  readonly to: number;
  readonly limit: number;
}
