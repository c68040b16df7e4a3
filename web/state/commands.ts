import { splitName } from "../../chat/names.ts";
import { isRoomName, normalizeName } from "../../protocol.ts";

/** What a slash command can do. */
export interface CommandActions {
  /** The room on the screen, if it is one. */
  readonly room: string | undefined;
  readonly rooms: readonly {
    readonly room: string;
    readonly online: number;
    /** Whether the hub has removed the user from it. */
    readonly gone?: boolean;
  }[];
  readonly people: readonly string[];
  say(text: string, action: boolean): void;
  whisper(to: string, text: string): void;
  join(room: string): void;
  leave(room: string): void;
  rename(name: string): void;
  who(room: string): void;
  search(query: string): void;
  clear(): void;
  save(format: string): void;
  help(): void;
  note(text: string): void;
  quit(): void;
}

/** One slash command. */
export interface ChatCommand {
  readonly name: string;
  /** What other chats call it. */
  readonly aliases?: readonly string[];
  /** What comes after it, as the help shows it. */
  readonly takes: string;
  readonly help: string;
  readonly completes?: "people" | "rooms";
  readonly run: (rest: string, actions: CommandActions) => void;
}

/** Says what is wrong with a line; shown to whoever typed it, who keeps the line. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}

const ROOM_RULE = "A room is 1 to 64 of a-z 0-9 . _ - and starts with a letter or digit";

/** Every slash command; the help and the completion are made from it. */
export const COMMANDS: readonly ChatCommand[] = [
  {
    name: "msg",
    aliases: ["pm", "w"],
    takes: "NAME TEXT",
    help: "Say something to one person alone",
    completes: "people",
    run: (rest, actions) => {
      const [to, text] = splitName(rest, actions.people);
      if (to === "" || text === "") throw new CommandError("Say whom and what: /msg NAME TEXT");
      actions.whisper(to, text);
    },
  },
  {
    name: "me",
    takes: "ACTION",
    help: "Say what you do: /me waves",
    run: (rest, actions) => {
      if (rest === "") throw new CommandError("Say what you do: /me waves");
      actions.say(rest, true);
    },
  },
  {
    name: "nick",
    aliases: ["name"],
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
    name: "join",
    takes: "ROOM",
    help: "Enter a room",
    completes: "rooms",
    run: (rest, actions) => actions.join(roomIn(rest)),
  },
  {
    name: "leave",
    takes: "[ROOM]",
    help: "Leave this room or another",
    completes: "rooms",
    run: (rest, actions) => {
      const room = rest === "" ? here(actions) : roomIn(rest);
      if (!actions.rooms.some((each) => each.room === room)) {
        throw new CommandError(`You are not in #${room}`);
      }
      actions.leave(room);
    },
  },
  {
    name: "rooms",
    takes: "",
    help: "The rooms you are in",
    run: (_rest, actions) => {
      const present = actions.rooms.filter(({ gone }) => gone !== true);
      if (present.length === 0) throw new CommandError("You are in no room: /join ROOM");
      const rooms = present.map(({ room, online }) => `#${room} (${online} online)`);
      actions.note(`You are in ${rooms.join(", ")}`);
    },
  },
  {
    name: "who",
    aliases: ["users"],
    takes: "[ROOM]",
    help: "Who is here",
    completes: "rooms",
    run: (rest, actions) => actions.who(rest === "" ? here(actions) : roomIn(rest)),
  },
  {
    name: "search",
    takes: "[WORDS]",
    help: "Search this room",
    run: (rest, actions) => {
      here(actions);
      actions.search(rest);
    },
  },
  { name: "clear", takes: "", help: "Clear the view", run: (_rest, actions) => actions.clear() },
  {
    name: "export",
    takes: "[FORMAT]",
    help: "Save the conversation as text, json or markdown",
    run: (rest, actions) => actions.save(rest === "" ? "text" : rest.toLowerCase()),
  },
  { name: "help", takes: "", help: "Commands and shortcuts", run: (_rest, a) => a.help() },
  {
    name: "quit",
    aliases: ["exit", "q"],
    takes: "",
    help: "Disconnect",
    run: (_rest, a) => a.quit(),
  },
];

/**
 * Does what a line says: a command, or a message.
 *
 * @throws {CommandError} when that makes no sense.
 */
export function runLine(line: string, actions: CommandActions): void {
  const trimmed = line.trim();
  if (trimmed === "") return;
  if (/^(?:quit|exit)\s*$/i.test(line)) {
    throw new CommandError("To disconnect, type /quit. To say it, put a space before it");
  }
  if (!trimmed.startsWith("/")) return actions.say(line.trimEnd(), false);
  if (trimmed.startsWith("//")) return actions.say(trimmed.slice(1), false);
  const [, name = "", rest = ""] = /^\/(\S*)\s*(.*)$/s.exec(trimmed) ?? [];
  const command = commandNamed(name);
  if (command === undefined) {
    throw new CommandError(
      `There is no command /${name.slice(0, 40)}: /help lists them; // begins a text with a slash`,
    );
  }
  command.run(rest, actions);
}

/** The command of that name, or of that name in another chat. */
export function commandNamed(name: string): ChatCommand | undefined {
  const wanted = name.toLowerCase();
  return COMMANDS.find((each) => each.name === wanted || each.aliases?.includes(wanted) === true);
}

function here({ room }: CommandActions): string {
  if (room === undefined) throw new CommandError("This is no room: say which one, or go to one");
  return room;
}

/** The room that `text` names. */
export function roomIn(text: string): string {
  const room = text.trim().replace(/^#/, "").toLowerCase();
  if (isRoomName(room)) return room;
  throw new CommandError(ROOM_RULE);
}
