import type { AnyCommand } from "../command.ts";
import { type AnyFlag, flagName, type Flags } from "../flags.ts";
import { GLOBAL_FLAGS } from "../globals.ts";

/** What may stand where a value is wanted. */
export type CompletedValues =
  | { readonly kind: "words"; readonly words: readonly string[] }
  /** Names that a hub, or the configuration file, tells when asked. */
  | { readonly kind: NameKind }
  | { readonly kind: "files" }
  | { readonly kind: "nothing" };

/** What {@linkcode CompletedValues} have to be asked for. */
export const NAME_KINDS = ["rooms", "people", "profiles"] as const;

/** One of {@linkcode NAME_KINDS}. */
export type NameKind = (typeof NAME_KINDS)[number];

/** A flag, for a shell. */
export interface CompletedFlag {
  /** `--room`. */
  readonly name: string;
  /** `-p`, where there is such. */
  readonly short?: string;
  readonly help: string;
  /** Absent for a switch. */
  readonly values?: CompletedValues;
}

/** A command, for a shell. */
export interface CompletedCommand {
  /** One word, or two for a command of a group: `token mint`. */
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly CompletedFlag[];
  readonly argument: CompletedValues;
}

/** What the shells' scripts are made of. */
export interface CompletionTable {
  readonly commands: readonly CompletedCommand[];
  /** The names of commands that another word follows. */
  readonly groups: readonly string[];
  /** The flags that may stand before the command. */
  readonly globals: readonly CompletedFlag[];
}

const NOTHING: CompletedValues = { kind: "nothing" };

/** Reads the table of commands. */
export function completionTable(all: readonly AnyCommand[]): CompletionTable {
  const shown = all.filter(({ hidden }) => !hidden);
  const names = shown.map(({ name }) => name);
  return {
    commands: shown.flatMap((command) => [
      completedCommand(command.name, command, names),
      ...Object.entries(command.commands ?? {}).map(([word, member]) =>
        completedCommand(`${command.name} ${word}`, member, names)
      ),
    ]),
    groups: shown.filter(({ commands }) => commands !== undefined).map(({ name }) => name),
    globals: completedFlags(GLOBAL_FLAGS),
  };
}

/** The commands that are a first word. */
export function firstWords({ commands }: CompletionTable): readonly CompletedCommand[] {
  return commands.filter(({ name }) => !name.includes(" "));
}

function completedCommand(
  name: string,
  { summary, flags, positional, commands }: AnyCommand,
  names: readonly string[],
): CompletedCommand {
  return {
    name,
    summary,
    flags: completedFlags(Object.keys(flags).length === 0 ? {} : { ...flags, ...GLOBAL_FLAGS }),
    argument: commands === undefined
      ? argumentValues(positional?.placeholder ?? "", names)
      : { kind: "words", words: Object.keys(commands) },
  };
}

function completedFlags(flags: Flags): readonly CompletedFlag[] {
  const help: CompletedFlag = { name: "--help", help: "Show help" };
  return [
    ...Object.entries(flags).map(([key, flag]): CompletedFlag => ({
      name: flagName(key),
      help: flag.help,
      ...(flag.short === undefined ? {} : { short: `-${flag.short}` }),
      ...(flag.kind === "switch" ? {} : { values: flagValues(key, flag) }),
    })),
    help,
  ];
}

/** What the help calls a value says what it may be. */
function flagValues(key: string, { options, placeholder }: AnyFlag): CompletedValues {
  if (options !== undefined) return { kind: "words", words: options };
  switch (placeholder) {
    case "ROOM":
      return { kind: "rooms" };
    case "NAME":
      // One's own name is not somebody else's.
      return key === "name" ? NOTHING : { kind: "people" };
    case "PROFILE":
      return { kind: "profiles" };
    case "FILE":
    case "DIR":
      return { kind: "files" };
    default:
      return NOTHING;
  }
}

function argumentValues(placeholder: string, commands: readonly string[]): CompletedValues {
  if (placeholder === "COMMAND") return { kind: "words", words: commands };
  if (placeholder.includes("|")) return { kind: "words", words: placeholder.split("|") };
  return NOTHING;
}

/** `text` as one word of a POSIX shell. */
export function shellQuote(text: string): string {
  return /^[A-Za-z0-9_./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
