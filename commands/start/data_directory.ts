import { join } from "node:path";
import { storageMessage } from "../../broker/sqlite/storage_errors.ts";
import { visible } from "../../protocol.ts";
import { CliError } from "../../cli/errors.ts";
import { dataDirectory, type Home } from "../../cli/paths.ts";

const DATABASE = "bcast.db";

/** The path of the log in the directory `data`, by default the user's own. */
export function databaseIn(data: string | undefined, home: Home): string {
  return join(data ?? dataDirectory(home), DATABASE);
}

/** Locked by the running hub. */
const LOCK = "bcast.lock";

/**
 * Locks a data directory for this process, until disposed. The operating system releases the lock
 * however the process ends.
 *
 * The log has a lock of its own; this one also names its holder, before anything else is touched.
 *
 * @throws {CliError} if another hub uses it.
 */
export function holdDirectory(directory: string): Disposable {
  const path = join(directory, LOCK);
  using opened = new DisposableStack();
  const file = opened.use(open(directory, path));
  // The lock file may be deleted while the hub runs; the directory stays.
  const self = openDirectory(directory);
  if (self !== undefined) opened.use(self);
  if (self !== undefined && !tryLock(self)) throw inUse(directory, path);
  if (!file.tryLockSync(true)) throw inUse(directory, path);
  try {
    // Never removed: a process that opened the old file would hold a lock on an invisible file.
    file.truncateSync();
    file.writeSync(new TextEncoder().encode(`${Deno.pid}\n`));
  } catch (error) {
    throw unusable(directory, error);
  }
  return opened.move();
}

function unusable(directory: string, error: unknown): CliError {
  const cannot = `Cannot use the data directory "${visible(directory)}"`;
  return new CliError(
    `${storageMessage(cannot, error)}, or use another --data DIR`,
    undefined,
    { cause: error },
  );
}

/** `undefined` where directories cannot be opened, as on Windows. */
function openDirectory(directory: string): Deno.FsFile | undefined {
  try {
    return Deno.openSync(directory, { read: true });
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

/** Returns false if another process holds the lock. */
function tryLock(self: Deno.FsFile): boolean {
  try {
    return self.tryLockSync(true);
  } catch (error) {
    // Some network file systems lock only files.
    if (error instanceof Error) return true;
    throw error;
  }
}

function open(directory: string, path: string): Deno.FsFile {
  try {
    Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
    return Deno.openSync(path, { read: true, write: true, create: true, mode: 0o600 });
  } catch (error) {
    throw unusable(directory, error);
  }
}

function inUse(directory: string, path: string): CliError {
  const pid = holderOf(path);
  const who = pid === undefined ? "another hub" : `another hub (process ${pid})`;
  return new CliError(
    `Cannot use the data directory "${
      visible(directory)
    }": ${who} is using it. Stop that hub, or ` +
      "use another --data DIR",
  );
}

/** The process ID in the lock file; `undefined` if it cannot be read or is not written yet. */
function holderOf(path: string): number | undefined {
  try {
    const pid = Number(/^([1-9][0-9]{0,9})\n$/.exec(Deno.readTextFileSync(path))?.[1]);
    return Number.isNaN(pid) ? undefined : pid;
  } catch {
    // Windows does not let other processes read a locked file.
    return undefined;
  }
}
