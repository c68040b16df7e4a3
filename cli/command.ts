import { visible } from "../protocol.ts";
import {
  type CommandLine,
  envLayer,
  GLOBAL_FLAGS,
  type Layer,
  parseCommandLine,
  resolveFlags,
} from "./command_line.ts";
import { type ChosenProfile, loadConfig } from "./config.ts";
import type { Context } from "./context.ts";
import { type ExitCode, UsageError } from "./errors.ts";
import type { Flags, FlagValues } from "./flags.ts";

/** An argument that is not a flag. */
export interface Argument {
  /** Also decides how the argument is completed. */
  readonly placeholder: string;
  readonly help: string;
  /** The help shows other arguments in brackets. */
  readonly required?: true;
}

/** One verb of the command line. */
export interface CommandDefinition<F extends Flags = Flags> {
  readonly name: string;
  /** For programs only: absent from help and completion. */
  readonly hidden?: true;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Paragraphs for the command's own help. */
  readonly description: string;
  readonly positional?: Argument;
  /** Any number of words. */
  readonly words?: Argument & {
    /** The words are a command line of their own, and follow `--`. */
    readonly afterDashes?: boolean;
  };
  readonly flags: F;
  /** Starts other programs; all other commands give up the permission to. */
  readonly startsPrograms?: true;
  /** Reads no settings from the configuration file, because it inspects such files. */
  readonly unconfigured?: true;
  /** Command lines without the program's name, each with its purpose. */
  readonly examples: readonly (readonly [line: string, purpose: string])[];
  readonly run: (input: CommandInput<F>, context: Context) => Promise<ExitCode>;
}

/** The parsed command line of a command. */
export interface CommandInput<F extends Flags> {
  readonly flags: FlagValues<F>;
  readonly positional: string | undefined;
  readonly words: readonly string[];
  /** Which source set a flag. */
  readonly source: (name: keyof F & string) => Source;
  readonly globals: Globals;
  /** All commands of the program. */
  readonly sections: readonly CommandSection[];
}

/** The values of {@linkcode GLOBAL_FLAGS}. */
export interface Globals {
  /** The configuration file; `undefined`: the user's own. */
  readonly config: string | undefined;
  readonly profile: ChosenProfile | undefined;
}

/** Sources of values, strongest first. */
const SOURCES = ["flag", "env", "profile", "config", "default"] as const;

export type Source = (typeof SOURCES)[number];

/** Whether a value from `a` overrides one from `b`. */
export function isStronger(a: Source, b: Source): boolean {
  return SOURCES.indexOf(a) < SOURCES.indexOf(b);
}

/** The source of a rank among the layers of a command. */
export function sourceAt(rank: number): Source {
  return SOURCES[rank] ?? "default";
}

/** A command of any flags. */
export interface AnyCommand extends Omit<CommandDefinition, "run"> {
  /** The members of a group of commands, by the word that follows the group's name. */
  readonly commands?: Readonly<Record<string, AnyCommand>>;
  readonly execute: (
    args: readonly string[],
    context: Context,
    sections: readonly CommandSection[],
  ) => Promise<ExitCode>;
}

/** Commands for one purpose, under a title in the help. */
export interface CommandSection {
  readonly title: string;
  readonly commands: readonly AnyCommand[];
}

/** The commands of all sections; the members of groups are within their groups. */
export function commandsIn(sections: readonly CommandSection[]): readonly AnyCommand[] {
  return sections.flatMap(({ commands }) => commands);
}

/** Makes a command from its definition. */
export function defineCommand<const F extends Flags>(command: CommandDefinition<F>): AnyCommand {
  const { run, ...rest } = command;
  const { words } = command;
  const max = command.positional === undefined ? 0 : 1;
  return {
    ...rest,
    execute: async (args, context, sections) => {
      const line = parseCommandLine(args, { ...GLOBAL_FLAGS, ...command.flags });
      const { before, after } = splitAtDashes(args, line.positionals);
      const afterDashes = words?.afterDashes === true;
      const own = afterDashes ? before : line.positionals;
      const extra = own[max];
      if (extra !== undefined && (words === undefined || afterDashes)) {
        throw unexpectedArgument(extra, command);
      }
      const resolved = await readFlags(command, line, context, commandsIn(sections));
      if (command.startsPrograms === undefined) await context.revokeRun();
      return await run({
        ...resolved,
        globals: readGlobals(line, context),
        positional: max === 0 ? undefined : own[0],
        words: afterDashes ? after : line.positionals.slice(max),
        sections,
      }, context);
    },
  };
}

/** A word that precedes other commands: `bcast token mint`. */
export interface CommandGroup {
  readonly name: string;
  readonly summary: string;
  readonly description: string;
  /** By the word that follows the group's name. */
  readonly commands: Readonly<Record<string, AnyCommand>>;
  readonly examples: AnyCommand["examples"];
}

/** Makes a command that only holds others. */
export function defineGroup(group: CommandGroup): AnyCommand {
  return {
    ...group,
    flags: {},
    execute: () => {
      const names = Object.keys(group.commands).join(", ");
      return Promise.reject(
        new UsageError(
          `bcast ${group.name} needs one of ${names}. See bcast ${group.name} --help`,
        ),
      );
    },
  };
}

/** Resolves the flags of a command from all sources. */
export async function readFlags<F extends Flags>(
  command: Pick<CommandDefinition<F>, "name" | "flags" | "unconfigured">,
  line: CommandLine,
  context: Context,
  commands: readonly AnyCommand[],
): Promise<Pick<CommandInput<F>, "flags" | "source">> {
  const { values, rank } = resolveFlags(command.flags, [
    line,
    envLayer(context.env),
    ...await configLayers(command, line, context, commands),
  ]);
  return { flags: values, source: (name) => sourceAt(rank(name)) };
}

/** The profile, then the command's own part of the configuration file. */
async function configLayers(
  command: Pick<CommandDefinition, "name" | "flags" | "unconfigured">,
  line: CommandLine,
  context: Context,
  commands: readonly AnyCommand[],
): Promise<readonly Layer[]> {
  // Help must work even if the file is broken.
  if (command.unconfigured || Object.keys(command.flags).length === 0) return [];
  const globals = readGlobals(line, context);
  const config = await loadConfig(globals.config, context, commands);
  return [config.profile(command, globals.profile), config.command(command)];
}

function readGlobals(line: Layer, { env }: Context): Globals {
  const { values: { config, profile }, rank } = resolveFlags(GLOBAL_FLAGS, [line, envLayer(env)]);
  return {
    config,
    profile: profile === undefined ? undefined : { name: profile, required: rank("profile") === 0 },
  };
}

/** The positionals before and after `--`. */
function splitAtDashes(
  args: readonly string[],
  positionals: readonly string[],
): { readonly before: readonly string[]; readonly after: readonly string[] } {
  const dashes = args.indexOf("--");
  // Everything after -- is positional.
  const count = positionals.length - (dashes === -1 ? 0 : args.length - dashes - 1);
  return { before: positionals.slice(0, count), after: positionals.slice(count) };
}

function unexpectedArgument(
  word: string,
  { name, words }: Pick<CommandDefinition, "name" | "words">,
): UsageError {
  const what = `Unexpected argument "${visible(word)}"`;
  return new UsageError(
    words?.afterDashes === true
      ? `${what}: the command to run comes after --, as in bcast ${name} -- ${visible(word)}`
      : `${what}. See bcast ${name} --help`,
  );
}
