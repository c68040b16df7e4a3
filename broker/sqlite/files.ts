import { BrokerError } from "../broker.ts";
/** Whether the open `file` is the one at `path`. */
export function isAt(file: Deno.FsFile, path: string): boolean {
  try {
    const there = Deno.statSync(path);
    const open = file.statSync();
    return there.ino === open.ino && there.dev === open.dev;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    if (error instanceof Deno.errors.NotADirectory) return false;
    // It may be there: the right to look at a directory was taken away, say.
    if (error instanceof Deno.errors.PermissionDenied) return true;
    throw error;
  }
}

/** Whether there is something at `path`. */
export function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Whether there is an empty file at `path`. */
export function isEmpty(path: string): boolean {
  return exists(path) && Deno.statSync(path).size === 0;
}

/** Removes a file, if it is there. */
export function remove(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Tries to get hold of a file that stays at its path; each may be removed by who held it before. */
const ATTEMPTS = 10;

/**
 * Takes a log for this broker alone, until disposed. The system releases the lock when the process
 * ends, however it ends.
 *
 * SQLite's own locks let several processes write by turns, and would let two hubs do so.
 *
 * @throws {BrokerError} when another hub has it.
 */
export function lockLog(path: string): Disposable {
  const lock = `${path}-lock`;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const file = Deno.openSync(lock, { read: true, write: true, create: true, mode: 0o600 });
    try {
      if (!file.tryLockSync(true)) throw lockedError(path);
      if (isAt(file, lock)) return release(file, lock);
    } catch (error) {
      file.close();
      throw error;
    }
    // Whoever held it removed it meanwhile: this one is nobody's any more.
    file.close();
  }
  throw lockedError(path);
}

/** Another hub writes to the log. */
export function lockedError(path: string, cause?: unknown): BrokerError {
  return new BrokerError(
    `Cannot open the log "${path}": another hub holds it. ` +
      "Stop that hub, or use another --data directory",
    { cause },
  );
}

function release(file: Deno.FsFile, path: string): Disposable {
  return {
    [Symbol.dispose]: (): void => {
      try {
        // Only its own: the directory may have been replaced, and have a hub of its own.
        if (isAt(file, path)) Deno.removeSync(path);
      } catch (error) {
        // Windows does not remove what is open, and a read-only disk nothing: it does no harm.
        if (!(error instanceof Error)) throw error;
      } finally {
        file.close();
      }
    },
  };
}
