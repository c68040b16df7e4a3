import type { RoomCursor } from "./cursor.ts";
import type { FollowEvent } from "./follow.ts";

/** UTF-16 units of text that may wait for the current write. */
const MAX_WAITING = 1024 * 1024;

export interface OutputWriterOptions {
  /** Writes a text, then moves the cursors of its rooms; `false` when the output was closed. */
  readonly record: (text: string, rooms: ReadonlyMap<string, RoomCursor>) => Promise<boolean>;
  /** Called once, when the output was closed or a write failed. */
  readonly onEnd: () => void;
}

/**
 * Writes the text of events in order, and only then moves the cursor past them. Events gather during
 * a write, so that a fast room costs few writes.
 */
export class OutputWriter {
  #text: string[] = [];
  #length = 0;
  #cursors = new Map<string, RoomCursor>();
  #running: Promise<void> | undefined;
  #ended = false;
  #error: unknown;

  constructor(private readonly options: OutputWriterOptions) {}

  /**
   * Adds an event, with its text. Returns a promise if the caller should wait before adding more.
   */
  add({ room, epoch, id }: FollowEvent, text: string): Promise<void> | undefined {
    if (this.#ended) return undefined;
    this.#cursors.set(room, { epoch, id });
    this.#text.push(text);
    this.#length += text.length;
    this.#running ??= this.#run();
    return this.#length > MAX_WAITING ? this.#running : undefined;
  }

  /**
   * Waits until everything is written.
   *
   * @throws the error of a failed write.
   */
  async finish(): Promise<void> {
    await this.#running;
    if (this.#error !== undefined) throw this.#error;
  }

  async #run(): Promise<void> {
    try {
      // Events of one turn share a write.
      await Promise.resolve();
      while (this.#cursors.size > 0 && await this.#record());
    } catch (error) {
      this.#error = error;
      this.#end();
    } finally {
      this.#running = undefined;
    }
  }

  async #record(): Promise<boolean> {
    const text = this.#text.join("");
    const cursors = this.#cursors;
    this.#text = [];
    this.#length = 0;
    this.#cursors = new Map();
    if (await this.options.record(text, cursors)) return true;
    this.#end();
    return false;
  }

  #end(): void {
    this.#ended = true;
    this.#text = [];
    this.#cursors.clear();
    this.options.onEnd();
  }
}
