import { CliError } from "../../cli/errors.ts";
import { visible } from "../../protocol.ts";
import {
  type CursorState,
  decodeCursor,
  encodeCursor,
  type OutputMark,
  type PendingWrite,
  type RoomCursor,
} from "./cursor.ts";
import { fileError, type FileSystem, SYSTEM_FILES } from "./files.ts";

/**
 * A file with reading positions, locked by one process at a time. It is replaced as a whole, so that
 * after a crash it is either the old or the new one.
 */
export class CursorFile implements Disposable {
  readonly #rooms: Map<string, RoomCursor>;
  #output: OutputMark | undefined;
  #pending: PendingWrite | undefined;

  private constructor(
    readonly path: string,
    private readonly files: FileSystem,
    private readonly lock: Disposable,
    state: CursorState | undefined,
  ) {
    this.#rooms = new Map(state?.rooms);
    this.#output = state?.output;
    this.#pending = state?.pending;
  }

  /**
   * Opens the cursor at `path`, which need not exist yet.
   *
   * @throws {CliError} when it is invalid or in use.
   */
  static async open(path: string, files: FileSystem = SYSTEM_FILES): Promise<CursorFile> {
    const shown = visible(path);
    let lock: Disposable | undefined;
    try {
      // Not the cursor file itself, which each save replaces.
      lock = await files.lock(`${path}.lock`);
      if (lock === undefined) {
        throw new CliError(
          `Cannot use the cursor ${shown}: another bcast is using it. Wait for it, or use another file`,
        );
      }
      const text = await files.readText(path);
      const state = text === undefined ? undefined : decodeCursor(text);
      if (typeof state === "string") {
        throw new CliError(
          `Cannot use the cursor ${shown}: ${state}. Use another file, or remove it to start over`,
        );
      }
      return new CursorFile(path, files, lock, state);
    } catch (error) {
      lock?.[Symbol.dispose]();
      throw fileError(error, `Cannot use the cursor ${shown}`);
    }
  }

  /** Reading positions by room. */
  get rooms(): ReadonlyMap<string, RoomCursor> {
    return this.#rooms;
  }

  /** The content of the output file at those positions. */
  get output(): OutputMark | undefined {
    return this.#output;
  }

  /** A write to the output file that may not have completed. */
  get pending(): PendingWrite | undefined {
    return this.#pending;
  }

  /** Saves positions. Those of other rooms stay. */
  async save(
    rooms: Iterable<readonly [string, RoomCursor]>,
    output?: OutputMark,
    pending?: PendingWrite,
  ): Promise<void> {
    for (const [room, cursor] of rooms) this.#rooms.set(room, cursor);
    this.#output = output;
    this.#pending = pending;
    const text = encodeCursor({ rooms: this.#rooms, output, pending });
    try {
      await this.files.replaceText(this.path, text);
    } catch (error) {
      throw fileError(error, `Cannot write the cursor ${visible(this.path)}`);
    }
  }

  [Symbol.dispose](): void {
    this.lock[Symbol.dispose]();
  }
}
