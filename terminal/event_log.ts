import { getLogger } from "@logtape/logtape";
import type { ClientEvent } from "../client/types.ts";

const logger = getLogger(["bcast", "client"]);

/** Writes what happened to the log; what was said only at debug level. */
export function logEvent(event: ClientEvent): void {
  switch (event.type) {
    case "online":
      return logger.info("Connected as {sender}", {
        sender: event.welcome.sender,
        again: event.again,
        missed: event.missed,
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
        message: event.message,
      });
    case "joined":
      return logger.info("Entered {room}", { room: event.room, recovered: event.recovered });
    case "message":
    case "direct":
      return logger.debug("{sender}: {message}", { ...event });
    default:
      return logger.debug("Event {type}", { ...event });
  }
}
