import { splitKnownName } from "../../chat/names.ts";
import { type ClientFrame, MAX_HISTORY_PAGE, visible } from "../../protocol.ts";

/** The meaning of one line from a text client. */
export type TextCommand =
  | { readonly kind: "frame"; readonly frame: ClientFrame }
  | { readonly kind: "reply"; readonly text: string }
  | { readonly kind: "quit" }
  /** `quit` or `exit` without a slash: a command or a message, so the client is asked. */
  | { readonly kind: "leaving"; readonly question: string }
  | { readonly kind: "nothing" };

interface LineCommand {
  readonly usage: string;
  readonly help: string;
  /**
   * Returns `undefined` if the argument does not match `usage`. Names and rooms are checked later,
   * when the frame is parsed.
   */
  run(argument: string, room: string | undefined, find: FindUser): TextCommand | undefined;
}

/** Finds the exact spelling of the name of a connected user, ignoring case. */
export type FindUser = (name: string) => string | undefined;

const frame = (value: ClientFrame): TextCommand => ({ kind: "frame", frame: value });

const NO_ROOM: TextCommand = { kind: "reply", text: "* Error: You are in no room: /join lobby" };

const inRoom = (room: string | undefined, value: (room: string) => ClientFrame): TextCommand =>
  room === undefined ? NO_ROOM : frame(value(room));

const COMMANDS: { readonly [name: string]: LineCommand } = {
  nick: {
    usage: "/nick NAME",
    help: "change your name",
    run: (name) => name === "" ? undefined : frame({ type: "nick", name }),
  },
  join: {
    usage: "/join ROOM",
    help: "join a room and talk there",
    run: (room) => room === "" ? undefined : frame({ type: "join", room }),
  },
  leave: {
    usage: "/leave [ROOM]",
    help: "leave a room",
    run: (argument, current) => inRoom(argument || current, (room) => ({ type: "leave", room })),
  },
  msg: {
    usage: "/msg NAME TEXT",
    help: "send a private message",
    run(argument, _room, find) {
      const [to, message] = splitKnownName(argument, find);
      return to === "" || message === "" ? undefined : frame({ type: "direct", to, message });
    },
  },
  me: {
    usage: "/me ACTION",
    help: "describe what you do",
    run(message, current) {
      if (message === "") return undefined;
      return inRoom(current, (room) => ({ type: "message", room, message, kind: "action" }));
    },
  },
  who: {
    usage: "/who [ROOM]",
    help: "list who is in the room",
    run: (argument, current) => inRoom(argument || current, (room) => ({ type: "members", room })),
  },
  history: {
    usage: "/history [NUMBER]",
    help: "show recent messages",
    run(argument, current) {
      const limit = argument === "" ? 20 : Number(argument);
      const valid = Number.isInteger(limit) && limit >= 1 && limit <= MAX_HISTORY_PAGE;
      return valid ? inRoom(current, (room) => ({ type: "history", room, limit })) : undefined;
    },
  },
  quit: { usage: "/quit", help: "disconnect", run: () => ({ kind: "quit" }) },
};

/** Names of the same commands in other chat systems. */
const ALIASES: { readonly [name: string]: string } = {
  exit: "quit",
  q: "quit",
  name: "nick",
  users: "who",
  pm: "msg",
  w: "msg",
};

/** Parses one line; `room` is the current room. */
export function parseLine(
  line: string,
  room: string | undefined,
  find: FindUser = () => undefined,
): TextCommand {
  const text = line.trimEnd();
  if (text === "") return { kind: "nothing" };
  if (/^(?:quit|exit)$/i.test(text)) {
    const question =
      `* To leave, type ${text} again or /quit. To send it as a message, put a space before it`;
    return { kind: "leaving", question };
  }
  if (!text.startsWith("/") || text.startsWith("//")) {
    const message = (text.startsWith("//") ? text.slice(1) : text).toWellFormed();
    return frame(
      room === undefined ? { type: "message", message } : { type: "message", message, room },
    );
  }
  const [word = "", ...rest] = text.slice(1).split(" ");
  const name = word.toLowerCase();
  if (name === "help") return { kind: "reply", text: help() };
  const known = Object.hasOwn(ALIASES, name) ? ALIASES[name] ?? name : name;
  const command = Object.hasOwn(COMMANDS, known) ? COMMANDS[known] : undefined;
  if (command === undefined) {
    const shown = visible(word.slice(0, 32));
    return { kind: "reply", text: `* Unknown command /${shown}. /help lists the commands` };
  }
  return command.run(rest.join(" ").trim(), room, find) ??
    { kind: "reply", text: `* Usage: ${command.usage}` };
}

function help(): string {
  const lines = Object.values(COMMANDS).map((command) => {
    return `* ${command.usage.padEnd(18)} ${command.help}`;
  });
  return [...lines, "* //text            a message that begins with a slash"].join("\n");
}
