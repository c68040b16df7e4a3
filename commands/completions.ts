import { type AnyCommand, defineCommand, readFlags } from "../cli/command.ts";
import { loadConfig } from "../cli/config.ts";
import type { Context } from "../cli/context.ts";
import { bashCompletion } from "../cli/completion/bash.ts";
import { fishCompletion } from "../cli/completion/fish.ts";
import { type CompletionTable, completionTable, NAME_KINDS } from "../cli/completion/table.ts";
import { zshCompletion } from "../cli/completion/zsh.ts";
import { CliError, EXIT, UsageError } from "../cli/errors.ts";
import * as flag from "../cli/flags.ts";
import { GLOBAL_FLAGS, splitGlobals } from "../cli/globals.ts";
import type { CommandGroup } from "../cli/help.ts";
import { observe, OBSERVER_FLAGS } from "./client/observer.ts";
import { shellWords } from "../cli/shell_words.ts";
import { ConnectError } from "../client.ts";
import { isRoomName, normalizeName } from "../protocol.ts";

const SHELLS: Readonly<Record<string, (table: CompletionTable) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/** Milliseconds that a hub has to answer while somebody waits for the Tab key. */
const PATIENCE = 400;

/** `bcast completions`; it completes the commands that `groups` gives. */
export function completions(groups: () => readonly CommandGroup[]): AnyCommand {
  return defineCommand({
    name: "completions",
    summary: "Print a completion script for your shell",
    description:
      "Prints a script for your shell that completes commands and flags, and, while a hub " +
      "runs, its rooms and the names of those who are there.\n\n" +
      "For good, put it where your shell looks: at the end of ~/.bashrc, " +
      "source <(bcast completions bash); of ~/.zshrc, after compinit, source <(bcast completions " +
      "zsh); for fish, save it as ~/.config/fish/completions/bcast.fish.",
    positional: { placeholder: Object.keys(SHELLS).join("|"), help: "Your shell" },
    flags: {},
    examples: [
      ["source <(bcast completions bash)", "For this bash; zsh alike"],
      ["bcast completions fish | source", "For this fish"],
    ],
    run: async ({ positional = "" }, { stdout }) => {
      const script = Object.hasOwn(SHELLS, positional) ? SHELLS[positional] : undefined;
      if (script === undefined) {
        throw new UsageError(`Name your shell: bcast completions ${Object.keys(SHELLS).join("|")}`);
      }
      const commands = groups().flatMap((group) => group.commands);
      await stdout.write(script(completionTable(commands)));
      return EXIT.done;
    },
  });
}

const NAME_FLAGS = {
  line: flag.text({ fallback: "", help: "What was typed so far, the program's name first" }),
  patience: flag.integer({ fallback: PATIENCE, help: "Milliseconds that the hub has to answer" }),
};

/** `bcast complete-names`, for the scripts: one name a line, and nothing on any trouble. */
export function completeNames(groups: () => readonly CommandGroup[]): AnyCommand {
  return defineCommand({
    name: "complete-names",
    hidden: true,
    summary: "Name what a value may be",
    description: "For the scripts of bcast completions.",
    positional: { placeholder: NAME_KINDS.join("|"), help: "What to name" },
    flags: NAME_FLAGS,
    examples: [['complete-names rooms --line="bcast connect --room"', "Rooms for this line"]],
    run: async ({ positional, flags }, context) => {
      const all = groups().flatMap(({ commands }) => commands);
      try {
        const names = await namesFor(positional, flags, context, all);
        await context.stdout.write(names.map((name) => name + "\n").join(""));
      } catch (error) {
        // Whoever presses Tab wants no lecture in the middle of a line.
        if (!(error instanceof CliError || error instanceof ConnectError)) throw error;
      }
      return EXIT.done;
    },
  });
}

async function namesFor(
  kind: string | undefined,
  { line, patience }: flag.FlagValues<typeof NAME_FLAGS>,
  context: Context,
  all: readonly AnyCommand[],
): Promise<readonly string[]> {
  const { globals, rest: [name, ...own] } = splitGlobals(shellWords(line).slice(1));
  const command = all.find((each) => each.name === name);
  const typed = readTyped([...globals, ...own], {
    ...command?.flags,
    ...GLOBAL_FLAGS,
    ...OBSERVER_FLAGS,
  });
  if (kind === "profiles") {
    const file = typed.texts("config", GLOBAL_FLAGS.config)?.at(-1) ?? context.env("BCAST_CONFIG");
    return (await loadConfig(file, context, all)).profiles;
  }
  // The other flags may still be half typed.
  const read = await readFlags({ name: name ?? "", flags: OBSERVER_FLAGS }, typed, context, all);
  const takesAddress = command?.positional?.placeholder === "URL";
  const positional = takesAddress ? typed.positionals[0] : undefined;
  await using hub = await observe({ ...read, positional }, { timeout: patience });
  // A hub may be hostile, or broken: what is no name is not offered.
  if (kind === "rooms") {
    return (await hub.rooms()).rooms.map(({ room }) => room).filter(isRoomName);
  }
  return (await hub.people()).people.map((person) => person.name)
    .filter((person) => normalizeName(person) === person);
}

/**
 * A line that is still being typed: flags that are not known, and one at the end that has no value
 * yet, are passed over.
 */
function readTyped(words: readonly string[], flags: flag.Flags): flag.CommandLine {
  const byWord = new Map(
    Object.entries(flags).flatMap(([name, each]) => {
      const long = [flag.flagName(name), each] as const;
      return each.short === undefined ? [long] : [long, [`-${each.short}`, each] as const];
    }),
  );
  const known: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    const [start = "", value] = word.split("=");
    const found = byWord.get(start);
    if (!word.startsWith("-") || found?.kind === "switch") known.push(word);
    else if (found !== undefined) {
      const given = value === undefined ? words[++at] : word.slice(start.length + 1);
      if (given) known.push(`${start}=${given}`);
    }
  }
  return flag.parseCommandLine(known, flags);
}
