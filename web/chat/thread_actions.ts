import { CommandError } from "../../chat/commands.ts";
import { whoText } from "../../chat/presence.ts";
import { COMMANDS, type WebActions } from "../state/commands.ts";
import { withEmoji } from "../state/emoji.ts";
import { errorText } from "../state/sanitize.ts";
import { directKey, peopleIn, placeOf, roomKey } from "../state/threads.ts";
import type { ThreadKey } from "../state/types.ts";
import { confirmationText, whyCannotSend } from "./can_send.ts";
import type { WebChat } from "./web_chat.ts";

/** The commands that the screen carries out. */
export type ScreenActions = Pick<WebActions, "search" | "save" | "help">;

/**
 * Carries out a typed line in a thread.
 *
 * @throws {CommandError} if it makes no sense.
 */
export function submitLine(
  chat: WebChat,
  key: ThreadKey,
  line: string,
  screen: ScreenActions,
): void {
  COMMANDS.run(line, threadActions(chat, key, screen));
}

function threadActions(chat: WebChat, key: ThreadKey, screen: ScreenActions): WebActions {
  const threads = [...chat.state.threads.values()];
  const rooms = threads.filter((each) => each.key.startsWith("#"));
  const current = chat.state.threads.get(key);
  const note = (text: string): void =>
    chat.store.apply({ type: "note", key, text, tone: "info", now: Date.now() });
  return {
    place: current === undefined ? { kind: "home" } : placeOf(current),
    rooms: rooms.map(({ name }) => name),
    privates: threads.filter((each) => !rooms.includes(each)).map(({ name }) => name),
    online: rooms.filter(({ closedReason }) => closedReason === undefined)
      .map(({ name, room }) => [name, room?.online ?? 0]),
    people: peopleIn(chat.state),
    say: (text, kind) => send(chat, key, text, kind === "action"),
    sendPrivate: (to, text) => {
      chat.show(directKey(to), to);
      send(chat, directKey(to), text);
    },
    openPrivate: (name) => chat.show(directKey(name), name),
    join: (room) => chat.join(room),
    leave: (place) => {
      if (place.kind !== "home") {
        chat.leave(place.kind === "room" ? roomKey(place.room) : directKey(place.name));
      }
    },
    rename: (name) => chat.rename(name),
    who: (room) =>
      void chat.who(room).then((who) => note(whoText(who)), (error) => note(errorText(error))),
    clear: () => chat.store.apply({ type: "clear", key }),
    note,
    quit: () => chat.quit(),
    ...screen,
  };
}

/** @throws {CommandError} if nothing can be sent there, or the user has to confirm it first. */
function send(chat: WebChat, key: ThreadKey, text: string, action = false): void {
  const reason = whyCannotSend(chat.state, key);
  if (reason !== undefined) throw new CommandError(`Not sent: ${reason}`);
  const thread = chat.state.threads.get(key);
  if (thread?.partner?.doubtful === true) {
    chat.confirm(key);
    throw new CommandError(confirmationText(thread.name));
  }
  chat.say(key, withEmoji(text), action);
}
