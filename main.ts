/**
 * The executable: runs a command line, and turns errors into one line and an exit code.
 *
 * @module
 */

import { type Context, systemContext } from "./cli/context.ts";
import { dispatch } from "./cli/dispatch.ts";
import { stackOf } from "./cli/errors.ts";
import { explain } from "./commands/explain_error.ts";
import { SECTIONS } from "./commands/mod.ts";

/** Runs a command line; returns the exit code. */
export async function main(args: readonly string[], context: Context): Promise<number> {
  try {
    return await dispatch(args, context, SECTIONS);
  } catch (error) {
    return await report(error, args, context);
  }
}

/** Prints the error on one line, and the stack at `--log-level debug`. */
async function report(
  error: unknown,
  args: readonly string[],
  { stderr, env }: Context,
): Promise<number> {
  const { message, exitCode } = explain(error);
  await stderr.write(message + "\n");
  if (showsStacks(args, env)) await stderr.write(stackOf(error) + "\n");
  return exitCode;
}

/** Reads the raw arguments: the error may come from parsing them. */
function showsStacks(args: readonly string[], env: Context["env"]): boolean {
  const at = args.indexOf("--log-level");
  const level = args.find((arg) => arg.startsWith("--log-level="))?.split("=")[1] ??
    (at === -1 ? env("BCAST_LOG_LEVEL") : args[at + 1]);
  return level === "debug" || level === "trace";
}

if (import.meta.main) {
  const context = systemContext();
  const fatal = (error: unknown): void => {
    // Later, so that other listeners run first: the editor has to remove a half-typed line.
    void Promise.resolve().then(() => report(error, Deno.args, context)).then(context.exit);
  };
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    fatal(event.reason);
  });
  addEventListener("error", (event) => {
    event.preventDefault();
    fatal(event.error);
  });
  Deno.exit(await main(Deno.args, context));
}
