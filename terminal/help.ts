import { table } from "../render/table.ts";
import type { SlashCommand } from "./commands.ts";

/** Columns that a list of two columns needs to read well. */
const TWO_COLUMNS = 60;

/** What the commands are about, in the order of the help; each is on one row of it. */
export const TOPICS = ["talk", "rooms", "past", "people", "you", "looks", "more"] as const;

/** One of {@linkcode TOPICS}. */
export type Topic = (typeof TOPICS)[number];

/** In so few words that a small screen has a row for each. */
const KEYS: readonly (readonly [string, string])[] = [
  ["Tab", "Complete a command, name or room"],
  ["Up, Down", "What you sent before"],
  ["Ctrl-R", "Search what you sent before"],
  ["Alt-Enter", "Another line in your text"],
  ["Alt-1 … Alt-9, -0", "Show that room"],
  ["Alt-a, Alt-n, Alt-p", "News, next, prior"],
  ["Ctrl-W, Ctrl-U", "Cut a word, all before"],
  ["Ctrl-K, Ctrl-Y", "Cut the rest, paste"],
  ["Ctrl-_, Ctrl-L", "Undo, empty screen"],
  ["Ctrl-Z", "To the shell; fg comes back"],
  ["Ctrl-C", "Clear your text, or leave"],
];

/** Those of a terminal that takes and shows lines. */
const PLAIN_KEYS: typeof KEYS = [
  ["Enter", "Send the line; alone: what you have back"],
  ["Ctrl-D", "Leave, on an empty line"],
  ["Ctrl-C", "Leave"],
];

/** What a screen is like. */
export interface HelpScreen {
  readonly columns: number;
  /** Whether it only takes and shows lines. */
  readonly plain: boolean;
}

/**
 * The lines of `/help`, which fit a small screen; of `/help all`, `/help keys` or `/help NAME`. For a
 * screen like that; `undefined` when there is no such command.
 */
export function slashHelp(
  commands: readonly SlashCommand[],
  name: string,
  { columns, plain }: HelpScreen,
): readonly string[] | undefined {
  const keys = plain ? PLAIN_KEYS : KEYS;
  switch (name.toLowerCase()) {
    case "":
      return short(commands);
    case "all":
      return rows([
        ...commands.map((each) => [usage(each), each.help] as const),
        ["//text", "Say text that begins with a slash"],
        ...keys,
      ], columns);
    case "keys":
      return rows(keys, columns);
  }
  const command = commands.find(({ name: own, aliases }) =>
    own === name.toLowerCase() || aliases?.includes(name.toLowerCase()) === true
  );
  if (command === undefined) return undefined;
  const { aliases = [], help, more } = command;
  const also = aliases.length === 0
    ? ""
    : ` (also ${aliases.map((each) => `/${each}`).join(", ")})`;
  return [`${usage(command)}: ${help}${also}`, ...more === undefined ? [] : [more]];
}

function short(commands: readonly SlashCommand[]): readonly string[] {
  const width = Math.max(...TOPICS.map((topic) => topic.length)) + 2;
  return [
    ...TOPICS.map((topic) => {
      const names = commands.filter((each) => each.topic === topic).map((each) => `/${each.name}`);
      return topic.padEnd(width) + names.join(" ");
    }),
    "/help COMMAND tells more about one; there are /help all and /help keys, too",
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
