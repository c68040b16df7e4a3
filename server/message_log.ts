import { getLogger } from "@logtape/logtape";
import type { Broker } from "../broker/broker.ts";

const logger = getLogger(["bcast", "messages"]);

/**
 * Logs every message that rooms get from now on, until disposed; for operators who ask for it.
 * Private messages are never logged.
 */
export function logMessages(broker: Pick<Broker, "subscribe">): Disposable {
  return broker.subscribe((messages) => {
    for (const { room, id, sender, message, data, kind } of messages) {
      logger.info("{room} {id} {sender}{separator} {text}", {
        room,
        id,
        sender,
        separator: kind === "action" ? "" : ":",
        text: message ?? JSON.stringify(data),
      });
    }
  });
}
