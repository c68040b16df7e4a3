import { type MentionRule, mentions } from "../../chat/mention.ts";
import { type Direct, type Message, nameKey } from "../../protocol.ts";
import { shownText } from "./sanitize.ts";
import type { ChatMessage, NewChatMessage } from "./types.ts";

/** A message of a room as an entry of its log. */
export function messageItem(
  message: Message,
  me: string | undefined,
  rule?: MentionRule,
): NewChatMessage {
  const { id, sender, timestamp, kind } = message;
  const mine = me !== undefined && nameKey(sender) === nameKey(me);
  const text = messageText(message);
  return {
    kind: "said",
    id,
    sender,
    text,
    ...meant(message),
    at: Date.parse(timestamp),
    action: kind === "action",
    mine,
    mention: !mine && mentions(message.message, me, rule),
  };
}

/**
 * A private message as an entry of its log.
 *
 * @param told the message as it came, for exports.
 */
export function directItem(direct: Direct, mine: boolean, told = direct): NewChatMessage {
  const { sender, timestamp } = direct;
  const text = messageText(direct);
  return {
    kind: "said",
    sender,
    text,
    ...meant(direct),
    at: Date.parse(timestamp),
    action: false,
    mine,
    mention: false,
    direct: told,
  };
}

/** What there is to read: the text, and data as code. */
export function messageText(
  { message, data }: { readonly message?: string; readonly data?: unknown },
): string {
  if (data === undefined) return message ?? "";
  const code = fenced(codeOf(data));
  return message === undefined ? code : `${message}\n${code}`;
}

/** The text of a message without the data that came with it. */
export function textWithoutData({ text, data }: Pick<ChatMessage, "text" | "data">): string {
  return data === undefined ? text : text.slice(0, -fenced(data).length).replace(/\n$/, "");
}

/** How a message is to be shown. */
function meant(
  { format, verified, data }: Pick<Message, "format" | "verified" | "data">,
): Pick<ChatMessage, "format" | "verified" | "data"> {
  return {
    ...(verified ? { verified } : {}),
    ...(format === undefined ? {} : { format }),
    ...(data === undefined ? {} : { data: codeOf(data) }),
  };
}

function codeOf(data: unknown): string {
  return shownText(JSON.stringify(data, undefined, 2));
}

function fenced(code: string): string {
  return "```\n" + code + "\n```";
}
