import { text } from "./flags.ts";

/** The flags that every command takes, also before its name. */
export const GLOBAL_FLAGS = {
  profile: text({
    placeholder: "PROFILE",
    help: "Use this profile of the configuration file",
    short: "p",
    group: "Settings",
  }),
  config: text({
    placeholder: "FILE",
    help: "Read FILE instead of your configuration file",
    group: "Settings",
  }),
};

/** A command line, parted at the command's name. */
export interface SplitArguments {
  /** What stands before the name, for the command to read. */
  readonly globals: readonly string[];
  /** The name and what follows. */
  readonly rest: readonly string[];
}

/** Parts the flags of {@linkcode GLOBAL_FLAGS} that stand before a command's name from the rest. */
export function splitGlobals(args: readonly string[]): SplitArguments {
  let at = 0;
  for (;;) {
    const arg = args[at] ?? "";
    if (/^(?:-p|--profile|--config)$/.test(arg)) at += 2;
    else if (/^(?:-p|--profile|--config)=/.test(arg)) at += 1;
    else break;
  }
  return { globals: args.slice(0, at), rest: args.slice(at) };
}
