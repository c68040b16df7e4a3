import type { AnyCommand } from "./command.ts";
import { type CommandLine, commandLine, flagName, GLOBAL_FLAGS } from "./command_line.ts";
import type { AnyFlag, Flags } from "./flags.ts";

/** A word to offer. */
export interface CompletionCandidate {
  readonly value: string;
  readonly description?: string;
}

/** The values that fit where the cursor is. */
export type ShellCompletion =
  | { readonly kind: "candidates"; readonly candidates: readonly CompletionCandidate[] }
  | { readonly kind: "files" | "dirs" | "none" }
  /** Names that have to be looked up. */
  | { readonly kind: "rooms" | "users" | "bans" | "mutes" | "profiles" };

/** A command line that is being typed. */
export interface CompletionRequest {
  readonly completion: ShellCompletion;
  /** The part of the current word that precedes the value: `--room=`, or `lobby,` of a list. */
  readonly prefix: string;
  /** The part of the current word to complete. */
  readonly partial: string;
  readonly command: AnyCommand | undefined;
  /** The complete flags and arguments so far; unknown flags are skipped. */
  readonly line: CommandLine;
}

const NONE: ShellCompletion = { kind: "none" };

const HELP: CompletionCandidate = { value: "--help", description: "Show help" };

/**
 * Determines what to complete.
 *
 * @param words the words before the current one, without the program's name
 * @param current the current word, up to the cursor
 */
export function completionRequest(
  words: readonly string[],
  current: string,
  commands: readonly AnyCommand[],
): CompletionRequest {
  const shown = commands.filter(({ hidden }) => !hidden);
  const given = new Map<string, string[]>();
  const positionals: string[] = [];
  let command: AnyCommand | undefined;
  let unknown = false;
  let afterDashes = false;
  /** The flag that the next word is the value of. */
  let pending: readonly [string, AnyFlag] | undefined;
  for (const word of words) {
    if (afterDashes) {
      positionals.push(word);
    } else if (pending !== undefined) {
      given.set(pending[0], [...given.get(pending[0]) ?? [], word]);
      pending = undefined;
    } else if (word === "--") {
      afterDashes = true;
    } else if (word.startsWith("-")) {
      const [start = "", value] = splitOnce(word, "=");
      const found = findFlag(start, flagsOf(command));
      if (found === undefined || found[1].kind === "switch") continue;
      if (value === undefined) pending = found;
      else given.set(found[0], [...given.get(found[0]) ?? [], value]);
    } else if (command === undefined) {
      command = shown.find(({ name }) => name === word);
      unknown ||= command === undefined;
    } else if (command.commands !== undefined) {
      command = Object.hasOwn(command.commands, word) ? command.commands[word] : undefined;
      unknown ||= command === undefined;
    } else {
      positionals.push(word);
    }
  }
  const line = commandLine(given, positionals);
  const at = (completion: ShellCompletion, prefix = ""): CompletionRequest => ({
    completion,
    prefix,
    partial: current.slice(prefix.length),
    command,
    line,
  });
  const atValue = ([name, flag]: readonly [string, AnyFlag], prefix: string): CompletionRequest => {
    const text = current.slice(prefix.length);
    if (flag.kind === "list") prefix += text.slice(0, text.lastIndexOf(",") + 1);
    return at(valuesOf(name, flag, command, current.slice(prefix.length)), prefix);
  };
  if (unknown) return at(NONE);
  if (pending !== undefined) return atValue(pending, "");
  if (afterDashes) return at(completeAfterDashes(command, positionals, shown));
  if (current.startsWith("-")) {
    const equals = current.indexOf("=");
    if (equals === -1) return at(flagCandidates(command));
    const found = findFlag(current.slice(0, equals), flagsOf(command));
    if (found === undefined || found[1].kind === "switch") return at(NONE);
    return atValue(found, current.slice(0, equals + 1));
  }
  if (command === undefined) return at(commandCandidates(shown));
  if (command.commands !== undefined) {
    return at(commandCandidates(
      Object.entries(command.commands).map(([name, member]) => ({
        ...member,
        name,
      })),
    ));
  }
  return at(positionals.length === 0 ? argumentValues(command, shown) : NONE);
}

function flagsOf(command: AnyCommand | undefined): Flags {
  return { ...command?.flags, ...GLOBAL_FLAGS };
}

function findFlag(word: string, flags: Flags): readonly [string, AnyFlag] | undefined {
  return Object.entries(flags).find(([name, { short }]) =>
    word === flagName(name) || (short !== undefined && word === `-${short}`)
  );
}

function flagCandidates(command: AnyCommand | undefined): ShellCompletion {
  // A command without flags of its own has no settings.
  const isBare = command !== undefined && Object.keys(command.flags).length === 0;
  const flags = Object.entries(isBare ? {} : flagsOf(command));
  const candidates = flags.flatMap(([name, { help, short }]) => [
    { value: flagName(name), description: help },
    ...short === undefined ? [] : [{ value: `-${short}`, description: help }],
  ]);
  const version = { value: "--version", description: "Show the version" };
  return {
    kind: "candidates",
    candidates: [...candidates, HELP, ...command === undefined ? [version] : []],
  };
}

function commandCandidates(
  commands: readonly Pick<AnyCommand, "name" | "summary">[],
): ShellCompletion {
  return {
    kind: "candidates",
    candidates: commands.map(({ name, summary }) => ({ value: name, description: summary })),
  };
}

function candidates(values: readonly string[]): ShellCompletion {
  return { kind: "candidates", candidates: values.map((value) => ({ value })) };
}

/** The placeholder of a flag tells what its values are. */
function valuesOf(
  name: string,
  { options, placeholder }: AnyFlag,
  command: AnyCommand | undefined,
  partial: string,
): ShellCompletion {
  if (options !== undefined) return candidates(options);
  const isClient = command?.flags["url"] !== undefined;
  switch (placeholder) {
    case "ROOM":
      return isClient ? { kind: "rooms" } : NONE;
    case "NAME":
      // --name is the user's own name, which is not connected yet.
      return isClient && name !== "name" ? { kind: "users" } : NONE;
    case "ROOM=ACCESS": {
      const room = partial.split("=")[0] ?? "";
      return partial.includes("=")
        ? candidates(["read", "read-write", "none"].map((access) => `${room}=${access}`))
        : NONE;
    }
    case "PROFILE":
      return { kind: "profiles" };
    case "FILE":
      return { kind: "files" };
    case "DIR":
      return { kind: "dirs" };
    default:
      return NONE;
  }
}

function argumentValues(
  { name, positional }: AnyCommand,
  commands: readonly AnyCommand[],
): ShellCompletion {
  const placeholder = positional?.placeholder ?? "";
  if (placeholder.includes("|")) return candidates(placeholder.split("|"));
  switch (placeholder) {
    case "COMMAND":
      return commandCandidates(commands);
    case "ROOM":
      return { kind: "rooms" };
    case "NAME":
      if (name === "unban") return { kind: "bans" };
      return { kind: name === "unmute" ? "mutes" : "users" };
    case "FILE":
      return { kind: "files" };
    default:
      return NONE;
  }
}

/** After `--` follow words, a command line to run, or flags of the command that an argument names. */
function completeAfterDashes(
  command: AnyCommand | undefined,
  [first]: readonly string[],
  commands: readonly AnyCommand[],
): ShellCompletion {
  if (command?.words?.afterDashes !== true) return NONE;
  if (command.positional?.placeholder !== "COMMAND") return { kind: "files" };
  const named = commands.find(({ name }) => name === first);
  return named === undefined ? NONE : flagCandidates(named);
}

function splitOnce(text: string, separator: string): readonly [string, string?] {
  const at = text.indexOf(separator);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}
