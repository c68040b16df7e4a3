import { getLogger } from "@logtape/logtape";
import type { Broker } from "../broker/broker.ts";

const messageLogger = getLogger(["bcast", "messages"]);
const frameLogger = getLogger(["bcast", "hub", "frames"]);

/** UTF-16 units of a frame that are logged. */
const MAX_TRACED = 1000;

/** Values that must not appear in a log. */
const SECRETS = /("(?:token|session)"\s*:\s*")(?:[^"\\]|\\.)*/g;

/** Logs every room message until disposed. Private messages are never logged. */
export function logMessages(broker: Pick<Broker, "subscribe">): Disposable {
  return broker.subscribe((messages) => {
    for (const { room, id, sender, message, data, kind } of messages) {
      messageLogger.info("{room} {id} {sender}{separator} {text}", {
        room,
        id,
        sender,
        separator: kind === "action" ? "" : ":",
        text: message ?? JSON.stringify(data),
      });
    }
  });
}

/** Whether frames are logged. Ask once: connections check the answer for every frame. */
export function tracesFrames(): boolean {
  return frameLogger.isEnabledFor("trace");
}

/** Logs a frame without tokens and session secrets. */
export function traceFrame(connection: string, direction: "in" | "out", frame: string): void {
  const text = frame.slice(0, MAX_TRACED).replaceAll(SECRETS, "$1***");
  const more = frame.length > MAX_TRACED ? "…" : "";
  frameLogger.trace("{connection} {direction} {frame}", {
    connection,
    direction,
    frame: text + more,
  });
}
