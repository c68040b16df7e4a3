import { getLogger } from "@logtape/logtape";
import type { ClientEvent } from "../client/types.ts";
import type { Ack, Content } from "../protocol.ts";

const logger = getLogger(["bcast", "client"]);

/** Logs an event. Message texts appear at debug level only. */
export function logEvent(event: ClientEvent): void {
  switch (event.type) {
    case "online":
      return logger.info("Connected as {sender}", {
        sender: event.welcome.sender,
        reconnected: event.reconnected,
      });
    case "offline":
      return logger.warning("Connection lost: {reason}", {
        reason: event.reason,
        code: event.code,
        retryIn: event.retryIn,
      });
    case "error":
      return logger.warning("The hub says {code}: {message}", {
        code: event.code,
        room: event.room,
        message: event.message,
      });
    case "joined":
      return logger.info("Entered {room}", {
        room: event.room,
        recovered: event.recovered,
        reset: event.reset,
        missed: event.missed,
      });
    case "message":
      return logger.debug("{room} {id} {sender}: {text}", () => ({
        room: event.room,
        id: event.id,
        sender: event.sender,
        text: textOf(event),
      }));
    case "direct":
      return logger.debug("{sender} @{to}: {text}", () => ({
        sender: event.sender,
        to: event.to,
        text: textOf(event),
      }));
    default:
      return logger.debug("Event {type}", { ...event });
  }
}

/** Logs a message of the user that the hub does not send back, at debug level. */
export function logSent({ room, id }: Ack, sender: string | undefined, content: Content): void {
  logger.debug("{room} {id} {sender}: {text}", () => ({ room, id, sender, text: textOf(content) }));
}

function textOf({ message, data }: Content): string {
  return [
    ...message === undefined ? [] : [message],
    ...data === undefined ? [] : [JSON.stringify(data)],
  ]
    .join(" ");
}
