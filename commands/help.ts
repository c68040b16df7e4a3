import { type AnyCommand, defineCommand } from "../cli/command.ts";
import { EXIT, UsageError } from "../cli/errors.ts";
import { type CommandGroup, commandHelp, programHelp } from "../cli/help.ts";
import { commandSynonym } from "../cli/synonyms.ts";
import { suggestion } from "../lib/words.ts";
import { visible } from "../protocol.ts";

/** `bcast help [COMMAND]`; it tells of the commands that `groups` gives, itself among them. */
export function help(groups: () => readonly CommandGroup[]): AnyCommand {
  return defineCommand({
    name: "help",
    summary: "Show help for bcast or a command",
    description: "The same as bcast --help and bcast COMMAND --help.",
    positional: { placeholder: "COMMAND", help: "Command to show help for" },
    flags: {},
    examples: [["help start", "Show all flags of bcast start"]],
    run: async ({ positional }, { stdout }) => {
      const text = positional === undefined
        ? programHelp(groups())
        : commandHelp(findCommand(positional, groups().flatMap(({ commands }) => commands)));
      await stdout.write(text);
      return EXIT.done;
    },
  });
}

/**
 * The command of that name.
 *
 * @throws {UsageError} that suggests the nearest when there is none.
 */
export function findCommand(name: string, all: readonly AnyCommand[]): AnyCommand {
  const found = all.find((command) => command.name === name);
  if (found !== undefined) return found;
  if (name.startsWith("-")) throw strayFlag(name);
  throw unknownCommand(
    name,
    all.filter(({ hidden }) => !hidden).map((command) => command.name),
    "bcast help",
  );
}

/**
 * The command that follows a group's name.
 *
 * @throws {UsageError} that suggests the nearest when there is none.
 */
export function findInGroup(word: string, { name, commands = {} }: AnyCommand): AnyCommand {
  const found = Object.hasOwn(commands, word) ? commands[word] : undefined;
  if (found !== undefined) return found;
  throw unknownCommand(word, Object.keys(commands), `bcast ${name} --help`);
}

/** A flag where a command should be: most of them belong to one. */
function strayFlag(arg: string): UsageError {
  const [flag = arg] = arg.split("=");
  const said = visible(flag.length > 40 ? flag.slice(0, 40) + "…" : flag);
  const hint = suggestion(
    flag.replace(/^-+/, ""),
    ["version", "help", "profile", "config"],
    (word) => `--${word}`,
  );
  const what = hint === "" ? " before a command. Write it after the command." : `. ${hint}`;
  return new UsageError(`Unknown flag ${said}${what} See bcast help`);
}

function unknownCommand(name: string, known: readonly string[], see: string): UsageError {
  const said = visible(name.length > 40 ? name.slice(0, 40) + "…" : name);
  const synonym = commandSynonym(name, known);
  const hint = synonym === undefined ? suggestion(name, known) : `Did you mean ${synonym}?`;
  return new UsageError(`Unknown command "${said}". ${hint === "" ? "" : `${hint} `}See ${see}`);
}
