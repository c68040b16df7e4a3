import { plural } from "../cli/text.ts";
import type { ClientEvent } from "../client.ts";
import { logEvent } from "../terminal/chat.ts";
import { renderEvent } from "../terminal/render.ts";

/**
 * Logs an event and returns the line, if any, that tells a script's author what became of the
 * connection.
 *
 * @param lost whether the loss of a connection was told before: only then is its return news.
 */
export function connectionNews(event: ClientEvent, lost: boolean): string | undefined {
  logEvent(event);
  const tells = event.type === "offline" || event.type === "error" ||
    event.type === "online" && event.again && lost;
  if (!tells) return undefined;
  return renderEvent(event, { self: undefined, tagged: false, color: false, now: new Date() });
}

/** The last line of a sending that was interrupted, with how many messages were not acked. */
export function interruptedLine(pending: number): string {
  return pending === 0
    ? "Interrupted\n"
    : `Interrupted: ${plural(pending, "message")} may not have reached the hub\n`;
}
