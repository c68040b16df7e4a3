import type { Annotations, Content, Message, MessageKind } from "../../protocol.ts";
import { canonicalJson } from "../../lib/canonical_json.ts";
import type { MessageDraft } from "../broker.ts";

// A line holds one message: sender, text, data, kind and annotations, separated by tabs, without the
// empty fields at the end. All but the kind are JSON, which contains no raw tab, line break or NUL,
// so nothing needs escaping. Room, id and time come from the chunk. Lines of versions before 1.0 have
// `"verified":true` instead of an account: the sender's name was proven.
const FIELD = "\t";

/** Separates the lines of a chunk. */
export const LINE_BREAK = "\n";

/**
 * Encodes a message. `sender` is JSON already: consecutive messages often have the same one.
 *
 * @throws {TypeError} for content that JSON cannot hold.
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
    ...(isKind(kind) ? { kind } : {}),
    ...(annotations === undefined ? {} : { annotations: readAnnotations(annotations, sender) }),
  });
}

/** Whether this version knows the kind. */
function isKind(kind: string | undefined): kind is MessageKind {
  return kind !== undefined && (kind === "action" || kind.startsWith("x-"));
}

function readAnnotations(json: string, sender: string): Annotations {
  const { verified, ...annotations } = JSON.parse(json) as StoredAnnotations;
  return verified === true ? { ...annotations, account: JSON.parse(sender) } : annotations;
}

type StoredAnnotations = Annotations & { readonly verified?: true };

/** Whether two lines have the same text, data and kind, and the same annotations of their sender. */
export function hasSameContent(line: string, other: string): boolean {
  const [, message = "", data = "", kind = "", annotations = ""] = line.split(FIELD);
  const [, message2 = "", data2 = "", kind2 = "", annotations2 = ""] = other.split(FIELD);
  return message === message2 && kind === kind2 && isSameJson(data, data2) &&
    isSameJson(senderAnnotations(annotations), senderAnnotations(annotations2));
}

function isSameJson(a: string, b: string): boolean {
  if (a === b) return true;
  // The order of fields does not change the length, so a short message costs no look into a long one.
  if (a.length !== b.length) return false;
  return canonicalJson(JSON.parse(a)) === canonicalJson(JSON.parse(b));
}

/** Annotations without those that the hub sets. */
function senderAnnotations(json: string): string {
  if (json === "") return "{}";
  const { verified: _verified, account: _account, ...own } = JSON.parse(json) as StoredAnnotations;
  return JSON.stringify(own);
}

/** The text of the message in a line, if it has any. */
export function textOf(line: string): string | undefined {
  const message = line.split(FIELD, 2)[1];
  return message === undefined || message === "" ? undefined : JSON.parse(message);
}

/** Creates a message with its fields in the order of the protocol. */
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
  // Written out, so that nearly all messages share one object shape.
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
