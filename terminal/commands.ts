import {
  type ChatActions,
  CommandError,
  CommandTable,
  currentRoom,
  SHARED_COMMANDS,
  type SlashCommand,
} from "../chat/commands.ts";
import { DEFAULT_HISTORY_PAGE, MAX_QUERY_LENGTH, nameKey, normalizeName } from "../protocol.ts";
import { suggestion } from "../lib/words.ts";
import { slashHelp } from "./help.ts";
import { MAX_SHOWN } from "./older_messages.ts";
import { SETTINGS, type TerminalSettings } from "./settings.ts";

/** The actions of the terminal's commands. */
export interface TerminalActions extends ChatActions {
  readonly ignored: readonly string[];
  /** Width of the screen. */
  readonly columns: number;
  /** Whether the screen only prints lines and has no keys. */
  readonly plain: boolean;
  readonly settings: TerminalSettings;
  /** Answers the last private message. */
  reply(text: string): void;
  /** Shows the window with this number, room or `@name`. */
  show(window: string): void;
  listRooms(): void;
  history(room: string, limit: number): void;
  search(room: string, words: string): void;
  /** Shows the messages before those that `history()` or `search()` showed last. */
  older(room: string, limit: number): void;
  ignore(name: string): void;
  unignore(name: string): void;
  away(text: string): void;
  back(): void;
  exportTo(path: string, replace: boolean): void;
  set(settings: Partial<TerminalSettings>): void;
  status(): void;
  note(text: string): void;
  /** Prints several rows. */
  page(rows: readonly string[]): void;
}

const DEFAULT_AWAY_TEXT = "I am away";
const MAX_SHOWN_TEXT = MAX_SHOWN.toLocaleString("en-US");

/** Every slash command of the terminal. */
export const COMMANDS: CommandTable<TerminalActions> = new CommandTable<TerminalActions>([
  ...SHARED_COMMANDS.map((command) =>
    command.name === "msg"
      ? { ...command, more: 'Quote an unknown name that has spaces: /msg "Bob Smith" hi' }
      : command
  ),
  {
    name: "rooms",
    takes: "",
    help: "List your rooms, private conversations and the hub's rooms",
    more: "Alt and its number shows a window. Alt-a shows the next one with news.",
    run: (_argument, actions) => actions.listRooms(),
  },
  {
    name: "window",
    takes: "[N|NAME]",
    help: "Show a window: 12, ops or @Bob",
    more:
      "/rooms lists the numbers. Alt-1 to Alt-9 and Alt-0 show the first ten, Alt-n and Alt-p " +
      "the next and the previous one.",
    completes: "windows",
    run: (name, actions) => name === "" ? actions.listRooms() : actions.show(name),
  },
  {
    name: "reply",
    takes: "TEXT",
    help: "Answer the last private message",
    run: (text, actions) => {
      if (text === "") throw new CommandError("Type an answer: /reply TEXT");
      actions.reply(text);
    },
  },
  {
    name: "history",
    takes: "[N]",
    help: `Show the last N messages (default ${DEFAULT_HISTORY_PAGE})`,
    more: `At most ${MAX_SHOWN_TEXT} at once. /older shows earlier ones, /export FILE writes all.`,
    run: (count, actions) => actions.history(currentRoom(actions), countIn(count, "/history 100")),
  },
  {
    name: "older",
    takes: "[N]",
    help: `Show N earlier messages (default ${DEFAULT_HISTORY_PAGE})`,
    more: "Continues where /history or /search stopped in this room, as often as you like.",
    run: (count, actions) => actions.older(currentRoom(actions), countIn(count, "/older 100")),
  },
  {
    name: "search",
    takes: "WORDS",
    help: "Search the messages of this room",
    more: "Finds messages with all of the words; buil* finds all words that begin with buil.",
    run: (words, actions) => {
      if (!/[\p{L}\p{N}]/u.test(words)) throw new CommandError("Type what to find: /search WORDS");
      if (words.length > MAX_QUERY_LENGTH) {
        throw new CommandError(`Search for at most ${MAX_QUERY_LENGTH} characters`);
      }
      actions.search(currentRoom(actions), words);
    },
  },
  {
    name: "ignore",
    takes: "[NAME]",
    help: "Hide a person, or list hidden people",
    more:
      "Lasts until /unignore or until you leave, because tomorrow another person may have the " +
      "name.",
    completes: "people",
    run: (name, actions) => {
      if (name !== "") return actions.ignore(nameIn(name, "/ignore NAME"));
      const { ignored } = actions;
      actions.note(ignored.length === 0 ? "You ignore no one" : `You ignore ${ignored.join(", ")}`);
    },
  },
  {
    name: "unignore",
    takes: "NAME",
    help: "Show a person again",
    completes: "ignored",
    run: (argument, actions) => {
      const name = nameIn(argument, "/unignore NAME");
      if (!actions.ignored.some((each) => nameKey(each) === nameKey(name))) {
        throw new CommandError(`You do not ignore ${name}`);
      }
      actions.unignore(name);
    },
  },
  {
    name: "away",
    takes: "[TEXT]",
    help: "Answer private messages automatically",
    more: `Each person gets one answer: "Away: TEXT" (default "${DEFAULT_AWAY_TEXT}"). /back or ` +
      "any message of yours ends it.",
    run: (text, actions) => actions.away(text === "" ? DEFAULT_AWAY_TEXT : text),
  },
  {
    name: "back",
    takes: "",
    help: "End /away and show missed messages for you",
    run: (_argument, actions) => actions.back(),
  },
  {
    name: "export",
    takes: "FILE",
    help: "Write the whole conversation to a file",
    more: "As text, JSON lines (.jsonl, .json) or Markdown (.md). An existing file is kept; " +
      "/export! FILE replaces it.",
    forcible: true,
    run: (path, actions, forced) => {
      if (path === "") throw new CommandError("Name a file: /export talk.md");
      if (path.includes("\0")) throw new CommandError("Not a valid file name");
      actions.exportTo(path, forced);
    },
  },
  setting("theme", "Colours for your background"),
  setting("timestamp", "Times before messages"),
  setting("bell", "When to ring"),
  setting("mention", "What mentions you: @name, or your bare name, too"),
  {
    name: "status",
    takes: "",
    help: "Show address, latency and reconnects",
    run: (_argument, actions) => actions.status(),
  },
  {
    name: "help",
    takes: "[COMMAND|all|keys]",
    help: "List the commands, or explain one",
    completes: "help",
    run: (name, actions) => {
      const lines = slashHelp(COMMANDS, name.replace(/^\//, ""), actions);
      if (lines === undefined) throw new CommandError("Unknown command: /help lists all");
      actions.page(lines);
    },
  },
], (name) =>
  suggestion(name, COMMANDS.all.map((each) => each.name), (word) => `/${word}`) ||
  "/help lists all commands.");

/** A command that sets one of a few words; without one, it shows the setting. */
function setting(name: keyof TerminalSettings, help: string): SlashCommand<TerminalActions> {
  const choices: readonly string[] = SETTINGS[name];
  const all = choices.join("|");
  return {
    name,
    takes: `[${all}]`,
    help,
    more: "The setting is remembered.",
    completes: choices,
    run: (word, actions) => {
      if (word === "") {
        return actions.note(`${name} is ${actions.settings[name]}: /${name} ${all}`);
      }
      const choice = word.toLowerCase();
      if (!choices.includes(choice)) throw new CommandError(`Choose one: /${name} ${all}`);
      actions.set({ [name]: choice });
      actions.note(`${name} is now ${choice}`);
    },
  };
}

function countIn(text: string, usage: string): number {
  const count = text === "" ? DEFAULT_HISTORY_PAGE : Number(text.replaceAll(",", ""));
  // Neither `1e3` nor `0x10`.
  if (/^[\d,]*$/.test(text) && count >= 1 && count <= MAX_SHOWN) return count;
  throw new CommandError(`Give a number from 1 to ${MAX_SHOWN_TEXT}: ${usage}`);
}

function nameIn(text: string, usage: string): string {
  const name = normalizeName(text.replace(/^@/, "").replace(/^"(.*)"$/s, "$1"));
  if (name === undefined) throw new CommandError(`Name the person: ${usage}`);
  return name;
}
