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

/** Runs a command; `globals` stood before its name, and what stands last counts. */
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

/** One line of what went wrong, and the stack only where somebody looks for it. */
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

/** Looks at the raw arguments: what failed may be the reading of them. */
function wantsStacks(args: readonly string[], env: Context["env"]): boolean {
  const at = args.indexOf("--log-level");
  const level = args.find((arg) => arg.startsWith("--log-level="))?.split("=")[1] ??
    (at === -1 ? env("BCAST_LOG_LEVEL") : args[at + 1]);
  return level === "debug" || level === "trace";
}

if (import.meta.main) {
  const context = systemContext();
  const fatal = (error: unknown): void => {
    // Later, so that others who listen make room first: a line may be half typed.
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
