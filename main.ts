/**
 * The executable: picks a command, prints help, owns exit codes and printing.
 *
 * @module
 */

import type { AnyCommand } from "./cli/command.ts";
import { type Context, systemContext } from "./cli/context.ts";
import { EXIT, explain, stackOf } from "./cli/errors.ts";
import { commandHelp, programHelp } from "./cli/help.ts";
import { parseCommandLine } from "./cli/flags.ts";
import { GLOBAL_FLAGS, splitGlobals } from "./cli/globals.ts";
import { findCommand, findInGroup } from "./commands/help.ts";
import { COMMANDS, GROUPS } from "./commands/mod.ts";
import { version } from "./commands/version.ts";

/** Runs a command line; returns the exit code. */
export async function main(args: readonly string[], context: Context): Promise<number> {
  try {
    return await dispatch(args, context);
  } catch (error) {
    return await report(error, args, context);
  }
}

async function dispatch(args: readonly string[], context: Context): Promise<number> {
  const { globals, rest: [name, ...own] } = splitGlobals(args);
  if (name === undefined) parseCommandLine(globals, GLOBAL_FLAGS);
  if (name === undefined || name === "--help" || name === "-h") {
    await context.stdout.write(programHelp(GROUPS));
    return EXIT.done;
  }
  if (name === "--version" || name === "-V") return await version.execute([], context, COMMANDS);
  return await execute(findCommand(name, COMMANDS), globals, own, context);
}

/** Runs a command. Flags after its name override `globals`, those before it. */
async function execute(
  command: AnyCommand,
  globals: readonly string[],
  own: readonly string[],
  context: Context,
): Promise<number> {
  const [word] = own;
  if (command.commands !== undefined && word !== undefined && !word.startsWith("-")) {
    return await execute(findInGroup(word, command), globals, own.slice(1), context);
  }
  const rest = [...globals, ...own];
  const end = rest.indexOf("--");
  const flags = end === -1 ? rest : rest.slice(0, end);
  if (flags.includes("--help") || flags.includes("-h")) {
    await context.stdout.write(commandHelp(command));
    return EXIT.done;
  }
  return await command.execute(rest, context, COMMANDS);
}

/** Prints the error on one line, and the stack at `--log-level debug`. */
async function report(
  error: unknown,
  args: readonly string[],
  { stderr, env }: Context,
): Promise<number> {
  const { message, exitCode } = explain(error);
  await stderr.write(message + "\n");
  if (wantsStacks(args, env)) await stderr.write(stackOf(error) + "\n");
  return exitCode;
}

/** Checks the raw arguments, because parsing them may be what failed. */
function wantsStacks(args: readonly string[], env: Context["env"]): boolean {
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
