import { CliError } from "./errors.ts";
import { writeErrorText } from "../lib/files.ts";
import { visible } from "../protocol.ts";

/** Bytes after which a file is rotated: days of an ordinary hub, and little enough for an editor. */
const MAX_BYTES = 10 * 1024 * 1024;

/** Rotated files that are kept: `FILE.1` is the newest. */
const MAX_FILES = 5;

/** Milliseconds that a line may wait on its way into the file: what a crash may lose. */
const FLUSH_PERIOD = 1000;

/** UTF-16 units that are written without waiting for more. */
const FULL_BUFFER = 8 * 1024;

/** UTF-16 units that may wait for a disk that is full; beyond it, lines are dropped and counted. */
const MAX_WAITING = 1024 * 1024;

/**
 * A log file that only its owner may read, rotated by size, and opened again when another program
 * has moved it away. Unlike the file sink of the logging library, which has no mode and cannot open
 * its file again.
 */
export class LogFile implements AsyncDisposable {
  #file: Deno.FsFile;
  #size: number;
  #waiting = "";
  #dropped = 0;
  /** What an earlier write left over. */
  #rest = new Uint8Array();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> | undefined;
  #reopen = false;
  #inTrouble = false;

  /**
   * @param onTrouble told once whenever writing begins to fail.
   * @throws {CliError} when the file cannot be opened.
   */
  constructor(
    private readonly path: string,
    private readonly onTrouble: (error: Error) => void,
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

  /** Takes a line with its end. Never throws. */
  readonly take = (line: string): void => {
    if (this.#waiting.length + line.length > MAX_WAITING) {
      this.#dropped++;
      return;
    }
    this.#waiting += line;
    if (this.#waiting.length >= FULL_BUFFER) void this.flush();
    this.#timer ??= setTimeout(() => void this.flush(), FLUSH_PERIOD);
  };

  /** Opens the file anew before the next line: what logrotate asks for after it moved the file. */
  reopen(): void {
    this.#reopen = true;
    void this.flush();
  }

  /** Writes what waits. Never rejects: what cannot be written is tried again with the next line. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return this.#writing ??= this.#write().then(() => {
      this.#inTrouble = false;
    }, (error) => {
      if (!this.#inTrouble) this.onTrouble(error);
      this.#inTrouble = true;
    }).finally(() => this.#writing = undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // What came while a write was under way takes another.
    await this.flush();
    await this.flush();
    clearTimeout(this.#timer);
    this.#file.close();
  }

  async #write(): Promise<void> {
    if (this.#reopen) {
      // Once: if it fails, the old file is better than none.
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

  /** Takes what waits as the bytes to be written next. */
  #next(): void {
    if (this.#size > 0 && this.#size + this.#waiting.length > this.maxBytes) this.#rotate();
    if (this.#dropped > 0) {
      this.#waiting += `(${this.#dropped} lines of log were dropped: they could not be written)\n`;
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
