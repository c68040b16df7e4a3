import type { RoomCursor } from "./cursor.ts";
import type { FollowEvent } from "./follow.ts";

/** UTF-16 units of text that wait for the write before them; beyond it nothing more is taken in. */
const MAX_WAITING = 1024 * 1024;

/** What a journal takes. */
export interface OutputWriterOptions {
  /**
   * Writes a text, and only then moves the cursor to where reading has come with it. Returns `false`
   * when nobody reads any more.
   */
  readonly record: (text: string, rooms: ReadonlyMap<string, RoomCursor>) => Promise<boolean>;
  /** Told once when nothing more can be recorded: nobody reads any more, or a write failed. */
  readonly onEnd: () => void;
}

/**
 * Records steps in their order: writes what waits in one go, and only then moves the cursor past it.
 * While a write lasts the next steps gather, so that a fast room costs few writes.
 */
export class OutputWriter {
  #text: string[] = [];
  #length = 0;
  #marks = new Map<string, RoomCursor>();
  #running: Promise<void> | undefined;
  #ended = false;
  #error: unknown;

  constructor(private readonly options: OutputWriterOptions) {}

  /** Whether nobody reads any more, or a write has failed. */
  get ended(): boolean {
    return this.#ended;
  }

  /**
   * Takes in a step, with the text to write for it. Returns a promise when the caller should wait
   * before it brings more.
   */
  add({ room, epoch, id }: FollowEvent, text: string): Promise<void> | undefined {
    if (this.#ended) return undefined;
    this.#marks.set(room, { epoch, id });
    this.#text.push(text);
    this.#length += text.length;
    this.#running ??= this.#run();
    return this.#length > MAX_WAITING ? this.#running : undefined;
  }

  /**
   * Waits until everything is recorded.
   *
   * @throws what a write failed with.
   */
  async finish(): Promise<void> {
    await this.#running;
    if (this.#error !== undefined) throw this.#error;
  }

  async #run(): Promise<void> {
    try {
      // What came in the same turn goes out together.
      await Promise.resolve();
      while (this.#marks.size > 0 && await this.#record());
    } catch (error) {
      this.#error = error;
      this.#end();
    } finally {
      this.#running = undefined;
    }
  }

  async #record(): Promise<boolean> {
    const text = this.#text.join("");
    const marks = this.#marks;
    this.#text = [];
    this.#length = 0;
    this.#marks = new Map();
    if (await this.options.record(text, marks)) return true;
    this.#end();
    return false;
  }

  #end(): void {
    this.#ended = true;
    this.#text = [];
    this.#marks.clear();
    this.options.onEnd();
  }
}
