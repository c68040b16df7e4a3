import type { ChatActions, CommandTable } from "../chat/commands.ts";
import { table } from "../render/table.ts";

/** The commands by topic, one row each in `/help`. */
export const TOPICS: Readonly<Record<string, readonly string[]>> = {
  talk: ["msg", "reply", "me"],
  rooms: ["join", "leave", "rooms", "window"],
  past: ["history", "older", "search"],
  people: ["who", "ignore", "unignore"],
  you: ["nick", "away", "back"],
  looks: ["clear", "theme", "timestamp", "bell", "mention"],
  more: ["export", "status", "help", "quit"],
};

/** Narrower screens get one column. */
const TWO_COLUMNS = 60;

/** Short enough for one row each on a small screen. */
const KEYS: readonly (readonly [string, string])[] = [
  ["Tab", "Complete a command, name or room"],
  ["Up, Down", "Show earlier input"],
  ["Ctrl-R", "Search earlier input"],
  ["Alt-Enter", "Insert a line break"],
  ["Alt-1 … Alt-9, -0", "Show that window"],
  ["Alt-a, Alt-n, Alt-p", "News, next, prev"],
  ["Ctrl-W, Ctrl-U", "Cut a word, all before"],
  ["Ctrl-K, Ctrl-Y", "Cut the rest, paste"],
  ["Ctrl-_, Ctrl-L", "Undo, clear screen"],
  ["Ctrl-Z", "Suspend; fg resumes"],
  ["Ctrl-C", "Clear your text, or leave"],
];

/** The keys of a terminal without escape sequences. */
const PLAIN_KEYS: typeof KEYS = [
  ["Enter", "Send the line; alone: resend returned text"],
  ["Ctrl-D", "Leave, on an empty line"],
  ["Ctrl-C", "Leave"],
];

/**
 * The rows of `/help`, which fit a small screen, `/help all`, `/help keys` or `/help NAME`;
 * `undefined` if there is no such command.
 *
 * @param screen `plain`: whether it only prints lines and has no keys.
 */
export function slashHelp<A extends ChatActions>(
  commands: CommandTable<A>,
  name: string,
  { columns, plain }: { readonly columns: number; readonly plain: boolean },
): readonly string[] | undefined {
  const keys = plain ? PLAIN_KEYS : KEYS;
  switch (name.toLowerCase()) {
    case "":
      return short();
    case "all":
      return rows([
        ...commands.all.map((each) => [usage(each), each.help] as const),
        ["//text", "Send text that begins with a slash"],
        ...keys,
      ], columns);
    case "keys":
      return rows(keys, columns);
  }
  const command = commands.find(name);
  if (command === undefined) return undefined;
  const { aliases = [], help, more } = command;
  const also = aliases.length === 0
    ? ""
    : ` (also ${aliases.map((each) => `/${each}`).join(", ")})`;
  return [`${usage(command)}: ${help}${also}`, ...more === undefined ? [] : [more]];
}

function short(): readonly string[] {
  const width = Math.max(...Object.keys(TOPICS).map((topic) => topic.length)) + 2;
  return [
    ...Object.entries(TOPICS).map(([topic, names]) => {
      return topic.padEnd(width) + names.map((name) => `/${name}`).join(" ");
    }),
    "/help COMMAND explains one, /help all lists all with the keys of /help keys",
  ];
}

function usage({ name, takes }: { readonly name: string; readonly takes: string }): string {
  return `/${name} ${takes}`.trimEnd();
}

function rows(all: readonly (readonly [string, string])[], columns: number): readonly string[] {
  if (columns < TWO_COLUMNS) return all.map(([left, right]) => `${left}: ${right}`);
  // The line's mark takes two columns, and the last one stays free.
  const width = Math.min(80, columns) - 3;
  return table(all, { width, indent: 0, maxLeft: 31 }).trimEnd().split("\n");
}
