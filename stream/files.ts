import { CliError, EXIT } from "../cli/errors.ts";

/** A file that grows at its end. */
export interface GrowingFile extends Disposable {
  /** Holds it for this process alone; false when another holds it. */
  lock(): Promise<boolean>;
  /** Bytes. */
  size(): Promise<number>;
  /** The bytes from `from` on, `length` of them or fewer where the file ends before. */
  read(from: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Writes at `at`, which is the end; a part may be there when it fails. */
  write(at: number, bytes: Uint8Array): Promise<void>;
  /** Cuts everything off from `size` on. */
  cut(size: number): Promise<void>;
  /** Waits until what was written would survive a power cut. */
  sync(): Promise<void>;
}

/** The few things done with files, so that a test can make each of them the last. */
export interface Files {
  /** The text of a file, `undefined` when there is none. */
  readText(path: string): Promise<string | undefined>;
  /** Writes a whole file that survives a power cut. */
  writeText(path: string, text: string): Promise<void>;
  /** Gives a file another's name, in place of what had it. */
  rename(from: string, to: string): Promise<void>;
  /** Opens a regular file, or makes one. */
  open(path: string): Promise<GrowingFile>;
  /** Holds a file for this process alone; `undefined` when another holds it. */
  lock(path: string): Promise<Disposable | undefined>;
}

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
  async writeText(path, text) {
    using file = await Deno.open(path, { write: true, create: true, truncate: true });
    await writeAll(file, new TextEncoder().encode(text));
    await file.syncData();
  },
  rename: (from, to) => Deno.rename(from, to),
  async open(path) {
    const file = await Deno.open(path, { read: true, write: true, create: true });
    if ((await file.stat()).isFile) return new MachineFile(file);
    file.close();
    throw new Error("it is no regular file");
  },
  async lock(path) {
    const file = await Deno.open(path, { read: true, write: true, create: true });
    if (await file.tryLock(true)) return file;
    file.close();
    return undefined;
  },
};

class MachineFile implements GrowingFile {
  constructor(private readonly file: Deno.FsFile) {}

  lock(): Promise<boolean> {
    return this.file.tryLock(true);
  }

  async size(): Promise<number> {
    return (await this.file.stat()).size;
  }

  async read(from: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const buffer = new Uint8Array(length);
    await this.file.seek(from, Deno.SeekMode.Start);
    let filled = 0;
    while (filled < length) {
      // deno-lint-ignore no-await-in-loop -- a read may bring a part only
      const count = await this.file.read(buffer.subarray(filled));
      if (count === null) break;
      filled += count;
    }
    return buffer.subarray(0, filled);
  }

  async write(at: number, bytes: Uint8Array): Promise<void> {
    await this.file.seek(at, Deno.SeekMode.Start);
    await writeAll(this.file, bytes);
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

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    // deno-lint-ignore no-await-in-loop -- a write may take a part only
    done += await file.write(bytes.subarray(done));
  }
}

/** What went wrong with a file, as one line for a person: "Cannot X: what is". */
export function fileError(error: unknown, what: string): unknown {
  if (error instanceof CliError || !(error instanceof Error)) return error;
  // The runtime ends its sentences with the call that failed: ": open '/a/b'".
  const why = error.message.replace(/ \(os error \d+\).*$/s, "");
  return new CliError(`${what}: ${why}`, EXIT.failed, { cause: error });
}
