import type { Context } from "../../cli/context.ts";
import type { Output } from "../../lib/output.ts";

/** An output that keeps what is written. */
export class MemoryOutput implements Output {
  readonly isTerminal = false;
  readonly color = false;
  readonly columns: number = 80;
  waiting = 0;
  text = "";
  /** Whether somebody still reads. */
  open = true;

  write(text: string): Promise<boolean> {
    if (this.open) this.text += text;
    return Promise.resolve(this.open);
  }
}

/** A world for a command, with nothing of the real one. */
export function memoryContext(
  options: { readonly env?: Record<string, string>; readonly input?: string } = {},
): Context & { readonly stdout: MemoryOutput; readonly stderr: MemoryOutput } {
  return {
    stdin: { isTerminal: false, readable: byteStream(options.input ?? "") },
    stdout: new MemoryOutput(),
    stderr: new MemoryOutput(),
    os: "linux",
    env: (name) => options.env?.[name],
    revokeRun: () => Promise.resolve(),
    exit: (code) => {
      throw new Error(`exit(${code})`);
    },
  };
}

/** A stream of the bytes of `pieces`. */
export function byteStream(...pieces: readonly string[]): ReadableStream<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  return ReadableStream.from(pieces.map((piece) => encoder.encode(piece)));
}
