import { readErrorText, writeAll } from "../lib/files.ts";
import type { Output } from "../lib/output.ts";
import { terminalSize } from "../render/terminal_size.ts";
import { CliError, EXIT } from "./errors.ts";

/** The part of a stream such as `Deno.stdout` that {@linkcode StreamOutput} needs. */
interface ByteStream {
  write(bytes: Uint8Array): Promise<number>;
  isTerminal(): boolean;
}

const encoder = new TextEncoder();

/** Columns if the output is not a terminal. */
const DEFAULT_COLUMNS = 80;

/** Narrower terminals are treated as this wide. */
const MIN_COLUMNS = 20;

/**
 * An {@linkcode Output} over a byte stream.
 *
 * Writing never blocks the program: a reader that stalls must not stall a hub that logs to it.
 */
export class StreamOutput implements Output {
  readonly isTerminal: boolean;
  readonly color: boolean;
  readonly #stream: ByteStream;
  readonly #name: string;
  #queue = "";
  #writing: Promise<boolean> | undefined;
  #waiting = 0;
  #closed = false;

  /** @param options `name`: the name of the output in errors. */
  constructor(
    stream: ByteStream,
    options: { readonly noColor?: boolean; readonly name?: string } = {},
  ) {
    this.#stream = stream;
    this.#name = options.name ?? "the output";
    this.isTerminal = stream.isTerminal();
    this.color = this.isTerminal && !options.noColor;
  }

  get columns(): number {
    return this.isTerminal ? Math.max(MIN_COLUMNS, terminalSize().columns) : DEFAULT_COLUMNS;
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
        await writeAll(this.#stream, encoder.encode(text));
        this.#waiting -= text.length;
      }
      return true;
    } catch (error) {
      this.#closed = true;
      this.#queue = "";
      this.#waiting = 0;
      if (isClosedPipe(error)) return false;
      const message = `Cannot write to ${this.#name}: ${readErrorText(error)}`;
      throw new CliError(message, EXIT.failed, { cause: error });
    } finally {
      this.#writing = undefined;
    }
  }
}

/** Whether `error` reports that the reader closed its end. */
function isClosedPipe(error: unknown): boolean {
  if (error instanceof Deno.errors.BrokenPipe) return true;
  // On Windows: ERROR_NO_DATA, "the pipe is being closed".
  return error instanceof Error && "code" in error &&
    (error.code === "EPIPE" || error.code === "EOF");
}
