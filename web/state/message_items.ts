import { sanitizedText } from "../../chat/content.ts";
import { type MentionRule, mentions } from "../../chat/mention.ts";
import { isVerified } from "../../chat/sender.ts";
import { type Direct, type Message, nameKey } from "../../protocol.ts";
import type { ChatMessage, NewChatMessage } from "./types.ts";

/** The log entry of a message in a room. */
export function messageItem(
  message: Message,
  me: string | undefined,
  rule?: MentionRule,
): NewChatMessage {
  const mine = me !== undefined && nameKey(message.sender) === nameKey(me);
  const mention = !mine && mentions(message.message, me, rule);
  const { id, kind } = message;
  return { ...item(message, mine), id, action: kind === "action", mention };
}

/**
 * The log entry of a private message.
 *
 * @param told the message as the hub sent it, for exports.
 */
export function directItem(direct: Direct, mine: boolean, told = direct): NewChatMessage {
  return { ...item(direct, mine), direct: told };
}

/** The text of a message, with the data as code. */
export function textWithData(
  { message, data }: { readonly message?: string; readonly data?: unknown },
): string {
  if (data === undefined) return message ?? "";
  const code = fenced(codeOf(data));
  return message === undefined ? code : `${message}\n${code}`;
}

/** The text of a log entry, without the data. */
export function textWithoutData({ text, data }: Pick<ChatMessage, "text" | "data">): string {
  return data === undefined ? text : text.slice(0, -fenced(data).length).replace(/\n$/, "");
}

function item(message: Message | Direct, mine: boolean): NewChatMessage {
  const { sender, timestamp, format, data } = message;
  return {
    kind: "said",
    sender,
    text: textWithData(message),
    verified: isVerified(message) || undefined,
    format,
    data: data === undefined ? undefined : codeOf(data),
    at: Date.parse(timestamp),
    action: false,
    mine,
    mention: false,
  };
}

function codeOf(data: unknown): string {
  return sanitizedText(JSON.stringify(data, undefined, 2));
}

function fenced(code: string): string {
  return "```\n" + code + "\n```";
}
