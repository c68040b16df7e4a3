import { CliError, EXIT } from "../../cli/errors.ts";
import { ignoreNotFound, replaceFile, writeAll, writeErrorText } from "../../lib/files.ts";

export interface FileStatus {
  /** Bytes. */
  readonly size: number;
  /** Whether a path still leads to it. */
  readonly linked: boolean;
}

/** An open file that is appended to. */
export interface AppendFile extends Disposable {
  /** Locks it for this process; `false` when another process has it locked. */
  lock(): Promise<boolean>;
  status(): Promise<FileStatus>;
  /** Whether this file is the one at `path`. */
  isAt(path: string): Promise<boolean>;
  /** Reads `length` bytes from `from` on, or fewer at the end of the file. */
  read(from: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Writes at the current end; a failed write may leave a part behind. */
  append(bytes: Uint8Array): Promise<void>;
  truncate(size: number): Promise<void>;
  /** Waits until everything written would survive a power failure. */
  sync(): Promise<void>;
}

/** File operations, behind an interface so that a test can fail or stop at each of them. */
export interface FileSystem {
  /** The text of a file; `undefined` when it does not exist. */
  readText(path: string): Promise<string | undefined>;
  /** Replaces a file atomically and keeps its permissions; only the owner may access a new one. */
  replaceText(path: string, text: string): Promise<void>;
  /** Opens a regular file, or creates one that only its owner may access. */
  open(path: string): Promise<AppendFile>;
  /** Locks a file for this process; `undefined` when another process has it locked. */
  lock(path: string): Promise<Disposable | undefined>;
}

/** Permissions of new files, since messages may be private. */
const OWNER_ONLY = 0o600;

export const SYSTEM_FILES: FileSystem = {
  readText: (path) => Deno.readTextFile(path).catch(ignoreNotFound),
  replaceText: (path, text) =>
    replaceFile(path, text, { keepMode: true, sync: true, temporary: `${path}.new` }),
  async open(path) {
    const file = await openToAppend(path);
    if ((await file.stat()).isFile) return new SystemFile(file);
    file.close();
    throw notAFile();
  },
  async lock(path) {
    const file = await Deno.open(path, { read: true, write: true, create: true, mode: OWNER_ONLY });
    if (await file.tryLock(true)) return file;
    file.close();
    return undefined;
  },
};

async function openToAppend(path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path, { read: true, append: true, create: true, mode: OWNER_ONLY });
  } catch (error) {
    // Opening a device needs permissions that this program does not have.
    if (error instanceof Deno.errors.NotCapable) throw notAFile(error);
    throw error;
  }
}

function notAFile(cause?: Error): Error {
  const message = "it is not a regular file. Redirect standard output there instead";
  return new Error(message, { cause });
}

class SystemFile implements AppendFile {
  constructor(private readonly file: Deno.FsFile) {}

  lock(): Promise<boolean> {
    return this.file.tryLock(true);
  }

  async status(): Promise<FileStatus> {
    const { size, nlink } = await this.file.stat();
    return { size, linked: nlink !== 0 };
  }

  async isAt(path: string): Promise<boolean> {
    const own = await this.file.stat();
    try {
      const { dev, ino } = await Deno.stat(path);
      return dev === own.dev && ino === own.ino;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  }

  async read(from: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const buffer = new Uint8Array(length);
    await this.file.seek(from, Deno.SeekMode.Start);
    let filled = 0;
    while (filled < length) {
      const count = await this.file.read(buffer.subarray(filled));
      if (count === null) break;
      filled += count;
    }
    return buffer.subarray(0, filled);
  }

  append(bytes: Uint8Array): Promise<void> {
    return writeAll(this.file, bytes);
  }

  truncate(size: number): Promise<void> {
    return this.file.truncate(size);
  }

  sync(): Promise<void> {
    return this.file.syncData();
  }

  [Symbol.dispose](): void {
    this.file.close();
  }
}

/** Turns a file error into a {@linkcode CliError} that begins with `what`: "Cannot X". */
export function fileError(error: unknown, what: string): unknown {
  if (error instanceof CliError || !(error instanceof Error)) return error;
  const reason = writeErrorText(error);
  const isFull = /^(?:No space left|Disk quota exceeded|There is not enough space)/.test(reason);
  const remedy = isFull ? ". Free some space, then start again" : "";
  return new CliError(`${what}: ${reason}${remedy}`, EXIT.failed, { cause: error });
}
