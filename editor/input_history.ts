import { join } from "node:path";
import { getLogger } from "@logtape/logtape";
import { ignoreNotFound, replaceFile, writeAll } from "../lib/files.ts";
import { MAX_BUFFER_LENGTH, TextBuffer } from "./text_buffer.ts";

const logger = getLogger(["bcast", "client"]);

/** In the data directory: one entry a line, newlines and backslashes escaped. */
const FILE = "input-history";
/** The most entries to keep. */
export const MAX_ENTRIES = 1000;
/** Bytes to read from the end of the file: more than a user ever types. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;

/** Lines typed before. */
export interface InputHistory {
  /** Oldest first. */
  readonly entries: readonly string[];
  /** Adds a line, unless it is blank, begins with a blank, or repeats the last one. */
  add(line: string): void;
}

/** As in shells, a line that begins with a blank is not kept. */
function isKept(line: string): boolean {
  return line !== "" && !/^\s/u.test(line) && line.length <= MAX_BUFFER_LENGTH;
}

/** A history that ends with the program. */
export class MemoryHistory implements InputHistory {
  readonly #entries: string[] = [];

  constructor(entries: readonly string[] = []) {
    for (const entry of entries) this.add(entry);
  }

  get entries(): readonly string[] {
    return this.#entries;
  }

  /** Returns whether the line was added. */
  add(line: string): boolean {
    if (!isKept(line) || line === this.#entries.at(-1)) return false;
    this.#entries.push(line);
    if (this.#entries.length > MAX_ENTRIES) this.#entries.shift();
    return true;
  }
}

/**
 * A history kept in a file. Several programs may add to it at once; each sees the entries from before
 * its start, and its own.
 *
 * If the file cannot be read or written, a warning is logged and the history ends with the program.
 */
export class FileHistory implements InputHistory, AsyncDisposable {
  readonly #path: string;
  readonly #lines: MemoryHistory;
  /** Settles when all entries are written, which happens one by one. */
  #written: Promise<void> = Promise.resolve();

  private constructor(path: string, entries: readonly string[]) {
    this.#path = path;
    this.#lines = new MemoryHistory(entries);
  }

  /** Reads the history in a data directory; shortens the file and makes it private if necessary. */
  static async open(directory: string): Promise<FileHistory> {
    const path = join(directory, FILE);
    try {
      await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
      return new FileHistory(path, await withFile(path, (file) => readAndTidy(path, file)));
    } catch (error) {
      logger.warning("Cannot read the input history: {error}", { error, path });
      return new FileHistory(path, []);
    }
  }

  get entries(): readonly string[] {
    return this.#lines.entries;
  }

  add(line: string): void {
    if (!this.#lines.add(line)) return;
    this.#written = this.#written.then(() => this.#append(escape(line) + "\n"));
  }

  /** Waits until all entries are written. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#written;
  }

  async #append(line: string): Promise<void> {
    try {
      await withFile(this.#path, (file) => writeAll(file, new TextEncoder().encode(line)));
    } catch (error) {
      logger.warning("Cannot save the input history: {error}", { error, path: this.#path });
    }
  }
}

/** Opens and locks the file while `use` runs. */
async function withFile<T>(path: string, use: (file: Deno.FsFile) => Promise<T>): Promise<T> {
  for (;;) {
    using file = await Deno.open(path, { read: true, append: true, create: true, mode: 0o600 });
    await file.lock(true);
    try {
      const [mine, there] = await Promise.all([file.stat(), Deno.stat(path).catch(ignoreNotFound)]);
      if (!mine.isFile) throw new Error("it is not a file");
      if (there !== undefined && mine.ino === there.ino) return await use(file);
    } finally {
      await file.unlock();
    }
  }
}

async function readAndTidy(path: string, file: Deno.FsFile): Promise<readonly string[]> {
  const { size, mode } = await file.stat();
  if (mode !== null && (mode & 0o077) !== 0 && Deno.build.os !== "windows") {
    logger.warning(
      "Other users could read your input history {path}: its permissions are now 600",
      { path },
    );
    await Deno.chmod(path, 0o600);
  }
  const text = await readEnd(file, size);
  const lines = text.split("\n").filter((line) => line !== "");
  const entries = lines.map(unescape).filter((entry) => entry !== undefined);
  if (entries.length < lines.length) {
    const damaged = lines.length - entries.length;
    logger.warning("Ignored {damaged} damaged lines of {path}", { damaged, path });
  }
  const kept = new MemoryHistory(entries).entries;
  // A line that a crash cut off must not damage the next one.
  const isTruncated = text !== "" && !text.endsWith("\n");
  if (lines.length > MAX_ENTRIES || size > MAX_FILE_BYTES || isTruncated) {
    await replaceFile(path, kept.map((entry) => escape(entry) + "\n").join(""));
  }
  return kept;
}

async function readEnd(file: Deno.FsFile, size: number): Promise<string> {
  const start = Math.max(0, size - MAX_FILE_BYTES);
  await file.seek(start, Deno.SeekMode.Start);
  const bytes = new Uint8Array(size - start);
  let length = 0;
  while (length < bytes.length) {
    const read = await file.read(bytes.subarray(length));
    if (read === null) break;
    length += read;
  }
  const text = new TextDecoder().decode(bytes.subarray(0, length));
  // The first line is incomplete.
  return start === 0 ? text : text.slice(text.indexOf("\n") + 1);
}

function escape(line: string): string {
  return line.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

/** Undoes {@linkcode escape}; `undefined` for a line that cannot have been typed. */
function unescape(line: string): string | undefined {
  if (line.includes("\uFFFD") || !/^(?:[^\\]|\\[\\n])*$/.test(line)) return undefined;
  const text = line.replaceAll(/\\(.)/g, (_, letter: string) => letter === "n" ? "\n" : "\\");
  return TextBuffer.of(text).text === text ? text : undefined;
}
