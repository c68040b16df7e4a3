/**
 * A log in one SQLite file or in memory, for a hub that runs alone.
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

export interface SqliteOptions {
  /** A file, created with its directories if missing, or `:memory:`. */
  readonly path: string;
  /** The defaults are in {@linkcode DEFAULT_RETENTION}. */
  readonly retention?: Partial<Retention>;
  /**
   * `normal` (the default): a crash of the process loses nothing; a crash of the machine may lose
   * the last moments. `always`: each append is synced to disk.
   */
  readonly fsync?: "always" | "normal";
  /** Milliseconds since the Unix epoch; default: a {@linkcode SteadyClock}. */
  readonly now?: () => number;
  /** Milliseconds by a monotonic clock; default: as `now`. */
  readonly elapsed?: () => number;
  /** Identifies the current boot of the machine; for tests. */
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
  const resources = new DisposableStack();
  try {
    if (path !== MEMORY) {
      makeDirectory(path);
      resources.use(lockLog(path));
    }
    const db = openDatabase({ path, fsync: options.fsync ?? "normal", boot });
    resources.defer(() => closeDatabase(db, path));
    // With `always`, a crash of the machine loses nothing, so the boot does not matter.
    const bootTracker = options.fsync === "always" ? undefined : new BootTracker(db, boot, bootNow);
    const time = timeSource(options);
    const broker = new SqliteBroker({ db, path, retention, time, bootTracker, resources });
    // Opening has synced everything it wrote.
    if (options.fsync !== "always") db.exec("PRAGMA synchronous = NORMAL");
    return broker;
  } catch (error) {
    resources.dispose();
    throw openError(path, error);
  }
}

function bootSource({ boot }: SqliteOptions): () => Promise<string | undefined> {
  if (boot === undefined) return () => bootId();
  return typeof boot === "function" ? boot : () => Promise.resolve(boot);
}

interface TimeSource {
  readonly now: () => number;
  readonly elapsed: () => number;
}

function timeSource({ now, elapsed }: SqliteOptions): TimeSource {
  if (now !== undefined) return { now, elapsed: elapsed ?? now };
  const steady = new SteadyClock();
  return { now: () => steady.now(), elapsed: () => steady.elapsed() };
}

/** The parts of an open broker. */
interface SqliteBrokerParts {
  readonly db: DatabaseSync;
  readonly path: string;
  readonly retention: Retention;
  readonly time: TimeSource;
  readonly bootTracker: BootTracker | undefined;
  /** The database and its lock, released last. */
  readonly resources: Disposable;
}

/** Opened by {@linkcode openSqliteBroker}. */
export class SqliteBroker implements Broker {
  readonly retention: Retention;
  /** For other stores in the same file. */
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
  readonly #bootTracker: BootTracker | undefined;
  readonly #resources: Disposable;

  constructor({ db, path, retention, time, bootTracker, resources }: SqliteBrokerParts) {
    this.#bootTracker = bootTracker;
    this.#resources = resources;
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
    this.#writer = new Writer(database, this.#rooms, this.#epoch, newestAt, now, elapsed);
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
    this.#listeners.notifyAuthors(written.messages, written.drafts, this.#epoch);
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
    // Ids have no gaps, so the limit is a range, too.
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

  /** Completes the index of a room; if it cannot be written, returns an index of the rest. */
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

  /** The visible part of a range; `undefined` if it is empty. */
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

  /** Yields to the event loop after each slice: meanwhile, the log may grow or be closed. */
  async #trim(): Promise<number> {
    let total = 0;
    for await (const dropped of this.#trimSlices()) total += dropped;
    // Before indexing, as a rewrite empties the index.
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
      // Planned once, or a busy room would never be done.
      const target = this.#trimmer.plan(room, now, aged);
      while (!this.#closed) {
        const dropped = this.#trimmer.dropMessages(room, target);
        if (dropped === 0) break;
        yield dropped;
        await nextTurn();
      }
      while (!this.#closed && this.#trimmer.dropKeys(room, target)) await nextTurn();
    }
  }

  // deno-lint-ignore require-await -- what it throws is a rejection
  async check(): Promise<void> {
    this.#assertOpen();
    // The time is useful in a copy of the log.
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
      // Nothing is lost: the next start checks a log that was not closed.
      getLogger(["bcast", "log"]).error("The log was not closed cleanly: {error}", { error });
    } finally {
      this.#resources[Symbol.dispose]();
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
