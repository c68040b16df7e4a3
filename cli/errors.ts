import { BrokerError } from "../broker/broker.ts";
import { knownProblem } from "../broker/sqlite/storage_errors.ts";
import { ConnectError } from "../client/types.ts";
import { ClientsFileError } from "../server/metrics/clients_file.ts";
import { visible } from "../protocol.ts";

/** What the program ends with. */
export const EXIT = {
  /** Done. */
  done: 0,
  /** Something went wrong. */
  failed: 1,
  /** The command line makes no sense. */
  usage: 2,
  /** No hub could be reached. */
  unreachable: 3,
  /** The hub said no: token, origin, ban. */
  refused: 4,
  /** Ended by Ctrl-C with something left undone (128 + SIGINT, as shells count). */
  interrupted: 130,
} as const;

/** One of {@linkcode EXIT}. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends the program with one line for a person: "Cannot X: what is. What to do." */
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

/** The command line makes no sense. */
export class UsageError extends CliError {
  override readonly name = "UsageError";
  constructor(message: string) {
    super(message, EXIT.usage);
  }
}

/** What is told of an error, and what the program ends with. */
export interface Explanation {
  /** One line. */
  readonly message: string;
  readonly exitCode: ExitCode;
}

/** The line and the exit code for whatever was thrown. */
export function explain(error: unknown): Explanation {
  if (error instanceof CliError) {
    return { message: oneLine(error.message), exitCode: error.exitCode };
  }
  if (error instanceof ConnectError) {
    return { message: oneLine(error.message), exitCode: connectExitCode(error) };
  }
  if (error instanceof BrokerError || error instanceof ClientsFileError) {
    return { message: oneLine(error.message), exitCode: EXIT.failed };
  }
  const trouble = isSystemError(error) ? knownProblem(error) : undefined;
  if (trouble !== undefined) {
    const { what, remedy } = trouble;
    // Which file it was stands behind the words of the system.
    const where = /: (\w+ '.*')/.exec(String(error))?.[1];
    const message = `Cannot continue: ${what}${
      where === undefined ? "" : ` (${where})`
    }. ${remedy}`;
    return { message: oneLine(message), exitCode: EXIT.failed };
  }
  return {
    message: oneLine(
      `Unexpected fault: ${error instanceof Error ? error.message : String(error)}. ` +
        "Run it again with --log-level debug to see where",
    ),
    exitCode: EXIT.failed,
  };
}

/** Whether the system refused something, such as to write to a full disk. */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && "code" in error && typeof error.code === "string" &&
    /^E[A-Z]+$/.test(error.code);
}

/** The stack traces of an error and of what caused it. */
export function stackOf(error: unknown): string {
  const stack = error instanceof Error ? error.stack ?? error.message : String(error);
  const cause = error instanceof Error ? error.cause : undefined;
  const text = visible(stack, { keepLines: true });
  return cause === undefined ? text : `${text}\nCaused by: ${stackOf(cause)}`;
}

function connectExitCode(error: ConnectError): ExitCode {
  switch (error.failure) {
    case "refused":
      return EXIT.refused;
    case "closed":
      return EXIT.interrupted;
    case "unable":
      return EXIT.failed;
    default:
      return EXIT.unreachable;
  }
}

function oneLine(message: string): string {
  return visible(message.replaceAll(/\s*\n\s*/g, " "));
}
