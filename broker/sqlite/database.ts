import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { getLogger } from "@logtape/logtape";
import { sameBoot } from "./boot.ts";
import { BrokerError } from "../broker.ts";
import { eraseOnOpen } from "./eraser.ts";
import { enableWal, FORCED_CHECKPOINT_PAGES, recreateWal } from "./wal.ts";
import type { LogGeneration } from "./generation.ts";
import { exists, isEmpty, lockedError, remove } from "./files.ts";
import { oneLine, storageMessage } from "./storage_errors.ts";
import { APPLICATION_ID, LOG_VERSION, migrate } from "./migrations.ts";

const logger = getLogger(["bcast", "log"]);

/** How an opened log is kept. */
export interface DatabaseOptions {
  /** A file, or `:memory:`. */
  readonly path: string;
  /** `always`: every commit is on the disk before it counts. */
  readonly fsync: "always" | "normal";
  /** Names this run of the machine; `undefined` when that is unknown. */
  readonly boot: string | undefined;
}

/** Milliseconds to wait for a file that is held: a hub that is just closing it gets to its end. */
const BUSY_TIMEOUT = 250;

/** Bytes up to which a file is checked as a whole when it is opened: some 50 ms. */
const FULL_CHECK_BYTES = 64 * 1024 * 1024;

/** In `meta.opened`: every commit was on the disk, so that no stop of the machine lost one. */
const DURABLE = "fsync";

/** The path of a log that is in memory only. */
export const MEMORY = ":memory:";

/**
 * Opens the log and takes it for this process alone. What cannot be opened is left as it is, byte
 * by byte.
 *
 * @throws {BrokerError} that names the file and says what to do.
 */
export function openDatabase(options: DatabaseOptions): DatabaseSync {
  const { path } = options;
  if (path === MEMORY) {
    const db = new DatabaseSync(MEMORY);
    migrate(db, 0, newEpoch());
    return db;
  }
  let db: DatabaseSync | undefined;
  let walBefore = false;
  let marked = false;
  try {
    assertNoRemains(path);
    walBefore = exists(`${path}-wal`);
    if (createFile(path)) {
      assertOwnWal(path);
      assertUsable(path);
    }
    db = new DatabaseSync(path);
    db.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT}`);
    enableWal(db);
    db.exec("PRAGMA synchronous = FULL; PRAGMA cache_size = -4000; PRAGMA temp_store = MEMORY");
    // What is trimmed is overwritten, not only given up.
    db.exec("PRAGMA secure_delete = ON");
    migrate(db, Number(firstValue(db, "PRAGMA user_version")), newEpoch());
    enableIndexSecureDelete(db);
    eraseOnOpen(db);
    markOpen(db, options, walBefore);
    marked = true;
    db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    db.exec(`PRAGMA wal_autocheckpoint = ${FORCED_CHECKPOINT_PAGES}`);
    return db;
  } catch (error) {
    db?.close();
    if (walBefore || marked) recreateWal(path);
    throw openError(path, error);
  }
}

/** Closes the log, whether it says so itself ({@linkcode markClosed}) or could not be written. */
export function closeDatabase(db: DatabaseSync, path: string): void {
  const walBefore = path !== MEMORY && exists(`${path}-wal`);
  const closed = isMarkedClosed(db);
  db.close();
  if (walBefore && !closed) recreateWal(path);
}

function isMarkedClosed(db: DatabaseSync): boolean {
  try {
    return metaValue(db, "opened") === "";
  } catch (error) {
    // What cannot be read says nothing.
    if (!(error instanceof Error)) throw error;
    return false;
  }
}

/** Says in the log that nothing is missing, before it is closed; `also` is of the same transaction. */
export function markClosed(db: DatabaseSync, also: () => void): void {
  db.exec("PRAGMA synchronous = FULL; BEGIN IMMEDIATE");
  db.exec("UPDATE meta SET value = '' WHERE key = 'opened'");
  also();
  db.exec("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
}

/**
 * Gives the log a new epoch if it is a copy, or was put back from one: ids that clients have seen
 * would be given again.
 */
export function beginGeneration(db: DatabaseSync, generation: LogGeneration): void {
  const original = generation.isOriginal(metaValue(db, "generation"));
  db.exec("BEGIN IMMEDIATE");
  if (!original) {
    db.prepare("UPDATE meta SET value = ? WHERE key = 'epoch'").run(newEpoch());
    logger.info("The log is a copy: it begins a new epoch");
  }
  generation.renewToken();
  db.exec("COMMIT");
  generation.save();
}

/** What the log says of itself under a key. */
export function metaValue(db: DatabaseSync, key: string): string | undefined {
  const found = db.prepare("SELECT value FROM meta WHERE key = ?").get(key)?.["value"];
  return typeof found === "string" ? found : undefined;
}

/** The full-text index has a setting of its own: without it, words stay until they are merged. */
function enableIndexSecureDelete(db: DatabaseSync): void {
  const set = firstValue(db, "SELECT v FROM search_config WHERE k = 'secure-delete'") === 1;
  if (set) return;
  // Merges what versions before left there.
  db.exec("INSERT INTO search (search) VALUES ('optimize')");
  db.exec("INSERT INTO search (search, rank) VALUES ('secure-delete', 1)");
}

/** A name for one life of the numbering. */
export function newEpoch(): string {
  return crypto.randomUUID().replaceAll("-", "").slice(0, 16);
}

/** Makes the directory of a log, for its owner only. */
export function makeDirectory(path: string): void {
  Deno.mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
}

/** Makes the file, for its owner only. Returns whether there was one with something in it. */
function createFile(path: string): boolean {
  try {
    return Deno.statSync(path).size > 0;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  try {
    Deno.openSync(path, { createNew: true, write: true, mode: 0o600 }).close();
  } catch (error) {
    // Another hub was faster; the lock decides.
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  return false;
}

/** Bytes below which SQLite takes a file for an empty one. */
const MIN_BYTES = 100;

/** Refuses what is at the path of a log and cannot be one, but that SQLite would make one of. */
function assertNoRemains(path: string): void {
  if (!exists(path)) return;
  const { isDirectory, size } = Deno.statSync(path);
  if (isDirectory) throw new Error("it is a directory");
  // An empty file is a new log, unless a hub has used one here.
  if (size >= MIN_BYTES || size === 0 && !exists(`${path}-generation`)) return;
  if (size > 0) throw new BrokerError(damagedMessage(path, `it has ${size} bytes only`));
  throw new BrokerError(
    `Cannot open the log "${path}": it was emptied. Restore a backup, or remove it to start anew, ` +
      "or use another --data directory",
  );
}

/** Where the header of a database says whether it has a write-ahead log: 1 is no, 2 is yes. */
const WAL_VERSION_OFFSET = 18;

/**
 * Refuses a backup that was put beside the newest part of the log before it: SQLite would mix the
 * two. The log of a hub says in its header that it has such a part, a backup that it has none.
 */
function assertOwnWal(path: string): void {
  const wal = `${path}-wal`;
  if (!exists(wal) || isEmpty(wal)) return;
  // To close a file drops all locks that this process has on it: there are none yet.
  using file = Deno.openSync(path, { read: true });
  const header = new Uint8Array(WAL_VERSION_OFFSET + 1);
  if (file.readSync(header) !== header.length || header[WAL_VERSION_OFFSET] !== 1) return;
  throw new BrokerError(
    `Cannot open the log "${path}": "${wal}" belongs to another log, the one before a backup was ` +
      "put back. Remove it, or use another --data directory",
  );
}

/**
 * Finds out whether the file is a log that can be used, through a connection that cannot write.
 * (Never by reading the file directly: to close a file drops all the locks that this process has
 * on it, those of another broker too.)
 */
function assertUsable(path: string): void {
  const made = [`${path}-wal`, `${path}-shm`].filter((side) => !exists(side));
  try {
    const db = new DatabaseSync(path, { readOnly: true });
    try {
      db.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT}`);
      assertKnownSchema(db, path);
      if (Deno.statSync(path).size > FULL_CHECK_BYTES) return;
      const found = firstValue(db, "PRAGMA quick_check(1)");
      if (found !== "ok") throw new BrokerError(damagedMessage(path, String(found)));
    } finally {
      db.close();
    }
  } finally {
    // A reader leaves behind what it needed beside the file. A log that was written to is never
    // empty, and belongs to whoever wrote it.
    for (const side of made) if (side.endsWith("-shm") || isEmpty(side)) remove(side);
  }
}

/** Makes sure that a database is a log that this version knows. */
export function assertKnownSchema(db: DatabaseSync, path: string): void {
  const application = firstValue(db, "PRAGMA application_id");
  const version = Number(firstValue(db, "PRAGMA user_version"));
  const empty = firstValue(db, "SELECT count(*) FROM sqlite_schema") === 0;
  if (application === 0 && version === 0 && empty) return;
  if (application !== APPLICATION_ID) {
    throw new BrokerError(
      `Cannot open the log "${path}": it belongs to another program. ` +
        "Move it away, or use another --data directory",
    );
  }
  if (version > LOG_VERSION) {
    throw new BrokerError(
      `Cannot open the log "${path}": a newer bcast wrote it (format ${version}, ` +
        `this one knows up to ${LOG_VERSION}). Update bcast, or use another --data directory`,
    );
  }
}

/**
 * Notes durably that the log is in use, and gives it a new epoch if the last use may have lost
 * messages that were already acknowledged: their ids would be given again, and who saw the first
 * ones would miss the second ones without knowing.
 *
 * A killed process loses nothing; the system still has what it wrote. A machine that stopped may
 * have lost the newest commits, and so may whoever moved the file without its `-wal`.
 */
function markOpen(db: DatabaseSync, options: DatabaseOptions, walBefore: boolean): void {
  const opened = firstValue(db, "SELECT value FROM meta WHERE key = 'opened'");
  const clean = opened === "";
  const kept = walBefore && typeof opened === "string" &&
    (opened === DURABLE || sameBoot(opened, options.boot));
  const mark = options.fsync === "always" ? DURABLE : (options.boot || "unknown");
  db.exec("BEGIN IMMEDIATE");
  const set = db.prepare("UPDATE meta SET value = ? WHERE key = ?");
  set.run(mark, "opened");
  if (!clean && !kept) set.run(newEpoch(), "epoch");
  db.exec("COMMIT");
}

/** The first column of the first row. */
function firstValue(db: DatabaseSync, sql: string): unknown {
  const row = db.prepare(sql).get();
  return row === undefined ? undefined : Object.values(row)[0];
}

function damagedMessage(path: string, why: string): string {
  return `Cannot open the log "${path}": it is damaged or no log at all (${oneLine(why)}). ` +
    "Move it away or restore a backup, or use another --data directory";
}

/** What went wrong on opening, for the person who has to do something about it. */
export function openError(path: string, error: unknown): BrokerError {
  if (error instanceof BrokerError) return error;
  const why = oneLine(error instanceof Error ? error.message : String(error));
  if (/\b(locked|busy)\b/.test(why)) {
    return lockedError(path, error);
  }
  if (/not a database|malformed|corrupt/.test(why)) {
    return new BrokerError(damagedMessage(path, why), { cause: error });
  }
  const cannot = `Cannot open the log "${path}"`;
  const cause = /disk I\/O error|unable to open/.test(why) ? probeDirectory(path) ?? error : error;
  return new BrokerError(`${storageMessage(cannot, cause)}, or use another --data directory`, {
    cause: error,
  });
}

/** Bytes of shared memory that SQLite makes a file for at once. */
const PROBE_BYTES = 32 * 1024;

/** What the system says of writing beside the log, where SQLite only says that it failed. */
function probeDirectory(path: string): unknown {
  const beside = `${path}-probe`;
  try {
    Deno.writeFileSync(beside, new Uint8Array(PROBE_BYTES), { createNew: true, mode: 0o600 });
    remove(beside);
    return undefined;
  } catch (error) {
    removeIfPossible(beside);
    return error;
  }
}

function removeIfPossible(path: string): void {
  try {
    remove(path);
  } catch (error) {
    // What could not be written need not be removed.
    if (!(error instanceof Error)) throw error;
  }
}
