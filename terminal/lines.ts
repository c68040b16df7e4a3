/** A line of input, counted from 1. */
export interface Line {
  readonly number: number;
  /** The text, or `undefined` when the line was too long to be kept. */
  readonly text: string | undefined;
}

/**
 * The lines of a byte stream, without their ends (`\n` or `\r\n`). A last line needs none.
 *
 * A line of more than `limit` characters is passed over as it comes: input without any newline must
 * not fill the memory.
 */
export async function* readLines(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  limit: number,
): AsyncGenerator<Line> {
  let number = 0;
  let kept = "";
  let tooLong = false;
  const add = (piece: string): void => {
    tooLong ||= kept.length + piece.length > limit;
    kept = tooLong ? "" : kept + piece;
  };
  const take = (): Line => {
    const line = { number: ++number, text: tooLong ? undefined : kept.replace(/\r$/, "") };
    kept = "";
    tooLong = false;
    return line;
  };
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    const [first = "", ...rest] = chunk.split("\n");
    add(first);
    for (const piece of rest) {
      yield take();
      add(piece);
    }
  }
  if (kept !== "" || tooLong) yield take();
}
