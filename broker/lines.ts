import type { Content, Message, MessageKind } from "../protocol.ts";

// A line holds one message: sender, text, data and kind, each as JSON, with a tab between them and
// without the empty ones at the end. JSON has no raw tab, line break or NUL in it, so that nothing
// needs to be escaped a second time. Room, id and time are the chunk's.
const FIELD = "\t";

/** Between the lines of a chunk. */
export const LINE_BREAK = "\n";

/**
 * A message as it is stored. `sender` is JSON already: it is often the same as that of the message
 * before.
 *
 * @throws {TypeError} for what has no JSON.
 */
export function toLine(sender: string, { message, data }: Content, kind?: MessageKind): string {
  let line = sender + FIELD;
  if (message !== undefined) line += JSON.stringify(message);
  else if (data === undefined) throw new TypeError("a message has neither text nor data");
  if (data !== undefined) {
    const json: string | undefined = JSON.stringify(data);
    if (json === undefined) throw new TypeError("the data of a message is no JSON");
    line += FIELD + json;
  }
  if (kind === undefined) return line;
  return line + (data === undefined ? FIELD : "") + FIELD + kind;
}

/** The message of a line. */
export function toMessage(room: string, id: number, timestamp: string, line: string): Message {
  const [sender = "", message = "", data = "", kind] = line.split(FIELD);
  const content: Content = message === ""
    ? { data: JSON.parse(data) }
    : data === ""
    ? { message: JSON.parse(message) }
    : { message: JSON.parse(message), data: JSON.parse(data) };
  return makeMessage(room, id, JSON.parse(sender), content, kind === "action", timestamp);
}

/** The text of a line, if it has any. */
export function textOf(line: string): string | undefined {
  const message = line.split(FIELD, 2)[1];
  return message === undefined || message === "" ? undefined : JSON.parse(message);
}

/** A message, with its fields in the order in which they travel. */
export function makeMessage(
  room: string,
  id: number,
  sender: string,
  content: Content,
  action: boolean,
  timestamp: string,
): Message {
  const { message, data } = content;
  // Written out: one shape of object for nearly every message there is.
  if (message !== undefined && data === undefined && !action) {
    return { type: "message", room, id, sender, message, timestamp };
  }
  return {
    type: "message",
    room,
    id,
    sender,
    ...(message === undefined ? { data } : data === undefined ? { message } : { message, data }),
    timestamp,
    ...(action ? { kind: "action" } : {}),
  };
}
