import type { AnyCommand } from "./command.ts";
import { EXIT } from "./errors.ts";
import { envName, flagName, type Flags } from "./flags.ts";
import { GLOBAL_FLAGS } from "./globals.ts";
import { table } from "../render/table.ts";
import { wrap } from "../render/wrap.ts";

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

/** Commands for one purpose. */
export interface CommandGroup {
  readonly title: string;
  readonly commands: readonly AnyCommand[];
}

/** The first things to type, also run by the tests. */
export const FIRST_EXAMPLES: AnyCommand["examples"] = [
  ["start", "Run a hub on this machine, and leave it running"],
  ["connect", "Join it from another terminal"],
  ["connect 192.168.1.5", "Join the hub of another machine"],
];

/** The environment that most people need; every flag has its variable. */
const ENVIRONMENT: readonly (readonly [string, string])[] = [
  ["BCAST_URL", "Address of the hub"],
  ["BCAST_NAME", "Your name"],
  ["BCAST_ROOM", "Your room"],
  ["BCAST_TOKEN", "Access token, if the hub requires one"],
  ["BCAST_PROFILE", "Profile of the configuration file to use"],
  ["NO_COLOR", "No colours"],
];

/** The help of the program. */
export function programHelp(groups: readonly CommandGroup[]): string {
  const shown = groups.map(({ title, commands }) => {
    const rows = commands.filter(({ hidden }) => !hidden)
      .map(({ name, summary }) => [name, summary] as const);
    return { title, rows };
  });
  const width = Math.max(...shown.flatMap(({ rows }) => rows.map(([name]) => name.length)));
  return [
    paragraph(
      "bcast: real-time messages between terminals, scripts and web pages. The hub delivers every " +
        "message sent to a room to all its members at once, and keeps it for members that join " +
        "later.",
    ),
    "Usage: bcast COMMAND [flags]\n",
    "First steps:\n" + exampleLines(FIRST_EXAMPLES),
    ...shown.filter(({ rows }) => rows.length > 0)
      // One column for all groups.
      .map(({ title, rows }) =>
        `${title}:\n` + table(rows.map(([name, summary]) => [name.padEnd(width), summary]))
      ),
    "Flags of every command:\n" + table([
      ["--help", "Show help; for one command: bcast start --help"],
      ...flagRows(GLOBAL_FLAGS),
      ["--version", "Show the version"],
    ]),
    "Environment (every flag has a variable: --max-rooms is BCAST_MAX_ROOMS):\n" +
    table(ENVIRONMENT),
    "Exit codes:\n" + table(EXIT_CODES),
  ].join("\n");
}

/** The help of one command. */
export function commandHelp(command: AnyCommand): string {
  const { name, summary, description, positional, words, flags, examples } = command;
  const own = words?.afterDashes === true;
  const usage = [
    "Usage: bcast",
    name,
    command.commands ? "COMMAND" : positional && `[${positional.placeholder}]`,
    words && !own ? words.placeholder : undefined,
    "[flags]",
    words && own ? `-- ${words.placeholder}` : undefined,
  ];
  const sections = [
    paragraph(`bcast ${name}: ${lowerFirst(summary)}.`),
    usage.filter((part) => part !== undefined).join(" ") + "\n",
  ];
  if (description !== undefined) sections.push(...description.split("\n\n").map(paragraph));
  const taken = [positional, words].filter((one) => one !== undefined);
  if (taken.length > 0) {
    const rows = taken.map(({ placeholder, help }) => [placeholder, help] as const);
    sections.push(`${rows.length === 1 ? "Argument" : "Arguments"}:\n${table(rows)}`);
  }
  if (command.commands !== undefined) {
    const inside = Object.entries(command.commands);
    sections.push("Commands:\n" + table(inside.map(([word, { summary }]) => [word, summary])));
  }
  const groups = new Map<string, (readonly [string, string])[]>();
  const [first] = Object.keys(flags);
  // Without a flag there is nothing that a file could say.
  const all: Flags = first === undefined ? {} : { ...flags, ...GLOBAL_FLAGS };
  for (const [key, flag] of Object.entries(all)) {
    const rows = groups.get(flag.group) ?? [];
    groups.set(flag.group, rows);
    rows.push(...flagRows({ [key]: flag }));
  }
  for (const [group, rows] of groups) sections.push(`${group}:\n${table(rows)}`);
  sections.push("Examples:\n" + exampleLines(examples));
  const shared = Object.entries(flags).find(([, { own }]) => own !== true)?.[0];
  if (shared !== undefined && !command.unconfigured) {
    sections.push(paragraph(
      `Values are taken from flags, then from the environment (${envName(shared)} for ` +
        `${flagName(shared)}, and so on), then from the configuration file.`,
    ));
  }
  return sections.join("\n");
}

function flagRows(flags: Flags): readonly (readonly [string, string])[] {
  return Object.entries(flags).map(([key, flag]) => {
    const short = flag.short === undefined ? "" : `-${flag.short}, `;
    const left = `${short}${flagName(key)} ${flag.placeholder}`.trimEnd();
    return [left, flag.shown === "" ? flag.help : `${flag.help} (default ${flag.shown})`];
  });
}

function exampleLines(examples: AnyCommand["examples"]): string {
  return examples.map(([line, purpose]) => {
    const shown = commandLine(line);
    return `  # ${purpose}\n  ${shown}\n`;
  }).join("");
}

/** An example as one would type it: where the program is not what it begins with, it names it itself. */
export function commandLine(example: string): string {
  return /(?:^|[|;(] ?)bcast /.test(example) ? example : `bcast ${example}`;
}

function paragraph(text: string): string {
  return wrap(text, WIDTH).join("\n") + "\n";
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
