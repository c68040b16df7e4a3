import type { DatabaseSync } from "node:sqlite";

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

function journalMode(db: DatabaseSync, wanted: string): unknown {
  return db.prepare(`PRAGMA journal_mode = ${wanted}`).get()?.["journal_mode"];
}
