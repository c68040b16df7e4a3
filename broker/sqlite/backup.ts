import { basename, dirname, join } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { BrokerError } from "../broker.ts";
import { assertKnownSchema, newEpoch } from "./database.ts";
import { lockLog, remove } from "./files.ts";
import { rewrite, wipeFreePages } from "./eraser.ts";
import { storageMessage } from "./storage_errors.ts";

/** Milliseconds to wait for a moment in which the log can be read. */
const BUSY_TIMEOUT = 5000;

/** In one step: in several, a hub that writes without pause would have it begin again and again. */
const ALL_PAGES = -1;

/** What a backup came to. */
export interface BackupReport {
  /** Of the copy. */
  readonly bytes: number;
  readonly messages: number;
  readonly rooms: number;
}

/**
 * Copies the log at `path` to the file `target`, as it is at one moment, whether or not a hub writes
 * to it meanwhile. The copy appears whole, on the disk, for its owner only, or not at all.
 *
 * It has an epoch of its own: a hub that is given it gives ids again that clients of the original
 * have seen.
 *
 * @param options `replace`: an earlier file at `target` goes.
 * @throws {BrokerError} with one line that says what to do.
 */
export async function backUp(
  path: string,
  target: string,
  options: { readonly replace: boolean },
): Promise<BackupReport> {
  const cannot = `Cannot back up "${path}"`;
  if (!isFile(path)) {
    throw new BrokerError(`${cannot}: there is no log. Name its directory with --data DIR`);
  }
  checkTarget(path, target, options.replace);
  const aside = join(dirname(target), `.${basename(target)}.${crypto.randomUUID()}`);
  try {
    // SQLite would make it readable for others.
    Deno.openSync(aside, { write: true, createNew: true, mode: 0o600 }).close();
  } catch (error) {
    throw new BrokerError(storageMessage(`Cannot write the backup "${target}"`, error), {
      cause: error,
    });
  }
  try {
    await copy(path, aside, cannot);
    const report = finalize(aside);
    syncToDisk(aside);
    checkTarget(path, target, options.replace);
    Deno.renameSync(aside, target);
    syncToDisk(dirname(target));
    return report;
  } catch (error) {
    if (error instanceof BrokerError) throw error;
    throw new BrokerError(storageMessage(`Cannot write the backup "${target}"`, error), {
      cause: error,
    });
  } finally {
    for (const end of ["", "-journal", "-wal", "-shm"]) remove(aside + end);
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

/** Writes the log, as it is at one moment, to an empty file. */
async function copy(path: string, aside: string, cannot: string): Promise<void> {
  const made = [`${path}-wal`, `${path}-shm`].filter((side) => statIfExists(side) === undefined);
  try {
    // A reader cannot harm the log, and leaves the parts of a hub that was killed as they are.
    using db = new DatabaseSync(path, { readOnly: true });
    db.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT}; PRAGMA temp_store = MEMORY`);
    assertKnownSchema(db, path);
    await backup(db, aside, { rate: ALL_PAGES });
  } catch (error) {
    if (error instanceof BrokerError) throw error;
    throw new BrokerError(storageMessage(cannot, error), { cause: error });
  } finally {
    removeSideFiles(path, made);
  }
}

/** Removes what reading a log made that no hub has open; none can begin meanwhile. */
function removeSideFiles(path: string, made: readonly string[]): void {
  if (made.every((side) => statIfExists(side) === undefined)) return;
  try {
    using _lock = lockLog(path);
    for (const side of made) {
      if (side.endsWith("-shm") || statIfExists(side)?.size === 0) remove(side);
    }
  } catch (error) {
    // A hub has it now, and closes it in its time; or nothing may be written there.
    if (!(error instanceof Error)) throw error;
  }
}

/**
 * Takes out of the copy whatever is left of deleted messages, makes it one that a hub takes for a
 * copy, and makes sure that it is whole.
 */
function finalize(aside: string): BackupReport {
  using db = new DatabaseSync(aside);
  db.exec("PRAGMA journal_mode = DELETE; PRAGMA temp_store = MEMORY; PRAGMA secure_delete = ON");
  const value = (sql: string): unknown => Object.values(db.prepare(sql).get() ?? {})[0];
  if (value("PRAGMA quick_check(1)") !== "ok") throw new Error("the copy is malformed");
  rewrite(db);
  wipeFreePages(db);
  db.exec("BEGIN");
  db.prepare("UPDATE meta SET value = ? WHERE key = 'epoch'").run(newEpoch());
  // No file beside a log has this one: a copy that is put back twice is two logs.
  db.exec("REPLACE INTO meta VALUES ('generation', ''), ('opened', ''), ('erase', '')");
  db.exec("COMMIT");
  return {
    messages: Number(value("SELECT ifnull(sum(count), 0) FROM chunks WHERE body IS NOT NULL")),
    rooms: Number(value("SELECT count(*) FROM rooms")),
    bytes: Deno.statSync(aside).size,
  };
}

function isFile(path: string): boolean {
  return statIfExists(path)?.isFile === true;
}

function statIfExists(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch (error) {
    const missing = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory;
    if (missing) return undefined;
    throw new BrokerError(storageMessage(`Cannot read "${path}"`, error), { cause: error });
  }
}

/** Waits until the disk has it. */
function syncToDisk(path: string): void {
  // Windows syncs no directories.
  if (Deno.build.os === "windows" && statIfExists(path)?.isDirectory) return;
  using file = Deno.openSync(path, { read: true });
  file.syncSync();
}
