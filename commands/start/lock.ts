import { join } from "node:path";
import { storageMessage } from "../../broker/sqlite/storage_errors.ts";
import { visible } from "../../protocol.ts";
import { CliError } from "../../cli/errors.ts";

/** The file in the data directory that the running hub holds. */
const LOCK = "bcast.lock";

/**
 * Takes a data directory for this process alone, until disposed. The system gives it back when the
 * process ends, however it ends.
 *
 * The log has a lock of its own; this one says who holds it, before anything else is touched.
 *
 * @throws {CliError} when another hub has it.
 */
export function holdDirectory(directory: string): Disposable {
  const path = join(directory, LOCK);
  using opened = new DisposableStack();
  const file = opened.use(open(directory, path));
  // The file may be deleted under the hub that holds it; the directory it is in stays the same.
  const itself = openItself(directory);
  if (itself !== undefined) opened.use(itself);
  if (itself !== undefined && !locks(itself)) throw held(directory, path);
  if (!file.tryLockSync(true)) throw held(directory, path);
  try {
    // Never removed: whoever had opened the old file would then hold one that nobody else sees.
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

/** The directory as a file; `undefined` where that cannot be opened, as on Windows. */
function openItself(directory: string): Deno.FsFile | undefined {
  try {
    return Deno.openSync(directory, { read: true });
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

/** Whether a directory is not locked by another process, as far as its file system can tell. */
function locks(itself: Deno.FsFile): boolean {
  try {
    return itself.tryLockSync(true);
  } catch (error) {
    // Some file systems of a network lock files only.
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

function held(directory: string, path: string): CliError {
  const pid = holder(path);
  const who = pid === undefined ? "another hub" : `another hub (process ${pid})`;
  return new CliError(
    `Cannot use the data directory "${
      visible(directory)
    }": ${who} is using it. Stop that hub, or ` +
      "use another --data DIR",
  );
}

/** Who wrote itself into the lock; `undefined` when that cannot be read, or not yet. */
function holder(path: string): number | undefined {
  try {
    const pid = Number(/^([1-9][0-9]{0,9})\n$/.exec(Deno.readTextFileSync(path))?.[1]);
    return Number.isNaN(pid) ? undefined : pid;
  } catch {
    // Windows lets nobody read what is locked: then the name is not worth an error of its own.
    return undefined;
  }
}
