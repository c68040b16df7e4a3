import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { getLogger } from "@logtape/logtape";
import { sameBoot } from "./boot.ts";
import { BrokerError } from "../broker.ts";
import { eraseOnOpen } from "./eraser.ts";
import { enableWal, FORCED_CHECKPOINT_PAGES, recreateWal } from "./wal.ts";
import { firstValue, transaction } from "./log_database.ts";
import type { LogGeneration } from "./generation.ts";
import { exists, isEmpty, lockedError, remove } from "./files.ts";
import { oneLine, storageMessage } from "./storage_errors.ts";
import { APPLICATION_ID, LOG_VERSION, migrate } from "./migrations.ts";

const logger = getLogger(["bcast", "log"]);

interface DatabaseOptions {
  readonly path: string;
  /** `always`: each commit is synced to disk. */
  readonly fsync: "always" | "normal";
  /** Identifies the current boot of the machine; `undefined` if unknown. */
  readonly boot: string | undefined;
}

/** Milliseconds to wait for a locked file: a hub that is closing it can finish. */
const BUSY_TIMEOUT = 250;

/** The largest file in bytes that is checked completely on opening: about 50 ms. */
const FULL_CHECK_BYTES = 64 * 1024 * 1024;

/** The value of `meta.opened` when every commit is synced, so that no crash can lose one. */
const DURABLE = "fsync";

export const MEMORY = ":memory:";

/**
 * Opens a log for this process alone. If that fails, the files stay unchanged.
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
    // Overwrites deleted rows.
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

/** Closes a log, even one that could not be written or marked as closed. */
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
    // An unreadable log is not marked as closed.
    if (!(error instanceof Error)) throw error;
    return false;
  }
}

/** Marks the log as cleanly closed; `also` runs in the same transaction. */
export function markClosed(db: DatabaseSync, also: () => void): void {
  db.exec("PRAGMA synchronous = FULL; BEGIN IMMEDIATE");
  db.exec("UPDATE meta SET value = '' WHERE key = 'opened'");
  also();
  db.exec("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
}

/** Gives the log a new epoch if it is a copy or was restored from one: its ids would be reused. */
export function beginGeneration(db: DatabaseSync, generation: LogGeneration): void {
  const original = generation.isOriginal(metaValue(db, "generation"));
  transaction(db, () => {
    if (!original) {
      db.prepare("UPDATE meta SET value = ? WHERE key = 'epoch'").run(newEpoch());
      logger.info("The log is a copy: it starts a new epoch");
    }
    generation.renewToken();
  });
  generation.save();
}

export function metaValue(db: DatabaseSync, key: string): string | undefined {
  const found = db.prepare("SELECT value FROM meta WHERE key = ?").get(key)?.["value"];
  return typeof found === "string" ? found : undefined;
}

/** The full-text index needs a setting of its own, or deleted words stay until the next merge. */
function enableIndexSecureDelete(db: DatabaseSync): void {
  const set = firstValue(db, "SELECT v FROM search_config WHERE k = 'secure-delete'") === 1;
  if (set) return;
  // Removes words that older versions left.
  db.exec("INSERT INTO search (search) VALUES ('optimize')");
  db.exec("INSERT INTO search (search, rank) VALUES ('secure-delete', 1)");
}

export function newEpoch(): string {
  return crypto.randomUUID().replaceAll("-", "").slice(0, 16);
}

/** Creates the directory of a log, for its owner only. */
export function makeDirectory(path: string): void {
  Deno.mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
}

/** Creates the file, for its owner only. Returns whether there was one with content. */
function createFile(path: string): boolean {
  try {
    return Deno.statSync(path).size > 0;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  try {
    Deno.openSync(path, { createNew: true, write: true, mode: 0o600 }).close();
  } catch (error) {
    // Another hub created it first; the lock decides who may use it.
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  return false;
}

/** Smaller files count as empty to SQLite. */
const MIN_BYTES = 100;

/** Rejects files that are no log but that SQLite would turn into one. */
function assertNoRemains(path: string): void {
  if (!exists(path)) return;
  const { isDirectory, size } = Deno.statSync(path);
  if (isDirectory) throw new Error("it is a directory");
  // An empty file is a new log, unless a hub has used a log here.
  if (size >= MIN_BYTES || size === 0 && !exists(`${path}-generation`)) return;
  if (size > 0) throw new BrokerError(damagedMessage(path, `it has ${size} bytes only`));
  throw new BrokerError(
    `Cannot open the log "${path}": it was emptied. Restore a backup, or remove it to start empty, ` +
      "or use another --data directory",
  );
}

/** The offset in a database's header of its journal mode: 1 is without a write-ahead log, 2 with. */
const WAL_VERSION_OFFSET = 18;

/**
 * Rejects a backup that was restored beside the write-ahead log of the log before it: SQLite would
 * mix the two. The header of a backup says that it has no write-ahead log.
 */
function assertOwnWal(path: string): void {
  const wal = `${path}-wal`;
  if (!exists(wal) || isEmpty(wal)) return;
  // Closing a file drops all of this process's locks on it: there are none yet.
  using file = Deno.openSync(path, { read: true });
  const header = new Uint8Array(WAL_VERSION_OFFSET + 1);
  if (file.readSync(header) !== header.length || header[WAL_VERSION_OFFSET] !== 1) return;
  throw new BrokerError(
    `Cannot open the log "${path}": "${wal}" belongs to another log, the one before a backup was ` +
      "put back. Remove it, or use another --data directory",
  );
}

/**
 * Checks that a file is an intact log, through a read-only connection. Reading the file directly is
 * no option: closing it would drop all of this process's locks on it, including another broker's.
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
    // Removes the side files that reading has created. Those of a log in use are never empty and
    // belong to the process that writes it.
    for (const side of made) if (side.endsWith("-shm") || isEmpty(side)) remove(side);
  }
}

/** Checks that a database is a log that this version can read. */
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
 * Records durably that the log is in use, and starts a new epoch if the last use may have lost
 * acknowledged messages: their ids would be assigned again, and clients that saw the lost ones would
 * miss the new ones.
 *
 * A killed process loses nothing, as the operating system has its writes. A crash of the machine may
 * lose the newest commits, and so does moving the file without its `-wal`.
 */
function markOpen(db: DatabaseSync, options: DatabaseOptions, walBefore: boolean): void {
  const opened = firstValue(db, "SELECT value FROM meta WHERE key = 'opened'");
  const clean = opened === "";
  const kept = walBefore && typeof opened === "string" &&
    (opened === DURABLE || sameBoot(opened, options.boot));
  const inUse = options.fsync === "always" ? DURABLE : (options.boot || "unknown");
  transaction(db, () => {
    const set = db.prepare("UPDATE meta SET value = ? WHERE key = ?");
    set.run(inUse, "opened");
    if (!clean && !kept) set.run(newEpoch(), "epoch");
  });
}

function damagedMessage(path: string, why: string): string {
  return `Cannot open the log "${path}": it is damaged or no log at all (${oneLine(why)}). ` +
    "Move it away or restore a backup, or use another --data directory";
}

/** Explains why the log cannot be opened, and what to do. */
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

/** SQLite's initial size of the shared memory file in bytes. */
const PROBE_BYTES = 32 * 1024;

/** Returns the system's own error for writing to the directory: SQLite's says too little. */
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
    // It was not written, then.
    if (!(error instanceof Error)) throw error;
  }
}
