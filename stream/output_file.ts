import { CliError } from "../cli/errors.ts";
import { visible } from "../protocol.ts";
import { DIGESTED, type OutputMark } from "./cursor.ts";
import { fileError, type Files, type GrowingFile, MACHINE_FILES } from "./files.ts";

/**
 * Bytes beyond what the cursor knows that are taken for a write that was cut short. No write is
 * longer; more than that, somebody else wrote.
 */
const MAX_TORN = 16 * 1024 * 1024;

/**
 * A file that messages are appended to, exactly once: what stands in it beyond the mark in the cursor
 * was written without the cursor having moved, and is cut off at the start, to be written again.
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
   * Opens the file and makes it agree with `mark`, the cursor's; without one it goes on after what
   * is in it.
   *
   * @param tell is told what a person should know of it.
   * @throws {CliError} when the file is in use, or not the one that the cursor knows.
   */
  static async open(
    path: string,
    mark: OutputMark | undefined,
    tell: (sentence: string) => void,
    files: Files = MACHINE_FILES,
  ): Promise<OutputFile> {
    const shown = visible(path);
    let file: GrowingFile | undefined;
    try {
      file = await files.open(path);
      if (!await file.lock()) {
        throw new CliError(`Cannot write to ${shown}: another bcast is writing to it`);
      }
      return new OutputFile(path, file, await agree(file, mark, shown, tell));
    } catch (error) {
      file?.[Symbol.dispose]();
      throw fileError(error, `Cannot write to ${shown}`);
    }
  }

  /** What is in the file for good, once a cursor says so too. */
  get mark(): OutputMark {
    return this.#mark;
  }

  /** Appends; when it resolves, the text would survive a power cut. */
  async append(text: string): Promise<void> {
    const bytes = new TextEncoder().encode(text);
    const at = this.#mark.bytes;
    try {
      if (await this.file.size() !== at) {
        throw new CliError(
          `Cannot go on with ${visible(this.path)}: something else wrote to it or cut it. ` +
            "Move it away to begin a new one, and start again",
        );
      }
      await this.file.write(at, bytes);
      await this.file.sync();
      this.#mark = await markOf(this.file, at + bytes.length);
    } catch (error) {
      throw fileError(error, `Cannot write to ${visible(this.path)}`);
    }
  }

  [Symbol.dispose](): void {
    this.file[Symbol.dispose]();
  }
}

/** Cuts the file back to `mark`, if it is the file that the mark is about. */
async function agree(
  file: GrowingFile,
  mark: OutputMark | undefined,
  shown: string,
  tell: (sentence: string) => void,
): Promise<OutputMark> {
  const size = await file.size();
  if (mark === undefined) return await markOf(file, size);
  if (size === 0 && mark.bytes > 0) {
    tell(`${shown} is new or was emptied since the last run: what comes now begins it anew`);
    return await markOf(file, 0);
  }
  const remedy = "Put it back as it was, move it away to begin a new one, or use another --cursor";
  if (size < mark.bytes) {
    throw new CliError(
      `Cannot go on with ${shown}: it has ${size} bytes, and had ${mark.bytes} at the last run. ${remedy}`,
    );
  }
  if ((await markOf(file, mark.bytes)).digest !== mark.digest || size - mark.bytes > MAX_TORN) {
    throw new CliError(
      `Cannot go on with ${shown}: something else wrote to it since the last run. ${remedy}`,
    );
  }
  if (size > mark.bytes) await file.cut(mark.bytes);
  return mark;
}

async function markOf(file: GrowingFile, bytes: number): Promise<OutputMark> {
  const length = Math.min(DIGESTED, bytes);
  const tail = await file.read(bytes - length, length);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", tail));
  return { bytes, digest: hash.toHex() };
}
