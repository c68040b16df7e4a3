import { suggestion } from "../lib/words.ts";
import { foldText, visible } from "../protocol.ts";
import {
  type CommandActions,
  CommandError,
  commandNamed,
  type Completes,
  SLASH_COMMANDS,
  type SlashCommand,
} from "./commands.ts";

/**
 * Does what a typed line says: a command, or a message.
 *
 * @throws {CommandError} when that makes no sense.
 */
export function runLine(line: string, actions: CommandActions): void {
  const trimmed = line.trim();
  if (trimmed === "") return;
  if (isBareQuit(line)) return actions.quit();
  const saying = messageText(line);
  if (saying !== undefined) {
    if (actions.place.kind === "home") throw new CommandError("You are in no room: /join ROOM");
    return actions.say(saying);
  }
  const [, name = "", rest = ""] = /^\/(\S*)\s*(.*)$/s.exec(trimmed) ?? [];
  const { command, forced } = find(name);
  if (command === undefined) {
    const known = SLASH_COMMANDS.map((each) => each.name);
    const hint = suggestion(name, known, (word) => `/${word}`) || "/help lists what there is.";
    throw new CommandError(`Unknown command /${visible(name.slice(0, 40))}. ${hint}`);
  }
  command.run(rest, actions, forced);
}

/** Whether a line says `quit` or `exit` without a slash, which may be meant as a message. */
export function isBareQuit(line: string): boolean {
  return /^(?:quit|exit)\s*$/i.test(line);
}

/** The message that a line is; `undefined` for a command. */
export function messageText(line: string): string | undefined {
  const trimmed = line.trim();
  if (trimmed.startsWith("//")) return trimmed.slice(1);
  return trimmed.startsWith("/") ? undefined : line;
}

function find(
  given: string,
): { readonly command: SlashCommand | undefined; readonly forced: boolean } {
  const forced = given.endsWith("!");
  const command = commandNamed(forced ? given.slice(0, -1) : given);
  return forced && command?.forced !== true ? { command: undefined, forced } : { command, forced };
}

/** Whether a line is a command that says nothing to anybody. */
export function isPrivateCommand(line: string): boolean {
  const [, name] = /^\s*\/([^\s/]+)/.exec(line) ?? [];
  return name !== undefined && find(name).command?.topic !== "talk";
}

/** Whether a line is a command for which the rooms of the hub matter. */
export function namesAnyRoom(line: string): boolean {
  const [, name] = /^\/([^\s/]+) /.exec(line) ?? [];
  return name !== undefined && find(name).command?.completes === "anyRoom";
}

/** What Tab knows. */
export interface KnownWords {
  readonly people: readonly string[];
  readonly rooms: readonly string[];
  readonly windows: readonly string[];
  /** Rooms of the hub, whether one is in them or not. */
  readonly hubRooms?: readonly string[];
  readonly ignored: readonly string[];
}

/** What Tab can make of a line: texts to choose from, and the part that they replace. */
export function completeLine(
  line: string,
  known: KnownWords,
): readonly [candidates: readonly string[], part: string] {
  if (line.startsWith("/") && !line.startsWith("//") && !line.includes(" ")) {
    const all = SLASH_COMMANDS.map(({ name, takes }) => `/${name}${takes === "" ? "" : " "}`);
    return [all.filter((each) => each.startsWith(line.toLowerCase())), line];
  }
  const [, name = "", part] = /^\/([^\s/]+) (.*)$/s.exec(line) ?? [];
  const completes = part === undefined ? undefined : find(name).command?.completes;
  if (completes !== undefined && part !== undefined) {
    // The `@` of a window's name is part of it.
    const signs = completes === "windows" ? "" : "@#";
    const argument = [matching(wordsOf(completes, known), part, " ", signs), part] as const;
    // After the name that `/msg` is for comes text, in which names may stand as well.
    if (argument[0].length > 0 || completes !== "people") return argument;
  }
  // A mention, whose name may have blanks.
  const [, mention] = /(?<![\p{L}\p{N}_])(@[^@\n]{0,32})$/u.exec(line) ?? [];
  if (mention !== undefined) {
    const mentioned = matching(known.people, mention, " ", "@");
    if (mentioned.length > 0) return [mentioned, mention];
  }
  // A name in the middle of a sentence; at its beginning, a colon says who is meant.
  const word = /\S*$/.exec(line)?.[0] ?? "";
  if (word === "") return [[], line];
  return [matching(known.people, word, word === line ? ": " : " "), word];
}

function wordsOf(completes: Completes, known: KnownWords): readonly string[] {
  switch (completes) {
    case "people":
      return known.people;
    case "rooms":
      return known.rooms;
    case "windows":
      return known.windows;
    case "anyRoom":
      return [...new Set([...known.rooms, ...known.hubRooms ?? []])];
    case "ignored":
      return known.ignored;
    case "help":
      return [...SLASH_COMMANDS.map(({ name }) => name), "all", "keys"];
    default:
      return completes;
  }
}

/** `words` that begin with `start`; one of `signs` may stand before it, and stays. */
function matching(
  words: readonly string[],
  start: string,
  end: string,
  signs = "",
): readonly string[] {
  const sign = start !== "" && signs.includes(start.charAt(0)) ? start.charAt(0) : "";
  const key = foldText(start.slice(sign.length));
  return words
    .filter((word) => foldText(word).startsWith(key))
    // Names come from strangers and go to the terminal.
    .map((word) => sign + visible(word) + end);
}
