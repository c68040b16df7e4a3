import type { KnownWords } from "../chat/commands.ts";
import { completionAt, matching } from "../chat/completion.ts";
import { visible } from "../protocol.ts";
import { COMMANDS } from "./commands.ts";
import { TOPICS } from "./help.ts";

/** The texts that Tab offers for a line, and the end of the line that they replace. */
export function completeLine(
  line: string,
  known: KnownWords,
): readonly [candidates: readonly string[], part: string] {
  const help = [...COMMANDS.all.map(({ name }) => name), "all", "keys"];
  const found = completionAt(line, { ...known, help }, COMMANDS);
  if (found !== undefined) {
    // Names come from strangers and go to the terminal.
    return [found.choices.map(({ insert }) => visible(insert)), line.slice(found.from)];
  }
  const [word = ""] = /\S*$/.exec(line) ?? [];
  if (word === "") return [[], line];
  // Text, in which names may occur, follows commands that take it, but no argument of others.
  const completes = commandIn(line)?.completes;
  if (line.includes(" ") && completes !== undefined && completes !== "people") return [[], word];
  // At the beginning of a sentence, a colon says who is meant.
  const end = word === line ? ": " : " ";
  return [matching(known.people, word).map((name) => visible(name) + end), word];
}

/** Whether the hub's list of rooms is needed to complete a line. */
export function needsRoomDirectory(line: string): boolean {
  return line.includes(" ") && commandIn(line)?.completes === "anyRoom";
}

/** Whether a line is a command that sends nothing to others. */
export function isPrivateCommand(line: string): boolean {
  const { name = "" } = commandIn(line.trimStart()) ?? {};
  return /^\s*\/[^\s/]/.test(line) && TOPICS["talk"]?.includes(name) === false;
}

function commandIn(line: string): (typeof COMMANDS.all)[number] | undefined {
  const [, name] = /^\/([^\s/]+)/.exec(line) ?? [];
  return name === undefined ? undefined : COMMANDS.find(name);
}
