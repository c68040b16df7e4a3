import type { AnyCommand, Argument, CommandSection } from "./command.ts";
import { EXIT } from "./errors.ts";
import { envName, flagName, GLOBAL_FLAGS } from "./command_line.ts";
import type { Flags } from "./flags.ts";
import { table } from "../render/table.ts";
import { wrap } from "../render/wrap.ts";

/** Columns of every help text. */
const WIDTH = 80;

const EXIT_CODES: readonly (readonly [string, string])[] = [
  [String(EXIT.done), "done"],
  [String(EXIT.failed), "failed"],
  [String(EXIT.usage), "wrong usage"],
  [String(EXIT.unreachable), "could not connect"],
  [String(EXIT.rejected), "rejected by the hub"],
  [String(EXIT.interrupted), "interrupted"],
];

/** Also run by the tests. */
export const FIRST_EXAMPLES: AnyCommand["examples"] = [
  ["start", "Run a hub on this machine, and leave it running"],
  ["connect", "Join it from another terminal"],
  ["connect 192.168.1.5", "Join the hub of another machine"],
];

/** The variables that most users need; most flags have one. */
const ENVIRONMENT: readonly (readonly [string, string])[] = [
  ["BCAST_URL", "Address of the hub"],
  ["BCAST_NAME", "Your name"],
  ["BCAST_ROOM", "Your room"],
  ["BCAST_TOKEN", "Access token, if the hub requires one"],
  ["BCAST_PROFILE", "Profile of the configuration file to use"],
  ["NO_COLOR", "No colours"],
];

export function programHelp(sections: readonly CommandSection[]): string {
  const shown = sections.map(({ title, commands }) => {
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
      ["-V, --version", "Show the version"],
    ]),
    "Environment (most flags have a variable: --max-rooms is BCAST_MAX_ROOMS):\n" +
    table(ENVIRONMENT),
    "Exit codes:\n" + table(EXIT_CODES),
  ].join("\n");
}

export function commandHelp(command: AnyCommand): string {
  const { name, summary, description, positional, words, flags, examples } = command;
  const afterDashes = words?.afterDashes === true;
  const usage = [
    "Usage: bcast",
    name,
    command.commands ? "COMMAND" : positional && argumentUsage(positional),
    words && !afterDashes ? argumentUsage(words) : undefined,
    "[flags]",
    words && afterDashes
      ? argumentUsage({ ...words, placeholder: `-- ${words.placeholder}` })
      : undefined,
  ];
  const parts = [
    paragraph(`bcast ${name}: ${lowerFirst(summary)}.`),
    usage.filter((part) => part !== undefined).join(" ") + "\n",
  ];
  parts.push(...description.split("\n\n").map(paragraph));
  const args = [positional, words].filter((one) => one !== undefined);
  if (args.length > 0) {
    const rows = args.map(({ placeholder, help }) => [placeholder, help] as const);
    parts.push(`${rows.length === 1 ? "Argument" : "Arguments"}:\n${table(rows)}`);
  }
  if (command.commands !== undefined) {
    const inside = Object.entries(command.commands);
    parts.push("Commands:\n" + table(inside.map(([word, { summary }]) => [word, summary])));
  }
  const groups = new Map<string, (readonly [string, string])[]>();
  const [first] = Object.keys(flags);
  // Without flags, there is nothing to configure.
  const all: Flags = first === undefined ? {} : { ...flags, ...GLOBAL_FLAGS };
  for (const [key, flag] of Object.entries(all)) {
    const rows = groups.get(flag.group) ?? [];
    groups.set(flag.group, rows);
    rows.push(...flagRows({ [key]: flag }));
  }
  for (const [group, rows] of groups) parts.push(`${group}:\n${table(rows)}`);
  parts.push("Examples:\n" + exampleLines(examples));
  const shared = Object.entries(flags).find(([, { localOnly }]) => localOnly !== true)?.[0];
  if (shared !== undefined && !command.unconfigured) {
    parts.push(paragraph(
      `Values are taken from flags, then from the environment (${envName(shared)} for ` +
        `${flagName(shared)}, and so on), then from ${
          flags["url"] === undefined ? "" : "the profile, then from "
        }the configuration file.`,
    ));
  }
  return parts.join("\n");
}

function argumentUsage({ placeholder, required }: Argument): string {
  return required ? placeholder : `[${placeholder}]`;
}

function flagRows(flags: Flags): readonly (readonly [string, string])[] {
  return Object.entries(flags).map(([key, flag]) => {
    const short = flag.short === undefined ? "" : `-${flag.short}, `;
    const left = `${short}${flagName(key)} ${flag.placeholder}`.trimEnd();
    return [
      left,
      flag.defaultText === "" ? flag.help : `${flag.help} (default ${flag.defaultText})`,
    ];
  });
}

function exampleLines(examples: AnyCommand["examples"]): string {
  return examples.map(([line, purpose]) => {
    return `  # ${purpose}\n  ${exampleCommand(line)}\n`;
  }).join("");
}

/** An example as typed. One that runs `bcast` elsewhere than first already names it. */
export function exampleCommand(example: string): string {
  return /(?:^|[|;(] ?)bcast /.test(example) ? example : `bcast ${example}`;
}

function paragraph(text: string): string {
  return wrap(text, WIDTH).join("\n") + "\n";
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
