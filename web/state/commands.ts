import {
  type ChatActions,
  CommandError,
  CommandTable,
  currentRoom,
  SHARED_COMMANDS,
} from "../../chat/commands.ts";

/** The actions of the page's commands. */
export interface WebActions extends ChatActions {
  /** The rooms the user is in, with the number of people there. */
  readonly online: readonly (readonly [room: string, online: number])[];
  search(query: string): void;
  save(format: string): void;
  help(): void;
  note(text: string): void;
}

/** Every slash command of the page. */
export const COMMANDS: CommandTable<WebActions> = new CommandTable<WebActions>([
  ...SHARED_COMMANDS,
  {
    name: "rooms",
    takes: "",
    help: "List your rooms",
    run: (_argument, actions) => {
      const { online } = actions;
      if (online.length === 0) throw new CommandError("You are in no room: /join ROOM");
      const rooms = online.map(([room, people]) => `#${room} (${people} online)`);
      actions.note(`You are in ${rooms.join(", ")}`);
    },
  },
  {
    name: "search",
    takes: "[WORDS]",
    help: "Search this room",
    run: (words, actions) => {
      currentRoom(actions);
      actions.search(words);
    },
  },
  {
    name: "export",
    takes: "[FORMAT]",
    help: "Save the conversation as text, json or markdown",
    run: (format, actions) => actions.save(format === "" ? "text" : format.toLowerCase()),
  },
  {
    name: "help",
    takes: "",
    help: "Show commands and shortcuts",
    run: (_argument, actions) => actions.help(),
  },
], () => "/help lists all commands; // begins a text with a slash");
