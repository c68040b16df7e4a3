import { CliError } from "../../cli/errors.ts";
import { visible } from "../../protocol.ts";
import { DIGESTED, type OutputMark } from "./cursor.ts";
import { fileError, type Files, type GrowingFile } from "./files.ts";

/** What became of an output file since the last write to it. */
export type Fate =
  /** It is as it was. */
  | "intact"
  /** No path leads to it any more: what is written to it is gone with the program. */
  | "removed"
  /** It is empty, and was not. */
  | "emptied"
  /** Something else wrote to it, or cut it. */
  | "foreign";

/**
 * A file that messages are appended to. It knows how long the file is by its own writes, and notices
 * when something else wrote to it, cut it or removed it.
 */
export class OutputFile implements Disposable {
  #mark: OutputMark;

  private constructor(
    readonly path: string,
    private readonly file: GrowingFile,
    mark: OutputMark,
  ) {
    this.#mark = mark;
  }

  /**
   * Opens the file, to go on after what is in it.
   *
   * @throws {CliError} when it is in use, or cannot be written.
   */
  static async open(path: string, files: Files): Promise<OutputFile> {
    const shown = visible(path);
    let file: GrowingFile | undefined;
    try {
      file = await files.open(path);
      if (!await file.lock()) {
        throw new CliError(`Cannot write to ${shown}: another bcast is writing to it`);
      }
      return new OutputFile(path, file, await markOf(file, (await file.status()).size));
    } catch (error) {
      file?.[Symbol.dispose]();
      throw fileError(error, `Cannot write to ${shown}`);
    }
  }

  /** What the file holds by this program's own writes. */
  get mark(): OutputMark {
    return this.#mark;
  }

  /** Whether the path still leads to this file. */
  async isInPlace(): Promise<boolean> {
    return await this.file.isAt(this.path);
  }

  async fate(): Promise<Fate> {
    const { size, linked } = await this.file.status();
    if (!linked) return "removed";
    if (size === this.#mark.bytes) return "intact";
    return size === 0 ? "emptied" : "foreign";
  }

  /** Takes the file, which was emptied, for a new one. */
  async beginAnew(): Promise<void> {
    this.#mark = await markOf(this.file, 0);
  }

  /**
   * Makes sure that the file is the one that `mark` is about, and nothing but a beginning of
   * `pending` follows in it. Whatever is wrong, the file stays as it is.
   *
   * @throws {CliError} when that is not so.
   */
  async agree(mark: OutputMark, pending: string): Promise<void> {
    const { size } = await this.file.status();
    if (size < mark.bytes) {
      throw new CliError(
        `Cannot go on with ${visible(this.path)}: it has ${size} bytes, and had ${mark.bytes} at ` +
          `the last run. ${REMEDY}`,
      );
    }
    const isSame = (await markOf(this.file, mark.bytes)).digest === mark.digest;
    if (!isSame || !await this.#isBeginning(mark.bytes, size, encode(pending))) {
      throw this.foreign(" since the last run");
    }
    this.#mark = mark;
  }

  /**
   * Appends; when it resolves, the text would survive a power cut.
   *
   * @returns `"emptied"` when something emptied the file meanwhile, as a log rotation does that
   * copies the file and truncates it; what it emptied is in its copy.
   */
  async append(text: string): Promise<"intact" | "emptied"> {
    const bytes = encode(text);
    try {
      await this.file.append(bytes);
      await this.file.sync();
      const before = this.#mark.bytes;
      const { size } = await this.file.status();
      if (size === before + bytes.length) {
        this.#mark = await markOf(this.file, size);
        return "intact";
      }
      const emptiedAfter = size === 0;
      const emptiedBefore = size === bytes.length && await this.#isBeginning(0, size, bytes);
      if (!emptiedAfter && !emptiedBefore) throw this.foreign();
      this.#mark = await markOf(this.file, size);
      return "emptied";
    } catch (error) {
      throw fileError(error, `Cannot write to ${visible(this.path)}`);
    }
  }

  /** Completes a write that was cut short: whatever of `text` follows the mark, all of it does then. */
  async complete(text: string): Promise<void> {
    const bytes = encode(text);
    const at = this.#mark.bytes;
    try {
      const found = await this.file.read(at, bytes.length);
      const end = found.findIndex((byte, index) => byte !== bytes[index]);
      const whole = end === -1 ? found.length : end;
      // After a power cut, zeros may stand where the disk has not got the text.
      if (whole < found.length) await this.file.cut(at + whole);
      if (whole < bytes.length) await this.file.append(bytes.subarray(whole));
      await this.file.sync();
      this.#mark = await markOf(this.file, at + bytes.length);
    } catch (error) {
      throw fileError(error, `Cannot write to ${visible(this.path)}`);
    }
  }

  [Symbol.dispose](): void {
    this.file[Symbol.dispose]();
  }

  /** Whether what is in the file between two places is a beginning of `bytes`. */
  async #isBeginning(from: number, to: number, bytes: Uint8Array): Promise<boolean> {
    if (to - from > bytes.length) return false;
    const found = await this.file.read(from, to - from);
    // No line holds a zero: it is a place that the disk has not got yet.
    return found.every((byte, index) => byte === bytes[index] || byte === 0);
  }

  /** The error for a file that something else wrote to. */
  foreign(when = ""): CliError {
    return new CliError(
      `Cannot go on with ${visible(this.path)}: something else wrote to it or cut it${when}. ` +
        REMEDY,
    );
  }
}

const REMEDY = "Put it back as it was, move it away to begin a new one, or use another --cursor";

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

async function markOf(file: GrowingFile, bytes: number): Promise<OutputMark> {
  const length = Math.min(DIGESTED, bytes);
  const tail = await file.read(bytes - length, length);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", tail));
  return { bytes, digest: hash.toHex() };
}
