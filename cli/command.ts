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
  /** Where a flag's value comes from. */
  readonly source: (name: keyof F & string) => Source;
}

/** Where a value comes from; what is earlier in this list wins. */
export type Source = "flag" | "env" | "default";

/** A command whose flags are nobody else's business. */
export interface AnyCommand extends Omit<Command, "run"> {
  /** What may follow its name, where it is a group of commands. */
  readonly commands?: Readonly<Record<string, AnyCommand>>;
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
      const extra = line.positionals[most];
      if (extra !== undefined) {
        throw new UsageError(
          `Unexpected argument "${extra}". See bcast ${command.name} --help`,
        );
      }
      const { values, rank } = resolveFlags(command.flags, layers);
      return run({
        flags: values,
        positional: line.positionals[0],
        source: (name) => sources[rank(name)] ?? "default",
      }, context);
    },
  };
}
