import { suggestion, table } from "../cli/text.ts";
import type { Content } from "../protocol.ts";
import {
  DEFAULT_HISTORY_PAGE,
  isRoomName,
  MAX_HISTORY_PAGE,
  nameKey,
  normalizeName,
  visible,
} from "../protocol.ts";

/** What a slash command can do. */
export interface Actions {
  /** The room that is spoken in. */
  readonly room: string | undefined;
  /** All rooms one is in, and how many people are in each. */
  readonly rooms: readonly { readonly room: string; readonly online: number }[];
  /** Everybody whose name is known. */
  readonly people: readonly string[];
  say(content: Content, kind?: "action"): void;
  whisper(to: string, content: Content): void;
  join(room: string): void;
  leave(room: string): void;
  rename(name: string): void;
  who(room: string): void;
  history(room: string, limit: number): void;
  /** Shows a line of the program's own; or several. */
  note(text: string): void;
  quit(): void;
}

/** One slash command. */
export interface SlashCommand {
  readonly name: string;
  /** What comes after it, as the help shows it. */
  readonly takes: string;
  readonly help: string;
  /** What Tab completes after it. */
  readonly completes?: "people" | "rooms";
  readonly run: (rest: string, actions: Actions) => void;
}

/** Says what is wrong with a line; told to whoever typed it. */
export class LineError extends Error {
  override readonly name = "LineError";
}

/** Every slash command; `/help` and Tab are made from it. */
export const SLASH_COMMANDS: readonly SlashCommand[] = [
  {
    name: "msg",
    takes: "NAME TEXT",
    help: "Say something to one person alone",
    completes: "people",
    run: (rest, actions) => {
      const [to, text] = splitName(rest, actions.people);
      if (to === "" || text === "") throw new LineError("Say whom and what: /msg NAME TEXT");
      actions.whisper(to, { message: text });
    },
  },
  {
    name: "me",
    takes: "ACTION",
    help: "Say what you do: /me waves",
    run: (rest, actions) => {
      if (rest === "") throw new LineError("Say what you do: /me waves");
      actions.say({ message: rest }, "action");
    },
  },
  {
    name: "nick",
    takes: "NAME",
    help: "Change your name",
    run: (rest, actions) => {
      const name = normalizeName(rest);
      if (name === undefined) {
        throw new LineError("A name has 1 to 32 visible characters without / @ # : /nick NAME");
      }
      actions.rename(name);
    },
  },
  {
    name: "join",
    takes: "ROOM",
    help: "Enter a room, or speak in another one you are in",
    completes: "rooms",
    run: (rest, actions) => actions.join(roomIn(rest, "/join ROOM")),
  },
  {
    name: "leave",
    takes: "[ROOM]",
    help: "Leave this room or another",
    completes: "rooms",
    run: (rest, actions) => {
      const room = rest === "" ? here(actions) : roomIn(rest, "/leave ROOM");
      if (!actions.rooms.some((each) => each.room === room)) {
        throw new LineError(`You are not in ${room}`);
      }
      actions.leave(room);
    },
  },
  {
    name: "rooms",
    takes: "",
    help: "The rooms you are in",
    run: (_rest, actions) => {
      if (actions.rooms.length === 0) throw new LineError("You are in no room: /join ROOM");
      for (const { room, online } of actions.rooms) {
        const mark = room === actions.room ? ", where you speak" : "";
        actions.note(`${room} (${online} online${mark})`);
      }
    },
  },
  {
    name: "who",
    takes: "[ROOM]",
    help: "Who is here",
    completes: "rooms",
    run: (rest, actions) => actions.who(rest === "" ? here(actions) : roomIn(rest, "/who ROOM")),
  },
  {
    name: "history",
    takes: "[N]",
    help: `Show the last ${DEFAULT_HISTORY_PAGE} messages, or N`,
    run: (rest, actions) => {
      const limit = rest === "" ? DEFAULT_HISTORY_PAGE : Number(rest);
      if (!Number.isInteger(limit) || limit < 1 || limit > MAX_HISTORY_PAGE) {
        throw new LineError(`Say how many, from 1 to ${MAX_HISTORY_PAGE}: /history 100`);
      }
      actions.history(here(actions), limit);
    },
  },
  {
    name: "help",
    takes: "",
    help: "This list",
    run: (_rest, actions) => slashHelp().forEach((line) => actions.note(line)),
  },
  { name: "quit", takes: "", help: "Leave; so do quit and exit", run: (_rest, a) => a.quit() },
];

/** The lines of `/help`. */
export function slashHelp(): readonly string[] {
  const rows = SLASH_COMMANDS.map(({ name, takes, help }) =>
    [`/${name} ${takes}`.trimEnd(), help] as const
  );
  return table([...rows, ["//text", "Say text that begins with a slash"]], {
    width: 70,
    indent: 0,
  }).trimEnd().split("\n");
}

/**
 * Does what a typed line says: a command, or a message to the room.
 *
 * @throws {LineError} when that makes no sense.
 */
export function runLine(line: string, actions: Actions): void {
  const trimmed = line.trim();
  if (trimmed === "") return;
  if (trimmed === "quit" || trimmed === "exit") return actions.quit();
  if (!trimmed.startsWith("/")) {
    here(actions);
    return actions.say({ message: line });
  }
  if (trimmed.startsWith("//")) {
    here(actions);
    return actions.say({ message: trimmed.slice(1) });
  }
  const [, name = "", rest = ""] = /^\/(\S*)\s*(.*)$/s.exec(trimmed) ?? [];
  const command = SLASH_COMMANDS.find((each) => each.name === name.toLowerCase());
  if (command === undefined) {
    const known = SLASH_COMMANDS.map((each) => each.name);
    const hint = suggestion(name, known, (word) => `/${word}`) || "/help lists what there is.";
    throw new LineError(`Unknown command /${visible(name.slice(0, 40))}. ${hint}`);
  }
  command.run(rest, actions);
}

/** What Tab can make of a line: whole lines to choose from, and the part that they replace. */
export function completeLine(
  line: string,
  known: { readonly people: readonly string[]; readonly rooms: readonly string[] },
): readonly [candidates: readonly string[], part: string] {
  if (line.startsWith("/") && !line.includes(" ")) {
    const all = SLASH_COMMANDS.map(({ name, takes }) => `/${name}${takes === "" ? "" : " "}`);
    return [all.filter((each) => each.startsWith(line.toLowerCase())), line];
  }
  const [, name, part] = /^\/(\S+) (.*)$/.exec(line) ?? [];
  if (name !== undefined && part !== undefined) {
    const kind = SLASH_COMMANDS.find((each) => each.name === name)?.completes;
    if (kind !== undefined) return [matching(known[kind], part, " "), part];
  }
  // A name in the middle of a sentence; at its beginning, a colon says who is meant.
  const word = /\S*$/.exec(line)?.[0] ?? "";
  if (word === "") return [[], line];
  const end = word === line ? ": " : " ";
  return [matching(known.people, word, end), word];
}

function matching(words: readonly string[], start: string, end: string): readonly string[] {
  const key = start.toLowerCase();
  return words
    .filter((word) => word.toLowerCase().startsWith(key))
    // Names come from strangers and go to the terminal.
    .map((word) => visible(word) + end);
}

function here({ room }: Actions): string {
  if (room === undefined) throw new LineError("You are in no room: /join ROOM");
  return room;
}

function roomIn(text: string, usage: string): string {
  const room = text.trim().replace(/^#/, "").toLowerCase();
  if (isRoomName(room)) return room;
  throw new LineError(
    `A room is 1 to 64 of a-z 0-9 . _ - and starts with a letter or digit: ${usage}`,
  );
}

/** Takes a name off the front: in quotes, or the longest one known, or the first word. */
function splitName(text: string, people: readonly string[]): readonly [name: string, rest: string] {
  const quoted = /^"([^"]+)"\s*(.*)$/s.exec(text);
  if (quoted !== null) return [quoted[1] ?? "", quoted[2] ?? ""];
  const key = nameKey(text);
  const known = people
    .filter((name) => key.startsWith(`${nameKey(name)} `) && text.charAt(name.length) === " ")
    .sort((a, b) => b.length - a.length)[0];
  if (known !== undefined) return [known, text.slice(known.length).trim()];
  const [, word = "", rest = ""] = /^(\S+)\s*(.*)$/s.exec(text) ?? [];
  return [word, rest];
}
