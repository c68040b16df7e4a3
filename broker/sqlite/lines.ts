import type { Annotations, Content, Message, MessageKind } from "../../protocol.ts";
import type { MessageDraft } from "../broker.ts";

// A line holds one message: sender, text, data, kind and annotations, with a tab between them and
// without the empty ones at the end; all but the kind are JSON. JSON has no raw tab, line break or
// NUL in it, so that nothing needs to be escaped a second time. Room, id and time are the chunk's.
// Versions that know no annotations pass over them.
const FIELD = "\t";

/** Between the lines of a chunk. */
export const LINE_BREAK = "\n";

/**
 * A message as it is stored. `sender` is JSON already: it is often the same as that of the message
 * before.
 *
 * @throws {TypeError} for what has no JSON.
 */
export function toLine(
  sender: string,
  { message, data }: Content,
  kind?: MessageKind,
  annotations?: Annotations,
): string {
  let line = sender + FIELD;
  if (message !== undefined) line += JSON.stringify(message);
  else if (data === undefined) throw new TypeError("a message has neither text nor data");
  if (data !== undefined) {
    const json: string | undefined = JSON.stringify(data);
    if (json === undefined) throw new TypeError("the data of a message is no JSON");
    line += FIELD + json;
  }
  if (kind === undefined && annotations === undefined) return line;
  line += (data === undefined ? FIELD : "") + FIELD + (kind ?? "");
  return annotations === undefined ? line : line + FIELD + JSON.stringify(annotations);
}

/** The message of a line. */
export function toMessage(room: string, id: number, timestamp: string, line: string): Message {
  const [sender = "", message = "", data = "", kind, annotations] = line.split(FIELD);
  const content: Content = message === ""
    ? { data: JSON.parse(data) }
    : data === ""
    ? { message: JSON.parse(message) }
    : { message: JSON.parse(message), data: JSON.parse(data) };
  return makeMessage(room, id, timestamp, {
    sender: JSON.parse(sender),
    content,
    ...(kind === "action" ? { kind } : {}),
    ...(annotations === undefined ? {} : { annotations: JSON.parse(annotations) }),
  });
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
  timestamp: string,
  { sender, content, kind, annotations }: Pick<
    MessageDraft,
    "sender" | "content" | "kind" | "annotations"
  >,
): Message {
  const { message, data } = content;
  // Written out: one shape of object for nearly every message there is.
  if (message !== undefined && data === undefined && kind === undefined) {
    const plain: Message = { type: "message", room, id, sender, message, timestamp };
    return annotations === undefined ? plain : { ...plain, ...annotations };
  }
  return {
    type: "message",
    room,
    id,
    sender,
    ...(message === undefined ? { data } : data === undefined ? { message } : { message, data }),
    timestamp,
    ...(kind === undefined ? {} : { kind }),
    ...annotations,
  };
}
