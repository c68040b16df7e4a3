import { visible } from "../protocol.ts";

/** Exit codes: a promise to scripts. */
export const EXIT = {
  done: 0,
  failed: 1,
  /** Invalid command line. */
  usage: 2,
  unreachable: 3,
  /** Rejected by the hub: token, origin, ban. */
  rejected: 4,
  /** Ended by Ctrl-C with work left undone: 128 + SIGINT, as in shells. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends the program with one line for the user: "Cannot X: what is wrong. What to do." */
export class CliError extends Error {
  override readonly name: string = "CliError";
  constructor(
    message: string,
    readonly exitCode: ExitCode = EXIT.failed,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** An invalid command line. */
export class UsageError extends CliError {
  override readonly name = "UsageError";
  constructor(message: string) {
    super(message, EXIT.usage);
  }
}

/** The stack traces of an error and its causes. */
export function stackOf(error: unknown): string {
  const stack = error instanceof Error ? error.stack ?? error.message : String(error);
  const cause = error instanceof Error ? error.cause : undefined;
  const text = visible(stack, { keepLines: true });
  return cause === undefined ? text : `${text}\nCaused by: ${stackOf(cause)}`;
}
