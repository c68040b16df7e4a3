import { visible } from "../protocol.ts";
import { suggestion } from "../lib/words.ts";
import { type AnyCommand, type CommandSection, commandsIn } from "./command.ts";
import { GLOBAL_FLAGS, parseCommandLine, splitGlobals } from "./command_line.ts";
import type { Context } from "./context.ts";
import { EXIT, type ExitCode, UsageError } from "./errors.ts";
import { commandHelp, programHelp } from "./help.ts";
import { commandSynonym } from "./synonyms.ts";

/**
 * Runs the command that a command line names, or prints its help.
 *
 * @throws {UsageError} for an unknown command.
 */
export async function dispatch(
  args: readonly string[],
  context: Context,
  sections: readonly CommandSection[],
): Promise<ExitCode> {
  const { globals, rest: [name, ...own] } = splitGlobals(args);
  if (name === undefined) parseCommandLine(globals, GLOBAL_FLAGS);
  if (name === undefined || name === "--help" || name === "-h") {
    await context.stdout.write(programHelp(sections));
    return EXIT.done;
  }
  const commands = commandsIn(sections);
  if (isVersion(name)) return await findCommand("version", commands).execute([], context, sections);
  const { command, rest: words } = findCommandOf([name, ...own], commands);
  // Flags after the name override those before it.
  const rest = [...globals, ...words];
  const end = rest.indexOf("--");
  const flags = end === -1 ? rest : rest.slice(0, end);
  if (flags.includes("--help") || flags.includes("-h")) {
    await context.stdout.write(commandHelp(command));
    return EXIT.done;
  }
  if (flags.some(isVersion)) {
    return await findCommand("version", commands).execute([], context, sections);
  }
  return await command.execute(rest, context, sections);
}

function isVersion(arg: string): boolean {
  return arg === "--version" || arg === "-V";
}

/**
 * Finds the command that the first words name, such as `token mint`.
 *
 * @throws {UsageError} that suggests the nearest if there is none.
 */
export function findCommandOf(
  [name = "", ...own]: readonly string[],
  commands: readonly AnyCommand[],
): { readonly command: AnyCommand; readonly rest: readonly string[] } {
  let command = findCommand(name, commands);
  let rest: readonly string[] = own;
  for (;;) {
    const [word] = rest;
    if (command.commands === undefined || word === undefined || word.startsWith("-")) break;
    command = findMember(word, command);
    rest = rest.slice(1);
  }
  return { command, rest };
}

/**
 * Finds a command by its name.
 *
 * @throws {UsageError} that suggests the nearest if there is none.
 */
export function findCommand(name: string, commands: readonly AnyCommand[]): AnyCommand {
  const found = commands.find((command) => command.name === name);
  if (found !== undefined) return found;
  if (name.startsWith("-")) throw misplacedFlag(name);
  throw unknownCommand(
    name,
    commands.filter(({ hidden }) => !hidden).map((command) => command.name),
    "bcast help",
  );
}

function findMember(word: string, { name, commands = {} }: AnyCommand): AnyCommand {
  const found = Object.hasOwn(commands, word) ? commands[word] : undefined;
  if (found !== undefined) return found;
  throw unknownCommand(word, Object.keys(commands), `bcast ${name} --help`);
}

/** A flag in place of a command. */
function misplacedFlag(arg: string): UsageError {
  const [flag = arg] = arg.split("=");
  const hint = suggestion(
    flag.replace(/^-+/, ""),
    ["version", "help", "profile", "config"],
    (word) => `--${word}`,
  );
  const what = hint === "" ? " before a command. Write it after the command." : `. ${hint}`;
  return new UsageError(`Unknown flag ${shorten(flag)}${what} See bcast help`);
}

function unknownCommand(name: string, known: readonly string[], see: string): UsageError {
  const synonym = commandSynonym(name, known);
  const hint = synonym === undefined ? suggestion(name, known) : `Did you mean ${synonym}?`;
  return new UsageError(
    `Unknown command "${shorten(name)}". ${hint === "" ? "" : `${hint} `}See ${see}`,
  );
}

function shorten(typed: string): string {
  return visible(typed.length > 40 ? typed.slice(0, 40) + "…" : typed);
}
