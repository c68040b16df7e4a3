import { CliError, EXIT } from "../../cli/errors.ts";
import { replaceFile } from "../../lib/atomic_write.ts";
import { writeAll } from "../../lib/write_all.ts";
import { writeErrorText } from "../../lib/file_errors.ts";

/** What the system says of an open file. */
export interface FileStatus {
  /** Bytes. */
  readonly size: number;
  /** Whether a path still leads to it. */
  readonly linked: boolean;
}

/** A file that grows at its end. */
export interface GrowingFile extends Disposable {
  /** Holds it for this process alone; false when another holds it. */
  lock(): Promise<boolean>;
  status(): Promise<FileStatus>;
  /** Whether `path` leads to this file. */
  isAt(path: string): Promise<boolean>;
  /** The bytes from `from` on, `length` of them or fewer where the file ends before. */
  read(from: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Writes at the end, wherever that is by now; a part may be there when it fails. */
  append(bytes: Uint8Array): Promise<void>;
  /** Cuts everything off from `size` on. */
  cut(size: number): Promise<void>;
  /** Waits until what was written would survive a power cut. */
  sync(): Promise<void>;
}

/** The few things done with files, so that a test can make each of them the last. */
export interface Files {
  /** The text of a file, `undefined` when there is none. */
  readText(path: string): Promise<string | undefined>;
  /** Replaces a file atomically, keeping its permissions; a new one is for its owner alone. */
  replaceText(path: string, text: string): Promise<void>;
  /** Opens a regular file, or makes one for its owner alone. */
  open(path: string): Promise<GrowingFile>;
  /** Holds a file for this process alone; `undefined` when another holds it. */
  lock(path: string): Promise<Disposable | undefined>;
}

/** The permissions of what is made here: private talk is in it. */
const OWNER_ONLY = 0o600;

/** The files of this machine. */
export const MACHINE_FILES: Files = {
  async readText(path) {
    try {
      return await Deno.readTextFile(path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  },
  replaceText: (path, text) =>
    replaceFile(path, text, { keepMode: true, sync: true, temporary: `${path}.new` }),
  async open(path) {
    const file = await openToAppend(path);
    if ((await file.stat()).isFile) return new MachineFile(file);
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
    // Devices take more permissions than this program has.
    if (error instanceof Deno.errors.NotCapable) throw notAFile(error);
    throw error;
  }
}

function notAFile(cause?: Error): Error {
  const message = "it is not a regular file. Redirect the standard output there instead";
  return new Error(message, { cause });
}

class MachineFile implements GrowingFile {
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

  cut(size: number): Promise<void> {
    return this.file.truncate(size);
  }

  sync(): Promise<void> {
    return this.file.syncData();
  }

  [Symbol.dispose](): void {
    this.file.close();
  }
}

/** What went wrong with a file, as one line for a person: "Cannot X: what is". */
export function fileError(error: unknown, what: string): unknown {
  if (error instanceof CliError || !(error instanceof Error)) return error;
  const reason = writeErrorText(error);
  const isFull = /^(?:No space left|Disk quota exceeded|There is not enough space)/.test(reason);
  const remedy = isFull ? ". Make room, and start again" : "";
  return new CliError(`${what}: ${reason}${remedy}`, EXIT.failed, { cause: error });
}
