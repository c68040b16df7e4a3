import { plural } from "../../lib/words.ts";
import type { ClientEvent } from "../../client.ts";
import { logEvent } from "../../terminal/event_log.ts";
import { renderEvent } from "../../terminal/render.ts";
import { plainView } from "../../terminal/view.ts";

/** Tells a script's author what becomes of the connection, once for each absence of the hub. */
export class ConnectionNotices {
  #away = false;

  /** Logs an event, and returns the line, if any, that it is worth. */
  news(event: ClientEvent): string | undefined {
    logEvent(event);
    const { type } = event;
    const was = this.#away;
    if (type === "offline") this.#away = true;
    else if (type === "online") this.#away = false;
    // A return after a pause of this side's own is no news.
    const tells = type === "error" || type === "offline" && !was ||
      type === "online" && event.reconnected && was;
    if (!tells) return undefined;
    return renderEvent(event, plainView());
  }
}

/** The last line of a sending that was interrupted, with how many messages were not acked. */
export function interruptedLine(pending: number): string {
  return pending === 0
    ? "Interrupted\n"
    : `Interrupted: ${plural(pending, "message")} may not have reached the hub\n`;
}
