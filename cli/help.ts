import type { AnyCommand } from "./command.ts";
import { EXIT } from "./errors.ts";
import { envName, flagName } from "./flags.ts";
import { table, wrap } from "./text.ts";

/** Columns that every help text fits into. */
const WIDTH = 80;

const EXIT_CODES: readonly (readonly [string, string])[] = [
  [String(EXIT.done), "done"],
  [String(EXIT.failed), "failed"],
  [String(EXIT.usage), "wrong usage"],
  [String(EXIT.unreachable), "could not connect"],
  [String(EXIT.refused), "refused by the hub"],
  [String(EXIT.interrupted), "interrupted"],
];

/** The help of the program. */
export function programHelp(commands: readonly AnyCommand[]): string {
  return [
    paragraph("bcast: a hub for messages between terminals, scripts and web pages."),
    "Usage: bcast COMMAND [flags]\n",
    "Commands:\n" + table(commands.map(({ name, summary }) => [name, summary])),
    "Flags:\n" + table([
      ["--help", "Help, also of a command: bcast start --help"],
      ["--version", "The version"],
    ]),
    "Examples:\n" + exampleLines([
      ["start", "Run a hub on this machine"],
      ["connect", "Talk through it, from another terminal"],
    ]),
    "Exit codes:\n" + table(EXIT_CODES),
  ].join("\n");
}

/** The help of one command. */
export function commandHelp(command: AnyCommand): string {
  const { name, summary, about, positional, flags, examples } = command;
  const takes = command.commands ? "COMMAND" : positional && `[${positional.placeholder}]`;
  const usage = ["Usage: bcast", name, takes, "[flags]"];
  const sections = [
    paragraph(`bcast ${name}: ${lowerFirst(summary)}.`),
    usage.filter((part) => part !== undefined).join(" ") + "\n",
  ];
  if (about !== undefined) sections.push(...about.split("\n\n").map(paragraph));
  if (positional !== undefined) {
    sections.push("Argument:\n" + table([[positional.placeholder, positional.help]]));
  }
  if (command.commands !== undefined) {
    const inside = Object.entries(command.commands);
    sections.push("Commands:\n" + table(inside.map(([word, { summary }]) => [word, summary])));
  }
  const groups = new Map<string, [string, string][]>();
  for (const [key, flag] of Object.entries(flags)) {
    const rows = groups.get(flag.group) ?? [];
    groups.set(flag.group, rows);
    const left = `${flagName(key)} ${flag.placeholder}`.trimEnd();
    rows.push([left, flag.shown === "" ? flag.help : `${flag.help} (default ${flag.shown})`]);
  }
  for (const [group, rows] of groups) sections.push(`${group}:\n${table(rows)}`);
  sections.push("Examples:\n" + exampleLines(examples));
  const [first] = Object.keys(flags);
  if (first !== undefined) {
    sections.push(paragraph(
      `What no flag says is taken from the environment: ${flagName(first)} is also ` +
        `${envName(first)}, and so on.`,
    ));
  }
  return sections.join("\n");
}

function exampleLines(examples: AnyCommand["examples"]): string {
  return examples.map(([line, purpose]) => {
    // Where the program is not what the line begins with, the line names it itself.
    const shown = /\| bcast /.test(line) ? line : `bcast ${line}`;
    return `  # ${purpose}\n  ${shown}\n`;
  }).join("");
}

function paragraph(text: string): string {
  return wrap(text, WIDTH).join("\n") + "\n";
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
