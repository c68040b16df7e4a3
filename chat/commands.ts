/**
 * Slash commands: how a typed line is understood in the terminal and in the web page. Commands with
 * the same meaning in both are here; each adds its own.
 *
 * @module
 */

import { isRoomName, nameKey, normalizeName, visible } from "../protocol.ts";
import { splitName } from "./names.ts";

/** The conversation on the screen; `home` while there is none. */
export type Place =
  | { readonly kind: "home" }
  | { readonly kind: "room"; readonly room: string }
  | { readonly kind: "private"; readonly name: string };

/** The actions of the shared commands. */
export interface ChatActions {
  readonly place: Place;
  /** Rooms the user is in, or is joining. */
  readonly rooms: readonly string[];
  /** The other people of the private conversations. */
  readonly privates: readonly string[];
  /** All names that are known. */
  readonly people: readonly string[];
  /** Sends a message to the current place. */
  say(text: string, kind?: "action"): void;
  sendPrivate(to: string, text: string): void;
  openPrivate(name: string): void;
  join(room: string): void;
  leave(place: Place): void;
  rename(name: string): void;
  who(room: string): void;
  clear(): void;
  quit(): void;
}

/** Words that completion knows, or a fixed choice. */
export type WordList = keyof KnownWords | readonly string[];

/** The names that completion knows. Absent lists are empty. */
export interface KnownWords {
  readonly people: readonly string[];
  readonly rooms: readonly string[];
  /** Rooms of the hub, including those the user is not in. */
  readonly anyRoom?: readonly string[];
  /** Windows of the terminal. */
  readonly windows?: readonly string[];
  readonly ignored?: readonly string[];
  /** Topics of `/help`. */
  readonly help?: readonly string[];
}

/** One slash command. */
export interface SlashCommand<A extends ChatActions = ChatActions> {
  readonly name: string;
  /** Names of the command in other chat programs. */
  readonly aliases?: readonly string[];
  /** The arguments, as the help shows them. */
  readonly takes: string;
  readonly help: string;
  /** Further help, for a command that is shown alone. */
  readonly more?: string;
  /** The candidates for completing the argument. */
  readonly completes?: WordList;
  /** Whether `/name!` is allowed. */
  readonly forcible?: true;
  readonly run: (argument: string, actions: A, forced: boolean) => void;
}

/** A line makes no sense; the message tells the user why. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}

/** The commands that the terminal and the web page share. */
export const SHARED_COMMANDS: readonly SlashCommand[] = [
  {
    name: "join",
    takes: "ROOM",
    help: "Join a room, or show one you have joined",
    completes: "anyRoom",
    run: (room, actions) => actions.join(roomIn(room, "/join ROOM")),
  },
  {
    name: "leave",
    takes: "[ROOM]",
    help: "Leave a room, or close a private conversation",
    completes: "rooms",
    run: (argument, actions) => {
      const place = argument === "" ? actions.place : placeIn(argument);
      if (place.kind === "home") throw new CommandError(NO_ROOM);
      if (place.kind === "room" && !actions.rooms.includes(place.room)) {
        throw new CommandError(`You are not in ${place.room}`);
      }
      if (place.kind === "private" && !includesName(actions.privates, place.name)) {
        throw new CommandError(`You have no private conversation with ${place.name}`);
      }
      actions.leave(place);
    },
  },
  {
    name: "msg",
    aliases: ["pm", "w"],
    takes: "NAME [TEXT]",
    help: "Send a private message, or show the conversation",
    completes: "people",
    run: (argument, actions) => {
      const [to, text] = splitName(argument, actions.people);
      if (to === "") throw new CommandError("Name the person: /msg NAME TEXT");
      if (normalizeName(to) === undefined) throw new CommandError(`Not a valid name: ${to}`);
      if (text === "") actions.openPrivate(to);
      else actions.sendPrivate(to, text);
    },
  },
  {
    name: "me",
    takes: "ACTION",
    help: "Describe what you do: /me waves",
    run: (action, actions) => {
      if (action === "") throw new CommandError("Say what you are doing: /me waves");
      currentRoom(actions);
      actions.say(action, "action");
    },
  },
  {
    name: "who",
    aliases: ["users"],
    takes: "[ROOM]",
    help: "List the people in a room",
    completes: "anyRoom",
    run: (room, actions) =>
      actions.who(room === "" ? currentRoom(actions) : roomIn(room, "/who ROOM")),
  },
  {
    name: "nick",
    aliases: ["name"],
    takes: "NAME",
    help: "Change your name",
    run: (argument, actions) => {
      const name = normalizeName(argument);
      if (name === undefined) throw new CommandError(`${NAME_RULE} (/nick NAME)`);
      actions.rename(name);
    },
  },
  {
    name: "clear",
    takes: "",
    help: "Clear the screen",
    run: (_argument, actions) => actions.clear(),
  },
  {
    name: "quit",
    aliases: ["exit", "q"],
    takes: "",
    help: "Disconnect",
    run: (_argument, actions) => actions.quit(),
  },
];

export const NO_ROOM = "You are in no room: /join ROOM";
export const NAME_RULE = "A name has 1 to 32 visible characters without / @ # :";
const ROOM_RULE = "A room is 1 to 64 of a-z 0-9 . _ - and starts with a letter or digit";

/** All commands of a client, by name. */
export class CommandTable<A extends ChatActions> {
  /** @param suggest returns what to do about an unknown command. */
  constructor(
    readonly all: readonly SlashCommand<A>[],
    private readonly suggest: (name: string) => string,
  ) {}

  /** The command with this name or alias, in any case. `name!` only finds forcible commands. */
  find(name: string): SlashCommand<A> | undefined {
    const forced = name.endsWith("!");
    const wanted = (forced ? name.slice(0, -1) : name).toLowerCase();
    const found = this.all.find((each) =>
      each.name === wanted || each.aliases?.includes(wanted) === true
    );
    return forced && found?.forcible !== true ? undefined : found;
  }

  /**
   * Runs a typed line: a command, or a message.
   *
   * @throws {CommandError} if the line makes no sense.
   */
  run(line: string, actions: A): void {
    if (line.trim() === "") return;
    if (isBareQuit(line)) {
      throw new CommandError("To disconnect, type /quit. To say it, put a space before it");
    }
    const text = messageText(line);
    if (text !== undefined) {
      if (actions.place.kind === "home") throw new CommandError(NO_ROOM);
      return actions.say(text);
    }
    const [, name = "", argument = ""] = /^\/(\S*)\s*(.*)$/s.exec(line.trim()) ?? [];
    const command = this.find(name);
    if (command === undefined) {
      const shown = visible(name.slice(0, 40));
      throw new CommandError(`Unknown command /${shown}. ${this.suggest(name)}`);
    }
    command.run(argument, actions, name.endsWith("!"));
  }
}

/** Whether a line is `quit` or `exit` without a slash: a command, or a message? Ask the user. */
export function isBareQuit(line: string): boolean {
  return /^(?:quit|exit)\s*$/i.test(line);
}

/** The message in a line, where `//` stands for a slash; `undefined` for a command. */
export function messageText(line: string): string | undefined {
  const trimmed = line.trim();
  if (trimmed.startsWith("//")) return trimmed.slice(1);
  return trimmed.startsWith("/") ? undefined : line.trimEnd();
}

/** The room on the screen. */
export function currentRoom({ place }: ChatActions): string {
  if (place.kind === "room") return place.room;
  throw new CommandError(place.kind === "home" ? NO_ROOM : "This works in rooms only");
}

/** The room that `text` names. */
export function roomIn(text: string, usage?: string): string {
  const room = text.trim().replace(/^#/, "").toLowerCase();
  if (isRoomName(room)) return room;
  throw new CommandError(usage === undefined ? ROOM_RULE : `${ROOM_RULE}: ${usage}`);
}

function placeIn(text: string): Place {
  return text.startsWith("@")
    ? { kind: "private", name: text.slice(1) }
    : { kind: "room", room: roomIn(text, "/leave ROOM") };
}

function includesName(names: readonly string[], name: string): boolean {
  return names.some((each) => nameKey(each) === nameKey(name));
}
