/**
 * The log in one SQLite file, or in memory: what a hub uses that stands alone.
 *
 * @module
 */

import { resolve } from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { getLogger } from "@logtape/logtape";
import { DEDUPE_MINUTES, type Message } from "../protocol.ts";
import { bootId } from "./boot.ts";
import {
  type Broker,
  DEFAULT_RETENTION,
  type Draft,
  type Head,
  type Listener,
  type Origin,
  type Range,
  type Receipt,
  type Retention,
} from "./broker.ts";
import { closeDatabase, openDatabase, refusal } from "./database.ts";
import { Listeners } from "./listeners.ts";
import { MAX_ID } from "./migrations.ts";
import { Query } from "./query.ts";
import { RecentRefs } from "./refs.ts";
import { firstShown, loadRooms, newRoomLog, type RoomLog } from "./room_log.ts";
import { COLUMNS, makeMessage, type Row, toMessage, toStored } from "./rows.ts";
import { matchExpression, SearchIndex } from "./search.ts";
import { nextTurn, Slices } from "./slices.ts";
import { Transactions } from "./transactions.ts";
import { Trimmer } from "./trim.ts";

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
  /** Milliseconds since 1970; for tests. */
  readonly now?: () => number;
  /** Names this run of the machine; for tests. */
  readonly boot?: string;
}

/**
 * Opens the log.
 *
 * @throws {BrokerError} that names the file and says what to do.
 */
export async function openSqliteBroker(options: SqliteOptions): Promise<Broker> {
  const path = options.path === ":memory:" ? options.path : resolve(options.path);
  const boot = options.boot ?? await bootId();
  const db = openDatabase({ path, fsync: options.fsync ?? "normal", boot });
  const retention = { ...DEFAULT_RETENTION, ...options.retention };
  try {
    return new SqliteBroker(db, retention, options.now ?? Date.now);
  } catch (error) {
    db.close();
    throw refusal(path, error);
  }
}

const DEDUPE_MILLISECONDS = DEDUPE_MINUTES * 60 * 1000;

class SqliteBroker implements Broker {
  readonly #db: DatabaseSync;
  readonly retention: Retention;
  readonly #now: () => number;
  readonly #epoch: string;
  readonly #rooms = new Map<string, RoomLog>();
  readonly #names = new Map<number, string>();
  readonly #listeners = new Listeners();
  readonly #refs = new RecentRefs(DEDUPE_MILLISECONDS);
  readonly #transactions: Transactions;
  readonly #search: SearchIndex;
  readonly #trimmer: Trimmer;
  readonly #insert: StatementSync;
  readonly #insertRoom: StatementSync;
  readonly #insertRef: StatementSync;
  readonly #findRef: Query<readonly [room: number, id: number, at: number]>;
  readonly #oldest: Query<Row>;
  readonly #newest: Query<Row>;
  /** The last time given; the next is never lower, whatever the clock does. */
  #at = 0;
  /** `#at` as text. */
  #timestamp = "";
  #nextRef = 1;
  /** The rooms of the transaction under way. */
  #touched: RoomLog[] = [];
  #trimming: Promise<number> | undefined;
  #closed = false;

  constructor(db: DatabaseSync, retention: Retention, now: () => number) {
    this.#db = db;
    this.retention = retention;
    this.#now = now;
    this.#transactions = new Transactions(db);
    const slices = new Slices(db);
    this.#search = new SearchIndex(db, this.#transactions, slices);
    this.#trimmer = new Trimmer(db, this.#transactions, slices, this.#search, retention);
    this.#insert = db.prepare("INSERT INTO messages VALUES ((? << 40) | ?, ?, ?, ?, ?, ?)");
    this.#insertRoom = db.prepare("INSERT INTO rooms (name) VALUES (?)");
    this.#insertRef = db.prepare("INSERT INTO refs VALUES (?, ?, ?, ?, ?, ?)");
    this.#findRef = new Query(
      db,
      "SELECT room, id, at FROM refs WHERE no = ? AND at > ? AND session = ? AND ref = ?",
    );
    const range = `SELECT ${COLUMNS} FROM messages
      WHERE seq BETWEEN (?1 << 40) | ?2 AND (?1 << 40) | ?3`;
    this.#oldest = new Query(db, `${range} ORDER BY seq LIMIT ?4`);
    this.#newest = new Query(db, `${range} ORDER BY seq DESC LIMIT ?4`);
    this.#epoch = String(db.prepare("SELECT value FROM meta WHERE key = 'epoch'").get()?.["value"]);
    this.#load();
  }

  #load(): void {
    const { rooms, newestAt } = loadRooms(this.#db);
    for (const room of rooms) this.#remember(room);
    this.#tick(newestAt);
    const refs = new Query<readonly [no: number, at: number, session: string, ref: string]>(
      this.#db,
      "SELECT no, at, session, ref FROM refs WHERE at > ? ORDER BY no",
    );
    const since = this.#now() - DEDUPE_MILLISECONDS;
    for (const [no, at, session, ref] of refs.each(since)) {
      this.#refs.add(this.#refs.hash(session, ref), no, at);
      this.#tick(at);
    }
    const [last] = new Query<[number]>(this.#db, "SELECT ifnull(max(no), 0) FROM refs").first() ??
      [0];
    this.#nextRef = last + 1;
  }

  append(drafts: readonly Draft[]): Promise<readonly Receipt[]> {
    if (drafts.length === 0) return Promise.resolve([]);
    const receipts: Receipt[] = [];
    const messages: Message[] = [];
    const stored: Draft[] = [];
    try {
      this.#assertOpen();
      this.#tick(this.#now());
      this.#transactions.run(() => {
        for (const draft of drafts) {
          const receipt = this.#add(draft);
          receipts.push(receipt);
          if (receipt.kind !== "stored") continue;
          messages.push(receipt.message);
          stored.push(draft);
        }
      });
    } catch (cause) {
      this.#undo();
      const error = cause instanceof Error ? cause : new Error(String(cause));
      return Promise.resolve(drafts.map(() => ({ kind: "failed", error })));
    }
    this.#settle();
    this.#listeners.deliver(messages, stored);
    return Promise.resolve(receipts);
  }

  /** Stores one draft, in the transaction under way. */
  #add(draft: Draft): Receipt {
    const { origin, content } = draft;
    let hash = 0;
    if (origin !== undefined) {
      hash = this.#refs.hash(origin.session, origin.ref);
      const duplicate = this.#findDuplicate(hash, origin);
      if (duplicate !== undefined) return duplicate;
    }
    const room = this.#rooms.get(draft.room) ?? this.#makeRoom(draft.room);
    if (room.next === room.last) this.#touched.push(room);
    const id = ++room.next;
    if (id > MAX_ID) throw new Error(`the room ${room.name} has used up its ids`);
    this.#insert.run(
      room.no,
      id,
      this.#at,
      toStored(draft.sender),
      content.message === undefined ? null : toStored(content.message),
      content.data === undefined ? null : JSON.stringify(content.data),
      draft.kind ?? null,
    );
    if (origin !== undefined) {
      const no = this.#nextRef++;
      this.#insertRef.run(no, this.#at, origin.session, origin.ref, room.no, id);
      // Stays when the transaction fails: a number that leads nowhere does no harm.
      this.#refs.add(hash, no, this.#at);
    }
    const action = draft.kind === "action";
    return {
      kind: "stored",
      message: makeMessage(draft.room, id, draft.sender, content, action, this.#timestamp),
    };
  }

  #findDuplicate(hash: number, origin: Origin): Receipt | undefined {
    const since = this.#at - DEDUPE_MILLISECONDS;
    for (const no of this.#refs.candidates(hash)) {
      const row = this.#findRef.first(no, since, origin.session, origin.ref);
      if (row === undefined) continue;
      const [roomNo, id, at] = row;
      const room = this.#names.get(roomNo);
      if (room === undefined) throw new Error(`the log has no room ${roomNo}`);
      return { kind: "duplicate", room, id, timestamp: new Date(at).toISOString() };
    }
    return undefined;
  }

  #makeRoom(name: string): RoomLog {
    const no = Number(this.#insertRoom.run(name).lastInsertRowid);
    const room = newRoomLog(name, no);
    this.#remember(room);
    return room;
  }

  #remember(room: RoomLog): void {
    this.#rooms.set(room.name, room);
    this.#names.set(room.no, room.name);
  }

  /** What the transaction did is now so. */
  #settle(): void {
    for (const room of this.#touched) {
      if (room.first > room.last) room.firstAt = this.#at;
      room.last = room.next;
    }
    this.#touched = [];
  }

  /** What the transaction did never was. */
  #undo(): void {
    for (const room of this.#touched) {
      room.next = room.last;
      // A room without a single id was made by this very transaction, so its row is gone.
      if (room.last > 0) continue;
      this.#rooms.delete(room.name);
      this.#names.delete(room.no);
    }
    this.#touched = [];
  }

  #tick(now: number): void {
    const at = Math.floor(now);
    if (at <= this.#at) return;
    this.#timestamp = new Date(at).toISOString();
    this.#at = at;
  }

  subscribe(listener: Listener): Disposable {
    return this.#listeners.subscribe(listener);
  }

  // deno-lint-ignore require-await -- what it throws is a rejection
  async head(room: string): Promise<Head> {
    this.#assertOpen();
    const log = this.#rooms.get(room);
    return log === undefined ? { epoch: this.#epoch, first: 1, last: 0 } : this.#head(log);
  }

  #head(room: RoomLog): Head {
    return { epoch: this.#epoch, first: firstShown(room, this.retention), last: room.last };
  }

  // deno-lint-ignore require-await -- what it throws is a rejection
  async read(room: string, range: Range): Promise<readonly Message[]> {
    this.#assertOpen();
    const part = this.#part(room, range);
    if (part === undefined) return [];
    const { log, from, to, limit } = part;
    const query = range.after === undefined ? this.#newest : this.#oldest;
    const rows = query.all(log.no, from, to, limit);
    if (range.after === undefined) rows.reverse();
    return rows.map((row) => toMessage(room, row));
  }

  async search(room: string, query: string, range: Range): Promise<readonly Message[]> {
    this.#assertOpen();
    const expression = matchExpression(query);
    const known = this.#rooms.get(room);
    if (expression === undefined || known === undefined) return [];
    const { last } = known;
    while (this.#search.catchUp(known, last)) {
      // deno-lint-ignore no-await-in-loop -- a slice for each turn, so that nobody waits for all
      await nextTurn();
      this.#assertOpen();
    }
    const part = this.#part(room, range);
    if (part === undefined) return [];
    const { log, from, to, limit } = part;
    const keep = range.after === undefined ? "newest" : "oldest";
    return this.#search.find(log, expression, from, to, limit, keep)
      .map((row) => toMessage(room, row));
  }

  /** The part of a room that a range names; `undefined` when it is empty. */
  #part(room: string, range: Range): Part | undefined {
    const log = this.#rooms.get(room);
    if (log === undefined) return undefined;
    const from = Math.max(firstShown(log, this.retention), (range.after ?? 0) + 1);
    const to = Math.min(log.last, (range.before ?? Infinity) - 1);
    const limit = Math.min(range.limit, to - from + 1);
    return limit > 0 ? { log, from, to, limit } : undefined;
  }

  // deno-lint-ignore require-await -- what it throws is a rejection
  async rooms(): Promise<readonly ({ readonly room: string } & Head)[]> {
    this.#assertOpen();
    return [...this.#rooms.values()]
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
    for await (const dropped of this.#slicesToTrim(this.#now())) total += dropped;
    return total;
  }

  async *#slicesToTrim(now: number): AsyncGenerator<number> {
    for (const room of this.#rooms.values()) {
      // Fixed here, or a busy room would never be done.
      const target = this.#trimmer.target(room, now);
      while (!this.#closed) {
        const dropped = this.#trimmer.messages(room, target);
        if (dropped === 0) break;
        yield dropped;
        await nextTurn();
      }
    }
    while (!this.#closed && this.#trimmer.refs(now - DEDUPE_MILLISECONDS)) await nextTurn();
    for (const room of this.#rooms.values()) {
      const { last } = room;
      while (!this.#closed && this.#search.catchUp(room, last)) await nextTurn();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    this.#listeners.clear();
    try {
      closeDatabase(this.#db);
    } catch (error) {
      // Nothing is lost: the next open finds a log that was not closed, and makes sure.
      getLogger(["bcast", "log"]).error("The log was not closed cleanly: {error}", { error });
    }
    return Promise.resolve();
  }

  #assertOpen(): void {
    if (this.#closed) throw new Error("the log is closed");
  }
}

interface Part {
  readonly log: RoomLog;
  readonly from: number;
  readonly to: number;
  readonly limit: number;
}
