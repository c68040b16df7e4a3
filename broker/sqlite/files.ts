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
    // Without the right to look at the directory, assume that it is.
    if (error instanceof Deno.errors.PermissionDenied) return true;
    throw error;
  }
}

export function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Whether a file exists at `path` and is empty. */
export function isEmpty(path: string): boolean {
  return exists(path) && Deno.statSync(path).size === 0;
}

/** Removes a file if it exists. */
export function remove(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Attempts to lock a file that stays at its path: its last holder may remove it meanwhile. */
const ATTEMPTS = 10;

/**
 * Locks a log for this broker until disposed. The operating system releases the lock when the
 * process ends.
 *
 * SQLite's own locks do not suffice: they would let two hubs write in turns.
 *
 * @throws {BrokerError} if another hub is using it.
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
    // The last holder removed the file meanwhile: this lock protects nothing.
    file.close();
  }
  throw lockedError(path);
}

export function lockedError(path: string, cause?: unknown): BrokerError {
  return new BrokerError(
    `Cannot open the log "${path}": another hub is using it. ` +
      "Stop that hub, or use another --data directory",
    { cause },
  );
}

function release(file: Deno.FsFile, path: string): Disposable {
  return {
    [Symbol.dispose]: (): void => {
      try {
        // The directory may have been replaced and belong to another hub now.
        if (isAt(file, path)) Deno.removeSync(path);
      } catch (error) {
        // Harmless: Windows cannot remove an open file, and a read-only disk removes nothing.
        if (!(error instanceof Error)) throw error;
      } finally {
        file.close();
      }
    },
  };
}
