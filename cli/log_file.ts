import { CliError } from "./errors.ts";
import { writeErrorText } from "../lib/files.ts";
import { visible } from "../protocol.ts";

/** Bytes after which a file is rotated: days of an ordinary hub, and small enough for an editor. */
const MAX_BYTES = 10 * 1024 * 1024;

/** Rotated files that are kept: `FILE.1` is the newest. */
const MAX_FILES = 5;

/** Milliseconds that a line may wait; a crash loses that much. */
const FLUSH_PERIOD = 1000;

/** UTF-16 units that are written without waiting. */
const FULL_BUFFER = 8 * 1024;

/** UTF-16 units that may wait for a full disk; beyond it, lines are dropped and counted. */
const MAX_WAITING = 1024 * 1024;

/**
 * A log file that only its owner can read, rotated by size, and reopened after another program moved
 * it. The logging library's own file sink can neither set a mode nor reopen its file.
 */
export class LogFile implements AsyncDisposable {
  #file: Deno.FsFile;
  #size: number;
  #waiting = "";
  #dropped = 0;
  /** Bytes that the last write did not take. */
  #rest = new Uint8Array();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> | undefined;
  #reopen = false;
  #failing = false;

  /**
   * @param onFailure called once when writing starts to fail.
   * @throws {CliError} when the file cannot be opened.
   */
  constructor(
    private readonly path: string,
    private readonly onFailure: (error: Error) => void,
    private readonly maxBytes = MAX_BYTES,
  ) {
    try {
      this.#file = open(path);
      this.#size = this.#file.statSync().size;
    } catch (error) {
      const message = `Cannot write the log file ${visible(path)}: ${writeErrorText(error)}`;
      throw new CliError(message, 1, { cause: error });
    }
  }

  /** Takes a line, newline included. Never throws. */
  readonly take = (line: string): void => {
    if (this.#waiting.length + line.length > MAX_WAITING) {
      this.#dropped++;
      return;
    }
    this.#waiting += line;
    if (this.#waiting.length >= FULL_BUFFER) void this.flush();
    this.#timer ??= setTimeout(() => void this.flush(), FLUSH_PERIOD);
  };

  /** Reopens the file before the next line, after logrotate moved it. */
  reopen(): void {
    this.#reopen = true;
    void this.flush();
  }

  /** Never rejects: failed writes are retried with the next line. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return this.#writing ??= this.#write().then(() => {
      this.#failing = false;
    }, (error) => {
      if (!this.#failing) this.onFailure(error);
      this.#failing = true;
    }).finally(() => this.#writing = undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Lines that arrived during a write need a second one.
    await this.flush();
    await this.flush();
    clearTimeout(this.#timer);
    this.#file.close();
  }

  async #write(): Promise<void> {
    if (this.#reopen) {
      // Only once: if it fails, the old file stays in use.
      this.#reopen = false;
      await this.#drain();
      this.#replace(open(this.path));
    }
    await this.#drain();
  }

  async #drain(): Promise<void> {
    while (this.#rest.length > 0 || this.#waiting !== "") {
      if (this.#rest.length === 0) this.#next();
      const written = await this.#file.write(this.#rest);
      this.#size += written;
      this.#rest = this.#rest.subarray(written);
    }
  }

  #next(): void {
    if (this.#size > 0 && this.#size + this.#waiting.length > this.maxBytes) this.#rotate();
    if (this.#dropped > 0) {
      this.#waiting += `(${this.#dropped} log lines were dropped: they could not be written)\n`;
    }
    this.#rest = new TextEncoder().encode(this.#waiting);
    this.#waiting = "";
    this.#dropped = 0;
  }

  #rotate(): void {
    for (let number = MAX_FILES - 1; number > 0; number--) {
      renameIfThere(`${this.path}.${number}`, `${this.path}.${number + 1}`);
    }
    renameIfThere(this.path, `${this.path}.1`);
    this.#replace(open(this.path));
  }

  #replace(file: Deno.FsFile): void {
    this.#file.close();
    this.#file = file;
    this.#size = file.statSync().size;
  }
}

function open(path: string): Deno.FsFile {
  return Deno.openSync(path, { append: true, create: true, mode: 0o600 });
}

function renameIfThere(from: string, to: string): void {
  try {
    Deno.renameSync(from, to);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
