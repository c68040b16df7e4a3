import type { Content, Message } from "../protocol.ts";

/** A message as the statements return it: id, at, sender, message, data, kind. */
export type Row = readonly [
  id: number,
  at: number,
  sender: string,
  message: string | null,
  data: string | null,
  kind: string | null,
];

/** The columns of a {@linkcode Row}, given the name of the key. */
export const COLUMNS =
  "messages.seq & 0xffffffffff, messages.at, messages.sender, messages.message, messages.data, messages.kind";

// A text that is read back ends at its first NUL, so there must be none: U+0001 stands before a
// U+0002 for a NUL, and before a U+0001 for itself. None of them is a word to the full-text index.
// deno-lint-ignore no-control-regex -- they are what this is about
const ESCAPED = /[\u0000\u0001]/;

/** `text` as it is stored. */
export function toStored(text: string): string {
  if (!ESCAPED.test(text)) return text;
  return text.replaceAll("\u0001", "\u0001\u0001").replaceAll("\u0000", "\u0001\u0002");
}

/** `text` as it was before it was stored. */
export function fromStored(text: string): string {
  if (!text.includes("\u0001")) return text;
  // deno-lint-ignore no-control-regex -- as above
  return text.replace(/\u0001([\u0001\u0002])/g, (_, mark) => mark === "\u0002" ? "\u0000" : mark);
}

/** The message that a row holds. */
export function toMessage(room: string, row: Row): Message {
  const [id, at, sender, message, data, kind] = row;
  const content: Content = message === null
    ? { data: JSON.parse(data ?? "null") }
    : data === null
    ? { message: fromStored(message) }
    : { message: fromStored(message), data: JSON.parse(data) };
  return makeMessage(
    room,
    id,
    fromStored(sender),
    content,
    kind === "action",
    new Date(at).toISOString(),
  );
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
