import { join } from "node:path";
import { getLogger } from "@logtape/logtape";
import { replaceFile } from "../lib/atomic_write.ts";
import { writeAll } from "../lib/write_all.ts";
import { MAX_BUFFER_LENGTH, TextBuffer } from "./text_buffer.ts";

const logger = getLogger(["bcast", "client"]);

/** The file in the data directory: one entry a line, `\n` and `\\` for newlines and backslashes. */
const FILE = "input-history";
/** Entries that are kept. */
export const MAX_ENTRIES = 1000;
/** Bytes of the file that are read, from its end; what is beyond is nobody's typing. */
const MAX_FILE = 4 * 1024 * 1024;

/** What was typed before. */
export interface InputHistory {
  /** From the oldest to the newest. */
  readonly entries: readonly string[];
  /** Keeps a line, unless it is not worth it. */
  add(line: string): void;
}

/** Whether a line goes into the history: as in shells, one with a blank before it does not. */
function isKept(line: string): boolean {
  return line !== "" && !/^\s/u.test(line) && line.length <= MAX_BUFFER_LENGTH;
}

/** Lines for as long as the program runs. */
export class MemoryHistory implements InputHistory {
  readonly #entries: string[] = [];

  constructor(entries: readonly string[] = []) {
    for (const entry of entries) this.add(entry);
  }

  get entries(): readonly string[] {
    return this.#entries;
  }

  /** Whether the line was new: not blank, and not the one before again. */
  add(line: string): boolean {
    if (!isKept(line) || line === this.#entries.at(-1)) return false;
    this.#entries.push(line);
    if (this.#entries.length > MAX_ENTRIES) this.#entries.shift();
    return true;
  }
}

/**
 * What was typed, across runs. Several programs may add to the file at once; each sees what was
 * there when it started, and its own.
 *
 * A file that cannot be read or written is a warning in the log, never an end.
 */
export class FileHistory implements InputHistory, AsyncDisposable {
  readonly #path: string;
  readonly #lines: MemoryHistory;
  /** Entries are written one after the other. */
  #written: Promise<void> = Promise.resolve();

  private constructor(path: string, entries: readonly string[]) {
    this.#path = path;
    this.#lines = new MemoryHistory(entries);
  }

  /** Reads the history in a data directory, and makes the file as short and private as it should be. */
  static async open(directory: string): Promise<FileHistory> {
    const path = join(directory, FILE);
    try {
      await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
      return new FileHistory(path, await withFile(path, (file) => readAndTidy(path, file)));
    } catch (error) {
      logger.warning("Cannot read what was typed before: {error}", { error, path });
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

  /** Waits until everything is written. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#written;
  }

  async #append(line: string): Promise<void> {
    try {
      await withFile(this.#path, async (file) => {
        // A line that was cut off by a crash is ended first, so that it spoils no other.
        const whole = await endsWell(file) ? line : `\n${line}`;
        await writeAll(file, new TextEncoder().encode(whole));
      });
    } catch (error) {
      logger.warning("Cannot keep what was typed: {error}", { error, path: this.#path });
    }
  }
}

/** Opens the file for oneself alone, for as long as `use` takes. */
async function withFile<T>(path: string, use: (file: Deno.FsFile) => Promise<T>): Promise<T> {
  for (;;) {
    using file = await Deno.open(path, { read: true, append: true, create: true, mode: 0o600 });
    await file.lock(true);
    try {
      const [mine, there] = await Promise.all([file.stat(), statIfAny(path)]);
      if (!mine.isFile) throw new Error("it is not a file");
      if (there !== undefined && mine.ino === there.ino) return await use(file);
    } finally {
      await file.unlock();
    }
  }
}

async function statIfAny(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function readAndTidy(path: string, file: Deno.FsFile): Promise<readonly string[]> {
  const { size, mode } = await file.stat();
  if (mode !== null && (mode & 0o077) !== 0 && Deno.build.os !== "windows") {
    logger.warning("What you typed could be read by others: {path} is yours alone now", { path });
    await Deno.chmod(path, 0o600);
  }
  const lines = (await readEnd(file, size)).split("\n").filter((line) => line !== "");
  const entries = lines.map(unescape).filter((entry) => entry !== undefined);
  if (entries.length < lines.length) {
    const damaged = lines.length - entries.length;
    logger.warning("{damaged} lines of {path} are damaged and left out", { damaged, path });
  }
  const kept = new MemoryHistory(entries).entries;
  if (lines.length > MAX_ENTRIES || size > MAX_FILE) {
    await replaceFile(path, kept.map((entry) => escape(entry) + "\n").join(""));
  }
  return kept;
}

async function readEnd(file: Deno.FsFile, size: number): Promise<string> {
  const start = Math.max(0, size - MAX_FILE);
  await file.seek(start, Deno.SeekMode.Start);
  const bytes = new Uint8Array(size - start);
  let length = 0;
  while (length < bytes.length) {
    const read = await file.read(bytes.subarray(length));
    if (read === null) break;
    length += read;
  }
  const text = new TextDecoder().decode(bytes.subarray(0, length));
  // The first line is half a one.
  return start === 0 ? text : text.slice(text.indexOf("\n") + 1);
}

async function endsWell(file: Deno.FsFile): Promise<boolean> {
  const { size } = await file.stat();
  if (size === 0) return true;
  await file.seek(-1, Deno.SeekMode.End);
  const byte = new Uint8Array(1);
  await file.read(byte);
  return byte[0] === 0x0a;
}

function escape(line: string): string {
  return line.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

/** What was escaped, or `undefined` for a line that nobody can have typed. */
function unescape(line: string): string | undefined {
  if (line.includes("\uFFFD") || !/^(?:[^\\]|\\[\\n])*$/.test(line)) return undefined;
  const text = line.replaceAll(/\\(.)/g, (_, letter: string) => letter === "n" ? "\n" : "\\");
  return TextBuffer.of(text).text === text ? text : undefined;
}
