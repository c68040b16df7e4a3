import { visible } from "../../protocol.ts";
import type { RoomCursor } from "./cursor.ts";
import type { CursorFile } from "./cursor_file.ts";
import { type Files, MACHINE_FILES } from "./files.ts";
import { OutputFile } from "./output_file.ts";

/**
 * An output file and the cursor that goes with it: each message is in the file exactly once. The
 * cursor notes each write before it begins, so that one that was cut short can be told from what
 * somebody else wrote, and completed.
 */
export class OutputLog implements Disposable {
  #file: OutputFile;
  /** Writing and reopening happen one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(
    file: OutputFile,
    private readonly cursor: CursorFile,
    private readonly tell: (sentence: string) => void,
    private readonly files: Files,
  ) {
    this.#file = file;
  }

  /**
   * Opens the file and makes it and the cursor agree. A cursor without a file goes on after what is
   * in it.
   *
   * @param tell is told what a person should know of the file.
   * @throws {CliError} when the file is in use, or not the one that the cursor knows.
   */
  static async open(
    path: string,
    cursor: CursorFile,
    tell: (sentence: string) => void,
    files: Files = MACHINE_FILES,
  ): Promise<OutputLog> {
    const log = new OutputLog(await OutputFile.open(path, files), cursor, tell, files);
    try {
      await log.#agree();
      return log;
    } catch (error) {
      log[Symbol.dispose]();
      throw error;
    }
  }

  /** Appends a text, and moves the cursor; when it resolves, both would survive a power cut. */
  record(text: string, rooms: ReadonlyMap<string, RoomCursor>): Promise<boolean> {
    return this.#exclusively(async () => {
      await this.#look();
      if (text !== "") {
        await this.cursor.save([], this.#file.mark, { text, rooms });
        if (await this.#file.append(text) === "emptied") this.#tellEmptied();
      }
      await this.cursor.save(rooms, this.#file.mark);
      return true;
    });
  }

  /** Goes on in a new file when the old one was moved away. Fails never: it tells. */
  async reopen(): Promise<void> {
    try {
      await this.#exclusively(async () => {
        if (!await this.#file.isInPlace()) await this.#replace();
      });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.tell(`${why}. Still writing to the file that was moved away`);
    }
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }

  async #agree(): Promise<void> {
    const { output, pending } = this.cursor;
    const text = pending?.text ?? "";
    const rooms = pending?.rooms ?? new Map();
    if (output !== undefined && (output.bytes === 0 || this.#file.mark.bytes > 0)) {
      await this.#file.agree(output, text);
    } else if (output !== undefined) {
      this.#tell("is new or was emptied since the last run: what comes now begins it anew");
      // What is written into it from now on belongs to it.
      await this.cursor.save([], this.#file.mark, pending);
    }
    if (text !== "") await this.#file.complete(text);
    // Before anything is written: what a crash would leave behind can be told from what was there.
    await this.cursor.save(rooms, this.#file.mark);
  }

  /** Sees to it that what is written now goes where a person would look for it. */
  async #look(): Promise<void> {
    const fate = await this.#file.fate();
    if (fate === "foreign") throw this.#file.foreign();
    if (fate === "removed") {
      await this.#replace();
      this.#tell("was removed: going on in a new file");
    } else if (fate === "emptied") {
      await this.#file.beginAnew();
      this.#tellEmptied();
    }
  }

  #tellEmptied(): void {
    this.#tell("was emptied: going on at its beginning");
  }

  async #replace(): Promise<void> {
    const next = await OutputFile.open(this.#file.path, this.files);
    this.#file[Symbol.dispose]();
    this.#file = next;
    await this.cursor.save([], next.mark);
  }

  #tell(what: string): void {
    this.tell(`${visible(this.#file.path)} ${what}`);
  }

  #exclusively<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task);
    // What went wrong is its caller's business; the next one has its turn all the same.
    this.#last = result.catch(() => {});
    return result;
  }
}
