import { type Output, StreamOutput } from "./output.ts";

/** What a command has of the world outside. */
export interface Context {
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly os: typeof Deno.build.os;
  readonly env: (name: string) => string | undefined;
  /** Gives up the right to start programs, for the rest of this process. */
  readonly revokeRun: () => Promise<void>;
  /** Ends the program at once, with nothing tidied up: for the second Ctrl-C. */
  readonly exit: (code: number) => void;
}

/** Where text comes from. */
export interface Input {
  readonly isTerminal: boolean;
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** The world as it is. */
export function systemContext(): Context {
  const noColor = Deno.noColor || Deno.env.get("TERM") === "dumb";
  return {
    stdin: {
      isTerminal: Deno.stdin.isTerminal(),
      // A getter: taking the stream locks stdin, which the line editor reads in its own way.
      get readable() {
        return Deno.stdin.readable;
      },
    },
    stdout: new StreamOutput(Deno.stdout, { noColor, name: "the standard output" }),
    stderr: new StreamOutput(Deno.stderr, { noColor, name: "the standard error" }),
    os: Deno.build.os,
    env: (name) => Deno.env.get(name),
    revokeRun: async () => {
      await Deno.permissions.revoke({ name: "run" });
    },
    exit: (code) => Deno.exit(code),
  };
}
