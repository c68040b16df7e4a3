import { visible } from "../../protocol.ts";
import type { RoomCursor } from "./cursor.ts";
import type { CursorFile } from "./cursor_file.ts";
import { type FileSystem, SYSTEM_FILES } from "./files.ts";
import { OutputFile } from "./output_file.ts";

/**
 * An output file and its cursor, which together keep each message in the file exactly once. The
 * cursor records each write before it begins. So an interrupted write can be completed, and told
 * from a write by another program.
 */
export class OutputLog implements Disposable {
  #file: OutputFile;
  /** The last of the writes and reopenings, which run one at a time. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(
    file: OutputFile,
    private readonly cursor: CursorFile,
    private readonly notify: (sentence: string) => void,
    private readonly files: FileSystem,
  ) {
    this.#file = file;
  }

  /**
   * Opens the file and reconciles it with the cursor. If the cursor had no output file before, the
   * file is appended to as it is.
   *
   * @param notify shows the user a sentence about the file.
   * @throws {CliError} when the file is in use, or does not match the cursor.
   */
  static async open(
    path: string,
    cursor: CursorFile,
    notify: (sentence: string) => void,
    files: FileSystem = SYSTEM_FILES,
  ): Promise<OutputLog> {
    const log = new OutputLog(await OutputFile.open(path, files), cursor, notify, files);
    try {
      await log.#reconcile();
      return log;
    } catch (error) {
      log[Symbol.dispose]();
      throw error;
    }
  }

  /** Appends a text and moves the cursor; when it resolves, both would survive a power failure. */
  record(text: string, rooms: ReadonlyMap<string, RoomCursor>): Promise<boolean> {
    return this.#exclusively(async () => {
      await this.#checkFile();
      if (text !== "") {
        await this.cursor.save([], this.#file.mark, { text, rooms });
        if (await this.#file.append(text) === "emptied") this.#notifyEmptied();
      }
      await this.cursor.save(rooms, this.#file.mark);
      return true;
    });
  }

  /** Starts a new file if the old one was moved away. Never rejects: reports problems instead. */
  async reopen(): Promise<void> {
    try {
      await this.#exclusively(async () => {
        if (!await this.#file.isInPlace()) await this.#replace();
      });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.notify(`${why}. Still writing to the file that was moved away`);
    }
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }

  async #reconcile(): Promise<void> {
    const { output, pending } = this.cursor;
    const text = pending?.text ?? "";
    const rooms = pending?.rooms ?? new Map();
    if (output !== undefined && (output.bytes === 0 || this.#file.mark.bytes > 0)) {
      await this.#file.verify(output, text);
    } else if (output !== undefined) {
      this.#notify("is new or was emptied since the last run: starting at its beginning");
      // Ties the cursor to this file.
      await this.cursor.save([], this.#file.mark, pending);
    }
    if (text !== "") await this.#file.complete(text);
    // Before the first write, so that after a crash its rest can be told from earlier content.
    await this.cursor.save(rooms, this.#file.mark);
  }

  /** Makes sure that the next write goes to the file at the path. */
  async #checkFile(): Promise<void> {
    const state = await this.#file.state();
    if (state === "changed") throw this.#file.changedError();
    if (state === "removed") {
      await this.#replace();
      this.#notify("was removed: continuing in a new file");
    } else if (state === "emptied") {
      await this.#file.reset();
      this.#notifyEmptied();
    }
  }

  #notifyEmptied(): void {
    this.#notify("was emptied: continuing at its beginning");
  }

  async #replace(): Promise<void> {
    const next = await OutputFile.open(this.#file.path, this.files);
    this.#file[Symbol.dispose]();
    this.#file = next;
    await this.cursor.save([], next.mark);
  }

  #notify(what: string): void {
    this.notify(`${visible(this.#file.path)} ${what}`);
  }

  #exclusively<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task);
    // The caller handles the error; the next task still gets its turn.
    this.#last = result.catch(() => {});
    return result;
  }
}
