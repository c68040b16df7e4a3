import { loadConfig } from "./config.ts";
import { visible } from "../protocol.ts";
import type { Context } from "./context.ts";
import { type ExitCode, UsageError } from "./errors.ts";
import {
  type CommandLine,
  envLayer,
  type Flags,
  type FlagValues,
  type Layer,
  parseCommandLine,
  resolveFlags,
} from "./flags.ts";
import { GLOBAL_FLAGS } from "./globals.ts";

/** One verb of the command line. */
export interface CommandDefinition<F extends Flags = Flags> {
  readonly name: string;
  /** Whether it is for programs only, and no help tells of it. */
  readonly hidden?: true;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Paragraphs for the command's own help. */
  readonly description: string;
  /** What it takes beside flags. */
  readonly positional?: {
    readonly placeholder: string;
    readonly help: string;
  };
  /** Words that it takes, as many as there are. */
  readonly words?: {
    readonly placeholder: string;
    readonly help: string;
    /** Whether they are a command line of their own, which only begins after `--`. */
    readonly afterDashes?: boolean;
  };
  readonly flags: F;
  /** Whether it starts other programs: all others give up the right to. */
  readonly startsPrograms?: true;
  /** Whether a configuration file has nothing to say to it: it is for looking at such files. */
  readonly unconfigured?: true;
  /** Command lines without the program's name, and what each is good for. */
  readonly examples: readonly (readonly [line: string, purpose: string])[];
  readonly run: (input: CommandInput<F>, context: Context) => Promise<ExitCode>;
}

/** What the user said. */
export interface CommandInput<F extends Flags> {
  readonly flags: FlagValues<F>;
  /** The positional argument, if there was one. */
  readonly positional: string | undefined;
  /** The words it takes, for a command that takes any. */
  readonly words: readonly string[];
  /** Where a flag's value comes from. */
  readonly source: (name: keyof F & string) => Source;
  /** What the flags of every command say. */
  readonly globals: Globals;
}

/** Which configuration file is read, and what of it counts. */
export interface Globals {
  /** The file; `undefined`: the user's own. */
  readonly config: string | undefined;
  /** The profile that was named; `insist`: for this command line, so it must be of use to it. */
  readonly profile: { readonly name: string; readonly insist: boolean } | undefined;
}

/** Where a value comes from; what is earlier in this list wins. */
const SOURCES = ["flag", "env", "profile", "config", "default"] as const;

/** One of {@linkcode SOURCES}. */
export type Source = (typeof SOURCES)[number];

/** Whether what `a` says counts for more than what `b` says. */
export function isStronger(a: Source, b: Source): boolean {
  return SOURCES.indexOf(a) < SOURCES.indexOf(b);
}

/** A command whose flags are nobody else's business. */
export interface AnyCommand extends Omit<CommandDefinition, "run"> {
  /** What may follow its name, where it is a group of commands. */
  readonly commands?: Readonly<Record<string, AnyCommand>>;
  /** Runs it; `all` are the commands that a configuration file may speak of. */
  readonly execute: (
    args: readonly string[],
    context: Context,
    all: readonly AnyCommand[],
  ) => Promise<ExitCode>;
}

/** Makes a command fit for the list of all commands. */
export function defineCommand<const F extends Flags>(command: CommandDefinition<F>): AnyCommand {
  const { run, ...rest } = command;
  return {
    ...rest,
    execute: async (args, context, all) => {
      const line = parseCommandLine(args, { ...GLOBAL_FLAGS, ...command.flags });
      const most = command.positional === undefined ? 0 : 1;
      const { before, after } = atDashes(args, line.positionals);
      const own = command.words?.afterDashes === true;
      const extra = command.words === undefined
        ? line.positionals[most]
        : own
        ? before[most]
        : undefined;
      if (extra !== undefined) throw unexpected(extra, command);
      const read = await readFlags(command, line, context, all);
      if (command.startsPrograms === undefined) await context.revokeRun();
      return await run({
        ...read,
        globals: readGlobals(line, context),
        positional: most === 0 ? undefined : (own ? before : line.positionals)[0],
        words: own ? after : line.positionals.slice(most),
      }, context);
    },
  };
}

/** What all sources together say for the flags of a command. */
export async function readFlags<F extends Flags>(
  command: Pick<CommandDefinition<F>, "name" | "flags" | "unconfigured">,
  line: CommandLine,
  context: Context,
  all: readonly AnyCommand[],
): Promise<Pick<CommandInput<F>, "flags" | "source">> {
  const { values, rank } = resolveFlags(command.flags, [
    line,
    envLayer(context.env),
    ...await settings(command, line, context, all),
  ]);
  return { flags: values, source: (name) => sourceAt(rank(name)) };
}

/** What a rank among the layers of a command is called: flags, environment, profile, file. */
export function sourceAt(rank: number): Source {
  return SOURCES[rank] ?? "default";
}

/** The layers of the configuration file: what the profile says, then what the command's own part says. */
async function settings(
  command: Pick<CommandDefinition, "name" | "flags" | "unconfigured">,
  line: CommandLine,
  context: Context,
  all: readonly AnyCommand[],
): Promise<readonly Layer[]> {
  // Help must work whatever is wrong with the file.
  if (command.unconfigured || Object.keys(command.flags).length === 0) return [];
  const { config: file, profile } = readGlobals(line, context);
  const config = await loadConfig(file, context, all);
  return [config.profile(command, profile), config.command(command)];
}

function readGlobals(line: Layer, { env }: Context): Globals {
  const { values, rank } = resolveFlags(GLOBAL_FLAGS, [line, envLayer(env)]);
  return {
    config: values.config,
    profile: values.profile === undefined
      ? undefined
      : { name: values.profile, insist: rank("profile") === 0 },
  };
}

/** The words before and after `--`. */
function atDashes(
  args: readonly string[],
  words: readonly string[],
): { readonly before: readonly string[]; readonly after: readonly string[] } {
  const dashes = args.indexOf("--");
  // All that follows is words.
  const count = words.length - (dashes === -1 ? 0 : args.length - dashes - 1);
  return { before: words.slice(0, count), after: words.slice(count) };
}

function unexpected(
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
