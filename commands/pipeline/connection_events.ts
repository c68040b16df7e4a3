import type { ClientEvent, Clock } from "../../client.ts";
import type { Cancel } from "../../lib/clock.ts";
import { plural } from "../../lib/words.ts";
import { logEvent } from "../../terminal/event_log.ts";
import { renderEvent } from "../../terminal/render.ts";
import { plainView } from "../../terminal/view.ts";

/** Notices about the connection for the user of a script: one for each outage, one for its end. */
export class ConnectionNotices {
  #offline = false;
  #hasReturned = false;

  /** @param tellsMissed whether to say how many messages each room missed. */
  constructor(private readonly tellsMissed = false) {}

  /** Logs an event. Returns the line to show for it, if any. */
  noticeFor(event: ClientEvent): string | undefined {
    logEvent(event);
    const { type } = event;
    const wasOffline = this.#offline;
    if (type === "offline") this.#offline = true;
    else if (type === "online") {
      this.#offline = false;
      // A reconnect without an outage ends a pause that this side asked for.
      this.#hasReturned = event.reconnected && wasOffline;
    }
    const isShown = type === "error" || type === "offline" && !wasOffline ||
      type === "online" && this.#hasReturned ||
      // Gaps are told elsewhere.
      type === "joined" && this.tellsMissed && this.#hasReturned && event.rejoined &&
        event.recovered;
    return isShown ? renderEvent(event, plainView()) : undefined;
  }
}

/** Calls `onExpired` when a lost hub has not come back in time. */
export class ReconnectDeadline implements Disposable {
  #cancel: Cancel | undefined;

  /** @param limit milliseconds; 0 for no limit. */
  constructor(
    private readonly limit: number,
    private readonly clock: Clock,
    private readonly onExpired: () => void,
  ) {}

  observe(event: ClientEvent): void {
    if (event.type === "online") this[Symbol.dispose]();
    else if (event.type === "offline" && this.limit > 0) {
      this.#cancel ??= this.clock.after(this.limit, this.onExpired);
    }
  }

  [Symbol.dispose](): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}

/** The last line of an interrupted program, with the number of unacknowledged messages. */
export function interruptedLine(pending: number): string {
  return pending === 0
    ? "Interrupted\n"
    : `Interrupted: ${plural(pending, "message")} may not have reached the hub\n`;
}
