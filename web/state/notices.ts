import { mentions } from "../../chat/mention.ts";
import type { ClientEvent } from "../../client.ts";
import { nameKey } from "../../protocol.ts";
import { textWithData } from "./message_items.ts";
import { levelOf, type WebSettings } from "./settings.ts";
import { directKey, roomKey } from "./threads.ts";
import type { ChatState, ThreadKey } from "./types.ts";

/** Characters of a message that a notification shows. */
const MAX_BODY = 200;

/** A notification for a user who is looking elsewhere. */
export interface Notice {
  readonly key: ThreadKey;
  readonly title: string;
  readonly body: string;
}

/** The notification for an event, if the user wants one; `state` does not contain the event yet. */
export function noticeOf(
  event: ClientEvent,
  state: ChatState,
  settings: WebSettings,
): Notice | undefined {
  if (event.type !== "message" && event.type !== "direct") return undefined;
  const { me } = state;
  if (me !== undefined && nameKey(event.sender) === nameKey(me)) return undefined;
  const isRoom = event.type === "message";
  const key = isRoom ? roomKey(event.room) : directKey(event.sender);
  if (isRoom && event.id <= (state.threads.get(key)?.room?.entered ?? Infinity)) return undefined;
  const level = levelOf(settings, key);
  const isMention = !isRoom || mentions(event.message, me, settings.mention);
  if (level === "off" || (level === "mentions" && !isMention)) return undefined;
  const text = textWithData(event);
  const body = isRoom && event.kind === "action" ? `${event.sender} ${text}` : text;
  return {
    key,
    title: isRoom ? `${event.sender} in #${event.room}` : event.sender,
    body: body.length > MAX_BODY ? `${body.slice(0, MAX_BODY)}…` : body,
  };
}
