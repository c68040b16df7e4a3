import type { Output } from "../lib/output.ts";
import { StreamOutput } from "./output.ts";

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

/** Types of terminals (`TERM`) that know no escape sequences, or that nobody knows. */
const DUMB: readonly string[] = ["", "dumb", "unknown"];

/** Whether a terminal would show escape sequences instead of obeying them. */
export function isDumb({ env, os }: Pick<Context, "env" | "os">): boolean {
  // Windows has no `TERM`.
  const term = env("TERM") ?? (os === "windows" ? "windows" : "");
  return DUMB.includes(term);
}

/** The world as it is. */
export function systemContext(): Context {
  const noColor = Deno.noColor || isDumb({ env: (name) => Deno.env.get(name), os: Deno.build.os });
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
