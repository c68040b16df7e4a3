import {
  type AnyCommand,
  type CommandInput,
  commandsIn,
  defineCommand,
  readFlags,
} from "../cli/command.ts";
import {
  type CompletionCandidate,
  type CompletionRequest,
  completionRequest,
  type ShellCompletion,
} from "../cli/completion.ts";
import { loadConfig } from "../cli/config.ts";
import { GLOBAL_FLAGS } from "../cli/command_line.ts";
import type { Context } from "../cli/context.ts";
import { CliError, EXIT } from "../cli/errors.ts";
import * as flag from "../cli/flags.ts";
import { shellWords } from "../cli/shell.ts";
import { ConnectError } from "../client.ts";
import { isRoomName, normalizeName, visible } from "../protocol.ts";
import { observe, OBSERVER_FLAGS } from "./client/observer.ts";

/** Milliseconds that the user waits for a hub after pressing Tab. */
const PATIENCE = 1000;

const FLAGS = {
  newWord: flag.toggle({ help: "Complete a new word after the given ones" }),
  quoted: flag.toggle({ help: "The words are quoted as in a POSIX shell" }),
  patience: flag.integer({ fallback: PATIENCE, help: "Milliseconds to wait for a hub" }),
};

/**
 * `bcast __complete -- WORDS...`, which the scripts of `bcast completions` call. The words are those
 * after the program's name; the last one is completed.
 *
 * Prints one candidate per line, with a description after a tab, and last a directive:
 * - `:none`            only these candidates
 * - `:files`, `:dirs`  names of files or directories, which the shell completes itself
 *
 * Prints no candidates and no error if anything fails, to keep the line being typed intact.
 */
export const complete = defineCommand({
  name: "__complete",
  hidden: true,
  summary: "Complete a command line",
  description: "For the scripts of bcast completions.",
  words: { placeholder: "WORD...", help: "Command line so far", afterDashes: true },
  flags: FLAGS,
  unconfigured: true,
  examples: [["__complete -- hist", "Complete a command"]],
  run: async (input, context) => {
    const { candidates, directive } = await answer(input, context);
    const lines = candidates.map(({ value, description }) =>
      description === undefined ? value : `${value}\t${description}`
    );
    await context.stdout.write([...lines, directive, ""].join("\n"));
    return EXIT.done;
  },
});

async function answer(
  { flags, words, sections }: CommandInput<typeof FLAGS>,
  context: Context,
): Promise<{ readonly candidates: readonly CompletionCandidate[]; readonly directive: string }> {
  const plain = flags.quoted ? words.map((word) => shellWords(word).join(" ")) : words;
  const all = flags.newWord ? [...plain, ""] : plain;
  const commands = commandsIn(sections);
  const request = completionRequest(all.slice(0, -1), all.at(-1) ?? "", commands);
  const { completion, prefix, partial } = request;
  if (completion.kind === "files" || completion.kind === "dirs") {
    return { candidates: [], directive: `:${completion.kind}` };
  }
  const found = completion.kind === "candidates"
    ? completion.candidates
    : (await lookUp(completion.kind, request, flags.patience, context, commands))
      .map((value) => ({ value }));
  return {
    candidates: found.filter(({ value }) => value.startsWith(partial))
      .map(({ value, ...rest }) => ({ value: prefix + value, ...rest })),
    directive: ":none",
  };
}

type Lookup = Exclude<ShellCompletion["kind"], "candidates" | "files" | "dirs">;

async function lookUp(
  kind: Lookup,
  request: CompletionRequest,
  patience: number,
  context: Context,
  commands: readonly AnyCommand[],
): Promise<readonly string[]> {
  if (kind === "none") return [];
  const { command, line } = request;
  try {
    if (kind === "profiles") {
      const file = line.texts("config", GLOBAL_FLAGS.config)?.at(-1) ??
        context.env("BCAST_CONFIG");
      // A profile's name may hold anything, such as a line feed.
      return (await loadConfig(file, context, commands)).profiles
        .filter((name) => name === visible(name));
    }
    const read = await readFlags(
      { name: command?.name ?? "", flags: OBSERVER_FLAGS },
      line,
      context,
      commands,
    );
    const takesAddress = command?.positional?.placeholder === "URL";
    const positional = takesAddress ? line.positionals[0] : undefined;
    await using hub = await observe({ ...read, positional }, { timeout: patience });
    // A hub may be hostile or broken: only valid names are offered.
    if (kind === "rooms") {
      return (await hub.rooms()).rooms.map(({ room }) => room).filter(isRoomName);
    }
    const names = kind === "users"
      ? (await hub.members()).members.map(({ name }) => name)
      : (await hub.sanctions()).measures.filter((each) => `${each.kind}s` === kind)
        .flatMap(({ name }) => name ?? []);
    return names.filter((name) => normalizeName(name) === name);
  } catch (error) {
    if (error instanceof CliError || error instanceof ConnectError) return [];
    throw error;
  }
}
