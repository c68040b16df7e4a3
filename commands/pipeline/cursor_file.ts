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
import { fileError, type Files, MACHINE_FILES } from "./files.ts";

/**
 * A file that says where reading stopped, held by one process at a time. It is replaced as a whole,
 * so that after any crash it is either the old one or the new one.
 */
export class CursorFile implements Disposable {
  readonly #rooms: Map<string, RoomCursor>;
  #output: OutputMark | undefined;
  #pending: PendingWrite | undefined;

  private constructor(
    readonly path: string,
    private readonly files: Files,
    private readonly held: Disposable,
    state: CursorState | undefined,
  ) {
    this.#rooms = new Map(state?.rooms);
    this.#output = state?.output;
    this.#pending = state?.pending;
  }

  /**
   * Opens the cursor at `path`, which need not be there yet.
   *
   * @throws {CliError} when it is damaged, foreign, or in use.
   */
  static async open(path: string, files: Files = MACHINE_FILES): Promise<CursorFile> {
    const shown = visible(path);
    let held: Disposable | undefined;
    try {
      // A file of its own: the cursor's is another one with each replacement.
      held = await files.lock(`${path}.lock`);
      if (held === undefined) {
        throw new CliError(
          `Cannot use the cursor ${shown}: another bcast is using it. Wait for it, or name another file`,
        );
      }
      const text = await files.readText(path);
      const state = text === undefined ? undefined : decodeCursor(text);
      if (typeof state === "string") {
        throw new CliError(
          `Cannot use the cursor ${shown}: ${state}. Name another file, or remove it to begin anew`,
        );
      }
      return new CursorFile(path, files, held, state);
    } catch (error) {
      held?.[Symbol.dispose]();
      throw fileError(error, `Cannot use the cursor ${shown}`);
    }
  }

  /** Where reading stopped, room by room. */
  get rooms(): ReadonlyMap<string, RoomCursor> {
    return this.#rooms;
  }

  /** What the output file held then. */
  get output(): OutputMark | undefined {
    return this.#output;
  }

  /** The write to the output file that was under way then. */
  get pending(): PendingWrite | undefined {
    return this.#pending;
  }

  /** Moves on. Bookmarks of other rooms stay. */
  async save(
    rooms: Iterable<readonly [string, RoomCursor]>,
    output?: OutputMark,
    pending?: PendingWrite,
  ): Promise<void> {
    for (const [room, mark] of rooms) this.#rooms.set(room, mark);
    this.#output = output;
    this.#pending = pending;
    const text = encodeCursor({
      rooms: this.#rooms,
      ...(output === undefined ? {} : { output }),
      ...(pending === undefined ? {} : { pending }),
    });
    try {
      await this.files.replaceText(this.path, text);
    } catch (error) {
      throw fileError(error, `Cannot write the cursor ${visible(this.path)}`);
    }
  }

  [Symbol.dispose](): void {
    this.held[Symbol.dispose]();
  }
}
