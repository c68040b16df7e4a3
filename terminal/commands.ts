import {
  DEFAULT_HISTORY_PAGE,
  isRoomName,
  MAX_QUERY_LENGTH,
  nameKey,
  normalizeName,
} from "../protocol.ts";
import { splitName } from "../chat/names.ts";
import { slashHelp, type Topic } from "./help.ts";
import { MAX_SHOWN } from "./older_messages.ts";
import { SETTINGS, type TerminalSettings } from "./settings.ts";
import type { WindowPlace } from "./windows.ts";

/** What a slash command can do. */
export interface CommandActions {
  /** Where one is. */
  readonly place: WindowPlace;
  /** Rooms that one is in, or wants to be in. */
  readonly rooms: readonly string[];
  /** People with whom one talks in private. */
  readonly privates: readonly string[];
  /** Everybody whose name is known; those who spoke last first. */
  readonly people: readonly string[];
  readonly ignored: readonly string[];
  /** Width of the screen. */
  readonly columns: number;
  /** Whether the screen only takes and shows lines, and knows no keys. */
  readonly plain: boolean;
  /** Says something where one is. */
  say(text: string, how?: "action"): void;
  whisper(to: string, text: string): void;
  /** Says something to whoever wrote in private last. */
  reply(text: string): void;
  /** Shows the private conversation with somebody. */
  openPrivate(name: string): void;
  join(room: string): void;
  leave(place: WindowPlace): void;
  /** Shows the window of a number, a room or a person (`@Bob`). */
  show(window: string): void;
  /** The windows as {@linkcode show} takes them. */
  readonly windows: readonly string[];
  listRooms(): void;
  rename(name: string): void;
  who(room: string): void;
  history(room: string, limit: number): void;
  search(room: string, words: string): void;
  /** Shows what came before what `history()` or `search()` showed last. */
  older(room: string, limit: number): void;
  ignore(name: string): void;
  unignore(name: string): void;
  away(text: string): void;
  back(): void;
  exportTo(path: string, replace: boolean): void;
  clear(): void;
  set(settings: Partial<TerminalSettings>): void;
  readonly settings: TerminalSettings;
  status(): void;
  /** Shows a line of the program's own. */
  note(text: string): void;
  /** Shows several. */
  page(rows: readonly string[]): void;
  quit(): void;
}

/** What Tab completes: names, rooms, commands, or a few words. */
export type Completes =
  | "people"
  | "rooms"
  | "anyRoom"
  | "windows"
  | "ignored"
  | "help"
  | readonly string[];

/** One slash command. */
export interface SlashCommand {
  readonly name: string;
  /** What other chats call it. */
  readonly aliases?: readonly string[];
  /** Where the help has it. */
  readonly topic: Topic;
  /** What comes after it, as the help shows it. */
  readonly takes: string;
  readonly help: string;
  /** What `/help` says of it alone, beside that. */
  readonly more?: string;
  readonly completes?: Completes;
  /** Whether it may be written with a `!` at its end. */
  readonly forced?: true;
  readonly run: (rest: string, actions: CommandActions, forced: boolean) => void;
}

/** Says what is wrong with a line; told to whoever typed it. */
export class CommandError extends Error {
  override readonly name = "LineError";
}

const AWAY = "I am away";

/** Every slash command; `/help` and Tab are made from it. */
export const SLASH_COMMANDS: readonly SlashCommand[] = [
  {
    name: "join",
    topic: "rooms",
    takes: "ROOM",
    help: "Enter a room, or show another one you are in",
    completes: "anyRoom",
    run: (rest, actions) => actions.join(roomIn(rest, "/join ROOM")),
  },
  {
    name: "leave",
    topic: "rooms",
    takes: "[ROOM]",
    help: "Leave this room, or end this private talk",
    completes: "rooms",
    run: (rest, actions) => {
      const place = rest === "" ? actions.place : placeIn(rest);
      if (place.kind === "home") throw new CommandError("You are in no room: /join ROOM");
      if (place.kind === "room" && !actions.rooms.includes(place.room)) {
        throw new CommandError(`You are not in ${place.room}`);
      }
      actions.leave(place);
    },
  },
  {
    name: "rooms",
    topic: "rooms",
    takes: "",
    help: "Your rooms and private talks, and the hub's rooms",
    more: "Alt and the number shows one; Alt-a goes to the next in which something happened.",
    run: (_rest, actions) => actions.listRooms(),
  },
  {
    name: "window",
    topic: "rooms",
    takes: "[N|NAME]",
    help: "Show a window: 12, ops or @Bob",
    more:
      "/rooms lists the numbers. Alt-1 to Alt-9 and Alt-0 show the first ten; Alt-n and Alt-p " +
      "the next and the previous one.",
    completes: "windows",
    run: (rest, actions) => rest === "" ? actions.listRooms() : actions.show(rest),
  },
  {
    name: "msg",
    aliases: ["pm", "w"],
    topic: "talk",
    takes: "NAME [TEXT]",
    help: "Talk to one person alone",
    more: 'A name with blanks that is not known goes in quotes: /msg "Bob Smith" hi',
    completes: "people",
    run: (rest, actions) => {
      const [to, text] = splitName(rest, actions.people);
      if (to === "") throw new CommandError("Say to whom: /msg NAME TEXT");
      if (normalizeName(to) === undefined) {
        throw new CommandError(`Nobody can be called that: ${to}`);
      }
      if (text === "") actions.openPrivate(to);
      else actions.whisper(to, text);
    },
  },
  {
    name: "reply",
    topic: "talk",
    takes: "TEXT",
    help: "Answer whoever wrote to you alone last",
    run: (rest, actions) => {
      if (rest === "") throw new CommandError("Say what to answer: /reply TEXT");
      actions.reply(rest);
    },
  },
  {
    name: "me",
    topic: "talk",
    takes: "ACTION",
    help: "Say what you do: /me waves",
    run: (rest, actions) => {
      if (rest === "") throw new CommandError("Say what you do: /me waves");
      actions.say(rest, "action");
    },
  },
  {
    name: "who",
    aliases: ["users"],
    topic: "people",
    takes: "[ROOM]",
    help: "Who is here",
    completes: "anyRoom",
    run: (rest, actions) => actions.who(rest === "" ? here(actions) : roomIn(rest, "/who ROOM")),
  },
  {
    name: "nick",
    aliases: ["name"],
    topic: "you",
    takes: "NAME",
    help: "Change your name",
    run: (rest, actions) => {
      const name = normalizeName(rest);
      if (name === undefined) {
        throw new CommandError("A name has 1 to 32 visible characters without / @ # : /nick NAME");
      }
      actions.rename(name);
    },
  },
  {
    name: "history",
    topic: "past",
    takes: "[N]",
    help: `Show the last ${DEFAULT_HISTORY_PAGE} messages, or N`,
    more: `At most ${MAX_SHOWN.toLocaleString("en-US")} at once; /older shows those before, ` +
      "/export FILE writes all.",
    run: (rest, actions) => actions.history(here(actions), countIn(rest, "/history 100")),
  },
  {
    name: "older",
    topic: "past",
    takes: "[N]",
    help: `Show the ${DEFAULT_HISTORY_PAGE} messages before that, or N`,
    more: "Goes on from what /history or /search showed last in this room, again and again.",
    run: (rest, actions) => actions.older(here(actions), countIn(rest, "/older 100")),
  },
  {
    name: "search",
    topic: "past",
    takes: "WORDS",
    help: "Find what was said in this room",
    more: "Finds messages with all of the words; a word that ends in * may go on.",
    run: (rest, actions) => {
      if (!/[\p{L}\p{N}]/u.test(rest)) {
        throw new CommandError("Say what to look for: /search WORDS");
      }
      if (rest.length > MAX_QUERY_LENGTH) {
        throw new CommandError(`Look for at most ${MAX_QUERY_LENGTH} characters`);
      }
      actions.search(here(actions), rest);
    },
  },
  {
    name: "ignore",
    topic: "people",
    takes: "[NAME]",
    help: "See nothing of a person, or list whom",
    more: "Lasts until /unignore or until you leave: names are nobody's property, and tomorrow " +
      "somebody else may have this one.",
    completes: "people",
    run: (rest, actions) => {
      if (rest !== "") return actions.ignore(nameIn(rest, "/ignore NAME"));
      const { ignored } = actions;
      actions.note(ignored.length === 0 ? "You ignore nobody" : `You ignore ${ignored.join(", ")}`);
    },
  },
  {
    name: "unignore",
    topic: "people",
    takes: "NAME",
    help: "See a person again",
    completes: "ignored",
    run: (rest, actions) => {
      const name = nameIn(rest, "/unignore NAME");
      if (!actions.ignored.some((each) => nameKey(each) === nameKey(name))) {
        throw new CommandError(`You do not ignore ${name}`);
      }
      actions.unignore(name);
    },
  },
  {
    name: "away",
    topic: "you",
    takes: "[TEXT]",
    help: "Let private messages be answered",
    more:
      `Each person is answered once, with "Away: ${AWAY}" unless you say what. /back or saying ` +
      "anything ends it.",
    run: (rest, actions) => actions.away(rest === "" ? AWAY : rest),
  },
  {
    name: "back",
    topic: "you",
    takes: "",
    help: "Be back, and hear what was for you",
    run: (_rest, actions) => actions.back(),
  },
  {
    name: "export",
    topic: "more",
    takes: "FILE",
    help: "Write all that was said here into a file",
    more: "As text, as JSON lines (.jsonl, .json) or as Markdown (.md). A file that is there is " +
      "left alone; /export! FILE replaces it.",
    forced: true,
    run: (rest, actions, forced) => {
      if (rest === "") throw new CommandError("Say into which file: /export talk.md");
      if (rest.includes("\0")) throw new CommandError("No file can be called that");
      actions.exportTo(rest, forced);
    },
  },
  {
    name: "clear",
    topic: "looks",
    takes: "",
    help: "Empty the screen",
    run: (_rest, actions) => actions.clear(),
  },
  setting("theme", "theme", "Colours for your background"),
  setting("timestamp", "timestamp", "What stands before messages"),
  setting("bell", "bell", "When to ring"),
  setting("mention", "mention", "What mentions you: @name, or the bare name, too"),
  {
    name: "status",
    topic: "more",
    takes: "",
    help: "Address, latency, what was missed",
    run: (_rest, actions) => actions.status(),
  },
  {
    name: "help",
    topic: "more",
    takes: "[COMMAND|all|keys]",
    help: "What there is, or more about a command",
    completes: "help",
    run: (rest, actions) => {
      const lines = slashHelp(SLASH_COMMANDS, rest.replace(/^\//, ""), actions);
      if (lines === undefined) throw new CommandError("There is no such command: /help lists them");
      actions.page(lines);
    },
  },
  {
    name: "quit",
    aliases: ["exit", "q"],
    topic: "more",
    takes: "",
    help: "Leave",
    run: (_rest, a) => a.quit(),
  },
];

/** The command of that name, or of that name in another chat. */
export function commandNamed(name: string): SlashCommand | undefined {
  const wanted = name.toLowerCase();
  return SLASH_COMMANDS.find((each) =>
    each.name === wanted || each.aliases?.includes(wanted) === true
  );
}

/** A command that sets one of a few words, and without one tells which is set. */
function setting<K extends keyof TerminalSettings>(name: K, field: K, help: string): SlashCommand {
  const choices: readonly TerminalSettings[K][] = SETTINGS[field];
  const all = choices.join("|");
  return {
    name,
    topic: "looks",
    takes: `[${all}]`,
    help,
    more: "It is remembered for the next time.",
    completes: choices,
    run: (rest, actions) => {
      if (rest === "") {
        return actions.note(`${name} is ${actions.settings[field]}: /${name} ${all}`);
      }
      const choice = choices.find((each) => each === rest.toLowerCase());
      if (choice === undefined) throw new CommandError(`Say which: /${name} ${all}`);
      actions.set({ [field]: choice });
      actions.note(`${name} is ${choice} now`);
    },
  };
}

function here({ place }: CommandActions): string {
  if (place.kind === "room") return place.room;
  throw new CommandError(
    place.kind === "home" ? "You are in no room: /join ROOM" : "That is for rooms, this is private",
  );
}

function countIn(text: string, usage: string): number {
  const count = text === "" ? DEFAULT_HISTORY_PAGE : Number(text.replaceAll(",", ""));
  // Neither `1e3` nor `0x10`.
  if (/^[\d,]*$/.test(text) && count >= 1 && count <= MAX_SHOWN) return count;
  throw new CommandError(`Say how many, from 1 to ${MAX_SHOWN.toLocaleString("en-US")}: ${usage}`);
}

function placeIn(text: string): WindowPlace {
  return text.startsWith("@")
    ? { kind: "private", name: text.slice(1) }
    : { kind: "room", room: roomIn(text, "/leave ROOM") };
}

function roomIn(text: string, usage: string): string {
  const room = text.trim().replace(/^#/, "").toLowerCase();
  if (isRoomName(room)) return room;
  throw new CommandError(
    `A room is 1 to 64 of a-z 0-9 . _ - and starts with a letter or digit: ${usage}`,
  );
}

function nameIn(text: string, usage: string): string {
  const name = normalizeName(text.replace(/^@/, "").replace(/^"(.*)"$/s, "$1"));
  if (name === undefined) throw new CommandError(`Say whom: ${usage}`);
  return name;
}
