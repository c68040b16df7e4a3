import { mentions } from "../../chat/mention.ts";
import type { ClientEvent } from "../../client.ts";
import { nameKey } from "../../protocol.ts";
import { textWithData } from "./message_items.ts";
import { levelOf, type WebSettings } from "./settings.ts";
import { directKey, isSeen, roomKey } from "./threads.ts";
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

/** How the user is made aware of an event. */
export interface Alert {
  readonly notice: Notice;
  readonly sound: boolean;
  readonly notification: boolean;
}

/** The user's attention in a tab. */
export interface Attention {
  /** The thread whose end the user sees. */
  readonly key: ThreadKey | undefined;
  /** Whether the tab is visible and has the focus. */
  readonly present: boolean;
}

/**
 * The alert for an event, if the user wants one. Sounds may always be played; notifications are
 * only for a user who is at none of the tabs.
 */
export function alertOf(
  event: ClientEvent,
  state: ChatState,
  settings: WebSettings,
  others: readonly Attention[],
  isPresent: boolean,
): Alert | undefined {
  const notice = noticeOf(event, state, settings);
  if (notice === undefined) return undefined;
  const seen = isSeen(state, notice.key) || others.some(({ key }) => key === notice.key);
  const present = isPresent || others.some((each) => each.present);
  const { sounds, notifications } = settings;
  return {
    notice,
    sound: sounds === "always" || (sounds === "on" && !seen),
    notification: notifications === "on" && !seen && !present,
  };
}
