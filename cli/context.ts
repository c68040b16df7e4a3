import type { Output } from "../lib/output.ts";
import { StreamOutput } from "./output.ts";

/** A command's access to the system. */
export interface Context {
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly os: typeof Deno.build.os;
  readonly env: (name: string) => string | undefined;
  /** Gives up the permission to start programs, for the rest of the process. */
  readonly revokeRun: () => Promise<void>;
  /** Exits at once without cleanup: for the second Ctrl-C. */
  readonly exit: (code: number) => void;
}

export interface Input {
  readonly isTerminal: boolean;
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** Values of `TERM` for terminals without escape sequences, or of unknown abilities. */
const DUMB: readonly string[] = ["", "dumb", "unknown"];

/** Whether the terminal would print escape sequences instead of interpreting them. */
export function isDumb({ env, os }: Pick<Context, "env" | "os">): boolean {
  // Windows has no `TERM`.
  const term = env("TERM") ?? (os === "windows" ? "windows" : "");
  return DUMB.includes(term);
}

/** The context of this process. */
export function systemContext(): Context {
  const noColor = Deno.noColor || isDumb({ env: (name) => Deno.env.get(name), os: Deno.build.os });
  return {
    stdin: {
      isTerminal: Deno.stdin.isTerminal(),
      // A getter: taking the stream locks stdin, which the line editor reads directly.
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
