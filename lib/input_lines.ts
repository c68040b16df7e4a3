/** A line of input, numbered from 1: its text, or why it cannot be a message. */
export type InputLine =
  | { readonly number: number; readonly text: string }
  | { readonly number: number; readonly problem: string };

/** The end of a line: `\n` (with an optional `\r` before it), or a NUL character. */
export type Separator = "\n" | "\0";

/** The longest line that is read, in bytes; far above any hub's limit for a message. */
const MAX_LINE = 16 * 1024 * 1024;

/**
 * The lines of a byte stream, without separators. The last line needs none.
 *
 * Lines over `limit` bytes are skipped as they arrive, so that input without newlines cannot fill
 * the memory. Lines that are not UTF-8 are problems, since replacement characters would silently
 * change them.
 */
export async function* readLines(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  limit: number,
  separator: Separator = "\n",
): AsyncGenerator<InputLine> {
  const end = separator.charCodeAt(0);
  const line = new LineBytes(limit);
  let number = 0;
  const take = (): InputLine => {
    const bytes = line.take();
    number++;
    if (bytes === undefined) return { number, problem: "it is too long" };
    const text = decode(bytes, number === 1);
    if (text === undefined) return { number, problem: "it is not UTF-8: convert it with iconv" };
    return { number, text: separator === "\n" ? text.replace(/\r$/, "") : text };
  };
  for await (const chunk of stream) {
    let from = 0;
    for (let at = chunk.indexOf(end); at !== -1; at = chunk.indexOf(end, from)) {
      line.add(chunk.subarray(from, at));
      from = at + 1;
      yield take();
    }
    line.add(chunk.subarray(from));
  }
  if (!line.isEmpty) yield take();
}

/** The bytes of the current line. */
class LineBytes {
  #pieces: Uint8Array<ArrayBuffer>[] = [];
  #length = 0;

  constructor(private readonly limit: number) {}

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  add(piece: Uint8Array<ArrayBuffer>): void {
    this.#length += piece.length;
    if (this.#length > this.limit) this.#pieces = [];
    else if (piece.length > 0) this.#pieces.push(piece);
  }

  /** Ends the line. Returns its bytes, or `undefined` if it is over the limit. */
  take(): Uint8Array<ArrayBuffer> | undefined {
    const [pieces, length] = [this.#pieces, this.#length];
    this.#pieces = [];
    this.#length = 0;
    if (length > this.limit) return undefined;
    const [first] = pieces;
    if (first !== undefined && pieces.length === 1) return first;
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const piece of pieces) {
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytes;
  }
}

// Only the first line may begin with a byte order mark.
const FIRST = new TextDecoder("utf-8", { fatal: true });
const OTHERS = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text of a line; `undefined` when it is not UTF-8. */
function decode(bytes: Uint8Array<ArrayBuffer>, isFirst: boolean): string | undefined {
  try {
    return (isFirst ? FIRST : OTHERS).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** The lines of an input that may never end, until `signal` aborts. */
export async function* inputLines(
  input: ReadableStream<Uint8Array<ArrayBuffer>>,
  signal: AbortSignal,
  separator: Separator = "\n",
): AsyncGenerator<InputLine> {
  // Without the pipe, a read that waits for typed input would never end.
  const source = input.pipeThrough(new TransformStream(), { signal, preventCancel: false });
  try {
    yield* readLines(source, MAX_LINE, separator);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
