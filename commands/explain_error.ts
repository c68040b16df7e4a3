import { MISSING_TOKEN } from "../auth/authorizer.ts";
import { BrokerError } from "../broker/broker.ts";
import { knownProblem } from "../broker/sqlite/storage_errors.ts";
import { CliError, EXIT, type ExitCode } from "../cli/errors.ts";
import { ConnectError } from "../client/types.ts";
import { visible } from "../protocol.ts";
import { ClientsFileError } from "../server/metrics/clients_file.ts";

/** How the program reports an error. */
export interface Explanation {
  /** One line. */
  readonly message: string;
  readonly exitCode: ExitCode;
}

/** The message and exit code for a thrown value, which may be of any type. */
export function explain(error: unknown): Explanation {
  if (error instanceof CliError) {
    return { message: oneLine(error.message), exitCode: error.exitCode };
  }
  if (error instanceof ConnectError) {
    return { message: oneLine(withRemedy(error.message)), exitCode: connectExitCode(error) };
  }
  if (error instanceof BrokerError || error instanceof ClientsFileError) {
    return { message: oneLine(error.message), exitCode: EXIT.failed };
  }
  const problem = isSystemError(error) ? knownProblem(error) : undefined;
  if (problem !== undefined) {
    // The system's message ends with the name of the file.
    const [, file] = /: (\w+ '.*')/.exec(String(error)) ?? [];
    const where = file === undefined ? "" : ` (${file})`;
    const message = `Cannot continue: ${problem.what}${where}. ${problem.remedy}`;
    return { message: oneLine(message), exitCode: EXIT.failed };
  }
  return {
    message: oneLine(
      `Internal error: ${error instanceof Error ? error.message : String(error)}. ` +
        "Run again with --log-level debug for a stack trace",
    ),
    exitCode: EXIT.failed,
  };
}

/** Whether the operating system reported the error, such as a full disk. */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && "code" in error && typeof error.code === "string" &&
    /^E[A-Z]+$/.test(error.code);
}

/** What to do in this program about an error of the hub, which does not know its flags. */
export function withRemedy(message: string): string {
  return message.endsWith(MISSING_TOKEN.reason)
    ? `${message}, then pass it with --token-file FILE`
    : message;
}

function connectExitCode(error: ConnectError): ExitCode {
  switch (error.failure) {
    case "rejected":
      return EXIT.rejected;
    case "closed":
      return EXIT.interrupted;
    case "unsupported":
      return EXIT.failed;
    default:
      return EXIT.unreachable;
  }
}

function oneLine(message: string): string {
  return visible(message.replaceAll(/\s*\n\s*/g, " "));
}
