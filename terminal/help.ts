import { table } from "../cli/text.ts";
import type { SlashCommand } from "./commands.ts";

/** Columns that a list of two columns needs to read well. */
const TWO_COLUMNS = 60;

const KEYS: readonly (readonly [string, string])[] = [
  ["//text", "Say text that begins with a slash"],
  ["Tab", "Complete a command, a name or a room"],
  ["Alt-1 … Alt-9", "Show the room of that number"],
  ["Alt-a", "Show the next room with news"],
];

/**
 * The lines of `/help`, or of `/help NAME`, for a screen of so many columns; `undefined` when there
 * is no such command.
 */
export function slashHelp(
  commands: readonly SlashCommand[],
  name: string,
  columns: number,
): readonly string[] | undefined {
  if (name === "") {
    return rows([...commands.map((each) => [usage(each), each.help] as const), ...KEYS], columns);
  }
  const command = commands.find((each) => each.name === name.toLowerCase());
  if (command === undefined) return undefined;
  return [
    `${usage(command)}: ${command.help}`,
    ...command.more === undefined ? [] : [command.more],
  ];
}

function usage({ name, takes }: SlashCommand): string {
  return `/${name} ${takes}`.trimEnd();
}

function rows(all: readonly (readonly [string, string])[], columns: number): readonly string[] {
  if (columns < TWO_COLUMNS) return all.map(([left, right]) => `${left}: ${right}`);
  // Two columns go to the mark of the line, one stays free.
  const width = Math.min(80, columns) - 3;
  return table(all, { width, indent: 0, maxLeft: 31 }).trimEnd().split("\n");
}
