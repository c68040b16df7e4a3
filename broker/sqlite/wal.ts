import type { DatabaseSync } from "node:sqlite";
import { getLogger } from "@logtape/logtape";
import { exists } from "./files.ts";

const logger = getLogger(["bcast", "log"]);

/** Errors of SQLite where memory cannot be shared between processes. */
const SHARED_MEMORY_FAULT = /disk I\/O error|locking protocol|unable to open database file/;

/**
 * Has commits go to a log of their own first. Other processes may read meanwhile, as a backup does,
 * through shared memory; a file system that has none, such as some of a network, serves one process.
 */
export function enterWal(db: DatabaseSync): void {
  let mode: unknown;
  try {
    mode = journalMode(db, "WAL");
    if (mode === "wal") db.exec("BEGIN IMMEDIATE; COMMIT");
  } catch (error) {
    if (!(error instanceof Error) || !SHARED_MEMORY_FAULT.test(error.message)) throw error;
    mode = undefined;
  }
  if (mode === "wal") return;
  db.exec("PRAGMA locking_mode = EXCLUSIVE");
  mode = journalMode(db, "WAL");
  if (mode !== "wal") throw new Error(`its journal mode is ${String(mode)}`);
}

/** Moves all that is in the write-ahead log into the file, and begins a new one. */
export function restartWal(db: DatabaseSync): void {
  const mode = journalMode(db, "DELETE");
  if (mode !== "delete") throw new Error("the write-ahead log is in use: database is locked");
  enterWal(db);
}

/**
 * Leaves an empty write-ahead log where SQLite removed it, after it moved all that was in it into
 * the file. A log that was in use and has none counts as one that lost its newest part.
 */
export function keepWal(path: string): void {
  const wal = `${path}-wal`;
  try {
    if (!exists(wal)) Deno.openSync(wal, { createNew: true, write: true, mode: 0o600 }).close();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    // Nothing is lost: the next start begins a new epoch where it need not.
    logger.debug("Cannot make {path}: {error}", { path: wal, error });
  }
}

function journalMode(db: DatabaseSync, wanted: string): unknown {
  return db.prepare(`PRAGMA journal_mode = ${wanted}`).get()?.["journal_mode"];
}
