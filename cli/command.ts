import { visible } from "../protocol.ts";
import type { Context } from "./context.ts";
import { type ExitCode, UsageError } from "./errors.ts";
import {
  envLayer,
  type Flags,
  type Layer,
  parseCommandLine,
  resolveFlags,
  type Values,
} from "./flags.ts";

/** One verb of the command line. */
export interface Command<F extends Flags = Flags> {
  readonly name: string;
  /** A few words for the list of commands. */
  readonly summary: string;
  /** What it does, in sentences, for its help. */
  readonly about?: string;
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
  /** Command lines without the program's name, and what each is good for. */
  readonly examples: readonly (readonly [line: string, purpose: string])[];
  readonly run: (input: CommandInput<F>, context: Context) => Promise<ExitCode>;
}

/** What the user said. */
export interface CommandInput<F extends Flags> {
  readonly flags: Values<F>;
  /** The positional argument, if there was one. */
  readonly positional: string | undefined;
  /** The words it takes, for a command that takes any. */
  readonly words: readonly string[];
  /** Where a flag's value comes from. */
  readonly source: (name: keyof F & string) => Source;
}

/** Where a value comes from; what is earlier in this list wins. */
export type Source = "flag" | "env" | "default";

/** A command whose flags are nobody else's business. */
export interface AnyCommand extends Omit<Command, "run"> {
  readonly execute: (args: readonly string[], context: Context) => Promise<ExitCode>;
}

/** Makes a command fit for the list of all commands. */
export function defineCommand<const F extends Flags>(command: Command<F>): AnyCommand {
  const { run, ...rest } = command;
  return {
    ...rest,
    execute: (args, context) => {
      const line = parseCommandLine(args, command.flags);
      // A configuration file will be one more layer, below these.
      const layers: readonly Layer[] = [line, envLayer(context.env)];
      const sources: readonly Source[] = ["flag", "env"];
      const most = command.positional === undefined ? 0 : 1;
      const { before, after } = atDashes(args, line.positionals);
      const extra = command.words === undefined
        ? line.positionals[most]
        : command.words.afterDashes === true
        ? before[most]
        : undefined;
      if (extra !== undefined) throw unexpected(extra, command);
      const { values, rank } = resolveFlags(command.flags, layers);
      return run({
        flags: values,
        positional: most === 0 ? undefined : line.positionals[0],
        words: command.words?.afterDashes === true ? after : line.positionals.slice(most),
        source: (name) => sources[rank(name)] ?? "default",
      }, context);
    },
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

function unexpected(word: string, { name, words }: Pick<Command, "name" | "words">): UsageError {
  const what = `Unexpected argument "${visible(word)}"`;
  return new UsageError(
    words?.afterDashes === true
      ? `${what}: the command to run comes after --, as in bcast ${name} -- ${visible(word)}`
      : `${what}. See bcast ${name} --help`,
  );
}
