import { basename, dirname, join } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { BrokerError } from "../broker.ts";
import { assertKnownSchema, newEpoch } from "./database.ts";
import { lockLog, remove } from "./files.ts";
import { rewrite, wipeFreePages } from "./eraser.ts";
import { firstValue, transaction } from "./log_database.ts";
import { storageMessage } from "./storage_errors.ts";

/** Milliseconds to wait until the log can be read. */
const BUSY_TIMEOUT = 5000;

/** Copied in one step: between steps, a write by the hub would restart the backup. */
const ALL_PAGES = -1;

export interface BackupReport {
  /** The size of the copy. */
  readonly bytes: number;
  readonly messages: number;
  readonly rooms: number;
}

/**
 * Copies the log at `path` to `target` as of one moment, even while a hub writes to it. The copy is
 * complete, synced and readable by its owner only, or does not appear at all.
 *
 * It has an epoch of its own: a hub that uses it assigns ids that clients of the original have seen.
 *
 * @param options `replace`: overwrites an existing file.
 * @throws {BrokerError} with one line that says what to do.
 */
export async function backUp(
  path: string,
  target: string,
  options: { readonly replace: boolean },
): Promise<BackupReport> {
  const cannot = `Cannot back up "${path}"`;
  if (statIfExists(path)?.isFile !== true) {
    throw new BrokerError(`${cannot}: there is no log. Name its directory with --data DIR`);
  }
  checkTarget(path, target, options.replace);
  const temporary = join(dirname(target), `.${basename(target)}.${crypto.randomUUID()}`);
  try {
    // SQLite would create it readable for others.
    Deno.openSync(temporary, { write: true, createNew: true, mode: 0o600 }).close();
  } catch (error) {
    throw backupError(`Cannot write the backup "${target}"`, error);
  }
  try {
    await copy(path, temporary, cannot);
    const report = finalize(temporary);
    syncToDisk(temporary);
    checkTarget(path, target, options.replace);
    Deno.renameSync(temporary, target);
    syncToDisk(dirname(target));
    return report;
  } catch (error) {
    throw backupError(`Cannot write the backup "${target}"`, error);
  } finally {
    for (const end of ["", "-journal", "-wal", "-shm"]) remove(temporary + end);
  }
}

function checkTarget(path: string, target: string, replace: boolean): void {
  const found = statIfExists(target);
  if (found === undefined) return;
  const cannot = `Cannot write the backup "${target}"`;
  if (found.isDirectory) throw new BrokerError(`${cannot}: it is a directory. Name a file in it`);
  const source = statIfExists(path);
  if (source?.ino === found.ino && source.dev === found.dev) {
    throw new BrokerError(`${cannot}: it is the log itself. Name another file`);
  }
  if (!replace) {
    throw new BrokerError(`${cannot}: the file exists. Name another file, or use --force`);
  }
}

async function copy(path: string, temporary: string, cannot: string): Promise<void> {
  const made = [`${path}-wal`, `${path}-shm`].filter((side) => statIfExists(side) === undefined);
  try {
    // A reader cannot harm the log, and leaves the side files of a killed hub unchanged.
    using db = new DatabaseSync(path, { readOnly: true });
    db.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT}; PRAGMA temp_store = MEMORY`);
    assertKnownSchema(db, path);
    await backup(db, temporary, { rate: ALL_PAGES });
  } catch (error) {
    throw backupError(cannot, error);
  } finally {
    removeSideFiles(path, made);
  }
}

/** Removes the side files that reading created, unless a hub has opened the log since. */
function removeSideFiles(path: string, made: readonly string[]): void {
  if (made.every((side) => statIfExists(side) === undefined)) return;
  try {
    using _lock = lockLog(path);
    for (const side of made) {
      if (side.endsWith("-shm") || statIfExists(side)?.size === 0) remove(side);
    }
  } catch (error) {
    // A hub has opened the log and will remove them, or the directory is read-only.
    if (!(error instanceof Error)) throw error;
  }
}

/** Removes deleted text from the copy, marks it as a copy and checks that it is intact. */
function finalize(temporary: string): BackupReport {
  using db = new DatabaseSync(temporary);
  db.exec("PRAGMA journal_mode = DELETE; PRAGMA temp_store = MEMORY; PRAGMA secure_delete = ON");
  const value = (sql: string): unknown => firstValue(db, sql);
  if (value("PRAGMA quick_check(1)") !== "ok") throw new Error("the copy is malformed");
  rewrite(db);
  wipeFreePages(db);
  transaction(db, () => {
    db.prepare("UPDATE meta SET value = ? WHERE key = 'epoch'").run(newEpoch());
    // No generation file matches an empty token, so that a copy restored twice is two logs.
    db.exec("REPLACE INTO meta VALUES ('generation', ''), ('opened', ''), ('erase', '')");
  });
  return {
    messages: Number(value("SELECT ifnull(sum(count), 0) FROM chunks WHERE body IS NOT NULL")),
    rooms: Number(value("SELECT count(*) FROM rooms")),
    bytes: Deno.statSync(temporary).size,
  };
}

function backupError(cannot: string, error: unknown): BrokerError {
  if (error instanceof BrokerError) return error;
  return new BrokerError(storageMessage(cannot, error), { cause: error });
}

function statIfExists(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch (error) {
    const missing = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory;
    if (missing) return undefined;
    throw backupError(`Cannot read "${path}"`, error);
  }
}

/** Waits until the file or directory is synced to disk. */
function syncToDisk(path: string): void {
  // Windows cannot sync directories.
  if (Deno.build.os === "windows" && statIfExists(path)?.isDirectory) return;
  using file = Deno.openSync(path, { read: true });
  file.syncSync();
}
