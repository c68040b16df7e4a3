import type { Context } from "../../cli/context.ts";
import type { Output } from "../../lib/output.ts";

export class MemoryOutput implements Output {
  readonly isTerminal = false;
  readonly color = false;
  readonly columns: number = 80;
  waiting = 0;
  text = "";
  /** Whether the reader still accepts data. */
  open = true;

  write(text: string): Promise<boolean> {
    if (this.open) this.text += text;
    return Promise.resolve(this.open);
  }
}

/** A context in which a command has no access to the machine. */
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

/** A stream with one chunk for each of `pieces`. */
export function byteStream(...pieces: readonly string[]): ReadableStream<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  return ReadableStream.from(pieces.map((piece) => encoder.encode(piece)));
}
