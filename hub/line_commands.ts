import {
  type ClientFrame,
  isRoomName,
  MAX_HISTORY_PAGE,
  normalizeName,
  visible,
} from "../protocol.ts";

/** What a line typed by a text client asks for. */
export type Line =
  | { readonly kind: "frame"; readonly frame: ClientFrame }
  | { readonly kind: "reply"; readonly text: string }
  | { readonly kind: "quit" }
  /** `quit` or `exit` without a slash: it may be meant as a command or as a message. */
  | { readonly kind: "leaving"; readonly question: string }
  | { readonly kind: "nothing" };

interface LineCommand {
  readonly usage: string;
  readonly help: string;
  /** `undefined`: the argument is not what `usage` says. */
  run(argument: string, room: string | undefined): Line | undefined;
}

const frame = (value: ClientFrame): Line => ({ kind: "frame", frame: value });

const COMMANDS: { readonly [name: string]: LineCommand } = {
  nick: {
    usage: "/nick NAME",
    help: "change your name",
    run(argument) {
      const sender = normalizeName(argument);
      return sender === undefined ? undefined : frame({ type: "nick", sender });
    },
  },
  join: {
    usage: "/join ROOM",
    help: "enter a room; what you type goes there",
    run: (room) => isRoomName(room) ? frame({ type: "join", room }) : undefined,
  },
  leave: {
    usage: "/leave [ROOM]",
    help: "leave a room",
    run(argument, current) {
      const room = argument || current;
      return room !== undefined && isRoomName(room) ? frame({ type: "leave", room }) : undefined;
    },
  },
  msg: {
    usage: "/msg NAME TEXT",
    help: "say something to one person only",
    run(argument) {
      const [name = "", ...words] = argument.split(" ");
      const to = normalizeName(name);
      const message = words.join(" ").trim();
      if (to === undefined || message === "") return undefined;
      return frame({ type: "direct", to, message });
    },
  },
  me: {
    usage: "/me ACTION",
    help: "say what you are doing",
    run(message, room) {
      if (message === "" || room === undefined) return undefined;
      return frame({ type: "message", room, message, kind: "action" });
    },
  },
  who: {
    usage: "/who [ROOM]",
    help: "see who is here",
    run(argument, current) {
      const room = argument || current;
      return room !== undefined && isRoomName(room) ? frame({ type: "who", room }) : undefined;
    },
  },
  history: {
    usage: "/history [NUMBER]",
    help: "read the last messages again",
    run(argument, room) {
      const limit = argument === "" ? 20 : Number(argument);
      const valid = Number.isInteger(limit) && limit >= 1 && limit <= MAX_HISTORY_PAGE;
      return valid && room !== undefined ? frame({ type: "history", room, limit }) : undefined;
    },
  },
  quit: { usage: "/quit", help: "leave the hub", run: () => ({ kind: "quit" }) },
};

/** Other names of commands, which other chats have. */
const ALIASES: { readonly [name: string]: string } = {
  exit: "quit",
  q: "quit",
  name: "nick",
  users: "who",
  pm: "msg",
  w: "msg",
};

/** Reads one line; `room` is the room that what is typed goes to. */
export function parseLine(line: string, room: string | undefined): Line {
  const text = line.trimEnd();
  if (text === "") return { kind: "nothing" };
  if (/^(?:quit|exit)$/i.test(text)) {
    const question = `* To leave, type ${text} again or /quit. To say it, put a space before it`;
    return { kind: "leaving", question };
  }
  if (!text.startsWith("/") || text.startsWith("//")) {
    const message = (text.startsWith("//") ? text.slice(1) : text).toWellFormed();
    return frame({ type: "message", message, ...(room === undefined ? {} : { room }) });
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
  return command.run(rest.join(" ").trim(), room) ??
    { kind: "reply", text: `* Usage: ${command.usage}` };
}

function help(): string {
  const lines = Object.values(COMMANDS).map((command) => {
    return `* ${command.usage.padEnd(18)} ${command.help}`;
  });
  return [...lines, "* //text            a message that begins with a slash"].join("\n");
}
