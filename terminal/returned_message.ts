import { quotedName } from "../chat/names.ts";
import type { ChatContext } from "./chat_context.ts";
import { withoutFullStop } from "./hub_requests.ts";
import type { TypedMessage } from "./unsent_messages.ts";

/**
 * Tells that a message was not sent, and returns its text to the user.
 *
 * @param isCertain whether the hub surely does not have it.
 */
export function returnMessage(
  { windows, screen }: ChatContext,
  message: TypedMessage,
  why: string,
  isCertain = true,
): void {
  const window = windows.list.find(message.place);
  const isShown = window === windows.current;
  const reason = withoutFullStop(why);
  const what = isCertain ? "Not sent" : "Perhaps not sent";
  if (isShown || message.place.kind === "private") {
    if (screen.draft === "") {
      windows.problem(`${what}: ${reason}. You have it back below`);
      return screen.setDraft(typedText(message, isShown));
    }
  } else if (window !== undefined && window.draft === "") {
    window.draft = typedText(message, true);
    return windows.problem(`${what} to ${window.title}: ${reason}. The text is there again`);
  }
  // Such a screen has no history of input.
  if (screen.plain === true) {
    return windows.problem(`${what}: ${reason}. You wrote: ${typedText(message, isShown)}`);
  }
  const text = message.text.length > 60 ? `${message.text.slice(0, 60)}…` : message.text;
  windows.problem(`${what}: ${reason}. The up arrow brings it back: "${text}"`);
}

/** The line that sends a message; `isShown`: in the window that it is for. */
function typedText({ place, text, kind }: TypedMessage, isShown: boolean): string {
  if (place.kind === "private" && !isShown) return `/msg ${quotedName(place.name)} ${text}`;
  if (kind === "action") return `/me ${text}`;
  return text.startsWith("/") ? `/${text}` : text;
}
