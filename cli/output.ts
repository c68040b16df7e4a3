import { CliError, EXIT } from "./errors.ts";

/** Where text goes. The one way of this program to print anything. */
export interface Output {
  readonly isTerminal: boolean;
  /** Whether escape sequences for colours are welcome. */
  readonly color: boolean;
  /** Width of the terminal; 80 where there is none. */
  readonly columns: number;
  /** Characters that nobody took yet. */
  readonly waiting: number;
  /**
   * Writes in the order of the calls; waits until the text is taken. Resolves with `false` when
   * nobody reads any more (a closed pipe), which is no error.
   */
  write(text: string): Promise<boolean>;
}

/** What an {@linkcode Output} needs of a stream such as `Deno.stdout`. */
export interface Sink {
  write(bytes: Uint8Array): Promise<number>;
  isTerminal(): boolean;
}

const encoder = new TextEncoder();

/** The columns of a page that nobody measured. */
export const DEFAULT_COLUMNS = 80;

/**
 * An {@linkcode Output} over a byte stream.
 *
 * Writing never blocks the program: a reader that stalls must not stall a hub that logs to it.
 */
export class StreamOutput implements Output {
  readonly isTerminal: boolean;
  readonly color: boolean;
  readonly #sink: Sink;
  readonly #name: string;
  #queue = "";
  #writing: Promise<boolean> | undefined;
  #waiting = 0;
  #closed = false;

  /** @param options `name`: what it is to the user, for errors. */
  constructor(sink: Sink, options: { readonly noColor?: boolean; readonly name?: string } = {}) {
    this.#sink = sink;
    this.#name = options.name ?? "the output";
    this.isTerminal = sink.isTerminal();
    this.color = this.isTerminal && !options.noColor;
  }

  get columns(): number {
    return this.isTerminal ? terminalColumns() : DEFAULT_COLUMNS;
  }

  get waiting(): number {
    return this.#waiting;
  }

  write(text: string): Promise<boolean> {
    if (this.#closed) return Promise.resolve(false);
    if (text === "") return this.#writing ?? Promise.resolve(true);
    this.#queue += text;
    this.#waiting += text.length;
    return this.#writing ??= this.#drain();
  }

  async #drain(): Promise<boolean> {
    try {
      while (this.#queue !== "") {
        const text = this.#queue;
        this.#queue = "";
        await this.#writeAll(encoder.encode(text));
        this.#waiting -= text.length;
      }
      return true;
    } catch (error) {
      this.#closed = true;
      this.#queue = "";
      this.#waiting = 0;
      if (isClosedPipe(error)) return false;
      const why = error instanceof Error
        ? error.message.replace(/ \(os error \d+\).*$/s, "")
        : error;
      throw new CliError(`Cannot write to ${this.#name}: ${why}`, EXIT.failed, { cause: error });
    } finally {
      this.#writing = undefined;
    }
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      done += await this.#sink.write(bytes.subarray(done));
    }
  }
}

/** Whether `error` says that nobody reads what is written. */
export function isClosedPipe(error: unknown): boolean {
  if (error instanceof Deno.errors.BrokenPipe) return true;
  // The Windows way to say it: ERROR_NO_DATA, "the pipe is being closed".
  return error instanceof Error && "code" in error &&
    (error.code === "EPIPE" || error.code === "EOF");
}

function terminalColumns(): number {
  try {
    return Math.max(20, Deno.consoleSize().columns);
  } catch (error) {
    // Output is a terminal but none of the three streams that consoleSize() asks tells its size.
    if (error instanceof Error) return DEFAULT_COLUMNS;
    throw error;
  }
}
