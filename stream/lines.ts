/** A line of input, counted from 1. */
export interface Line {
  readonly number: number;
  /** The text, or `undefined` when the line was too long to be kept. */
  readonly text: string | undefined;
}

/** What ends a line: `\n` (a `\r` before it is no part of the line), or a NUL character. */
export type Separator = "\n" | "\0";

/** Characters of a line that is read at all; far above any hub's limit for a message. */
const MAX_LINE = 16 * 1024 * 1024;

/**
 * The lines of a byte stream, without their ends. A last line needs none.
 *
 * A line of more than `limit` characters is passed over as it comes: input without any newline must
 * not fill the memory.
 */
export async function* readLines(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  limit: number,
  separator: Separator = "\n",
): AsyncGenerator<Line> {
  let number = 0;
  let kept = "";
  let tooLong = false;
  const add = (piece: string): void => {
    tooLong ||= kept.length + piece.length > limit;
    kept = tooLong ? "" : kept + piece;
  };
  const take = (): Line => {
    const text = separator === "\n" ? kept.replace(/\r$/, "") : kept;
    const line = { number: ++number, text: tooLong ? undefined : text };
    kept = "";
    tooLong = false;
    return line;
  };
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    const [first = "", ...rest] = chunk.split(separator);
    add(first);
    for (const piece of rest) {
      yield take();
      add(piece);
    }
  }
  if (kept !== "" || tooLong) yield take();
}

/** The lines of an input that may never end, until `signal` says that no more are wanted. */
export async function* inputLines(
  input: ReadableStream<Uint8Array<ArrayBuffer>>,
  signal: AbortSignal,
  separator: Separator = "\n",
): AsyncGenerator<Line> {
  // Only so does a read end that waits for somebody to type.
  const source = input.pipeThrough(new TransformStream(), { signal, preventCancel: false });
  try {
    yield* readLines(source, MAX_LINE, separator);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
