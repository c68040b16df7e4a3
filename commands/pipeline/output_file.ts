import { CliError } from "../../cli/errors.ts";
import { visible } from "../../protocol.ts";
import { DIGEST_BYTES, type OutputMark } from "./cursor.ts";
import { type AppendFile, fileError, type FileSystem } from "./files.ts";

/** The state of an output file, compared with the last write to it. */
export type FileState =
  | "intact"
  /** Unlinked: what is written to it is lost when the program ends. */
  | "removed"
  | "emptied"
  /** Another program wrote to it or truncated it. */
  | "changed";

/** A file that messages are appended to. Detects changes by other programs by its length. */
export class OutputFile implements Disposable {
  #mark: OutputMark;

  private constructor(
    readonly path: string,
    private readonly file: AppendFile,
    mark: OutputMark,
  ) {
    this.#mark = mark;
  }

  /**
   * Opens the file to append to it.
   *
   * @throws {CliError} when it is in use, or cannot be written.
   */
  static async open(path: string, files: FileSystem): Promise<OutputFile> {
    const shown = visible(path);
    let file: AppendFile | undefined;
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

  /** The content of the file after this program's last write. */
  get mark(): OutputMark {
    return this.#mark;
  }

  /** Whether this is still the file at its path. */
  async isInPlace(): Promise<boolean> {
    return await this.file.isAt(this.path);
  }

  async state(): Promise<FileState> {
    const { size, linked } = await this.file.status();
    if (!linked) return "removed";
    if (size === this.#mark.bytes) return "intact";
    return size === 0 ? "emptied" : "changed";
  }

  /** Accepts that the file was emptied. */
  async reset(): Promise<void> {
    this.#mark = await markOf(this.file, 0);
  }

  /**
   * Checks that the file matches `mark`, followed by nothing but a beginning of `pending`. Does not
   * change the file.
   *
   * @throws {CliError} when it does not match.
   */
  async verify(mark: OutputMark, pending: string): Promise<void> {
    const { size } = await this.file.status();
    if (size < mark.bytes) {
      throw new CliError(
        `Cannot continue ${
          visible(this.path)
        }: it has ${size} bytes, but had ${mark.bytes} after ` +
          `the last run. ${REMEDY}`,
      );
    }
    const isSame = (await markOf(this.file, mark.bytes)).digest === mark.digest;
    if (!isSame || !await this.#isBeginning(mark.bytes, size, encode(pending))) {
      throw this.changedError(" since the last run");
    }
    this.#mark = mark;
  }

  /**
   * Appends a text; when it resolves, the text would survive a power failure.
   *
   * @returns `"emptied"` when the file was emptied during the write, as by a log rotation that
   * copies and truncates: the lost part is in its copy.
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
      if (!emptiedAfter && !emptiedBefore) throw this.changedError();
      this.#mark = await markOf(this.file, size);
      return "emptied";
    } catch (error) {
      throw fileError(error, `Cannot write to ${visible(this.path)}`);
    }
  }

  /** Completes an interrupted write, so that all of `text` follows the mark. */
  async complete(text: string): Promise<void> {
    const bytes = encode(text);
    const at = this.#mark.bytes;
    try {
      const found = await this.file.read(at, bytes.length);
      const end = found.findIndex((byte, index) => byte !== bytes[index]);
      const whole = end === -1 ? found.length : end;
      // After a power failure, zeros may stand where the disk did not get the text.
      if (whole < found.length) await this.file.truncate(at + whole);
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

  /** Whether the file holds a beginning of `bytes` between two offsets. */
  async #isBeginning(from: number, to: number, bytes: Uint8Array): Promise<boolean> {
    if (to - from > bytes.length) return false;
    const found = await this.file.read(from, to - from);
    // No line holds a zero byte: the disk did not get the text there.
    return found.every((byte, index) => byte === bytes[index] || byte === 0);
  }

  /** The error for a file that another program changed. */
  changedError(when = ""): CliError {
    return new CliError(
      `Cannot continue ${
        visible(this.path)
      }: another program wrote to it or truncated it${when}. ` +
        REMEDY,
    );
  }
}

const REMEDY = "Restore it, move it away to start a new one, or use another --cursor";

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

async function markOf(file: AppendFile, bytes: number): Promise<OutputMark> {
  const length = Math.min(DIGEST_BYTES, bytes);
  const tail = await file.read(bytes - length, length);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", tail));
  return { bytes, digest: hash.toHex() };
}
