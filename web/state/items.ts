import { type MentionRule, mentions } from "../../chat/mention.ts";
import { type Direct, type Message, nameKey } from "../../protocol.ts";
import type { NewItem, Said } from "./types.ts";

/** A message of a room as an entry of its log. */
export function saidItem(
  message: Message,
  me: string | undefined,
  rule?: MentionRule,
): Omit<Said, "seq"> {
  const { id, sender, timestamp, kind } = message;
  const mine = me !== undefined && nameKey(sender) === nameKey(me);
  const text = textOf(message);
  return {
    kind: "said",
    id,
    sender,
    text,
    at: Date.parse(timestamp),
    action: kind === "action",
    mine,
    mention: !mine && mentions(message.message, me, rule),
  };
}

/** A private message as an entry of its log. */
export function directItem(direct: Direct, mine: boolean): NewItem {
  const { sender, timestamp } = direct;
  const text = textOf(direct);
  return {
    kind: "said",
    sender,
    text,
    at: Date.parse(timestamp),
    action: false,
    mine,
    mention: false,
    direct,
  };
}

/** What there is to read: the text, and data as code. */
export function textOf(
  { message, data }: { readonly message?: string; readonly data?: unknown },
): string {
  if (data === undefined) return message ?? "";
  const code = "```\n" + JSON.stringify(data, undefined, 2) + "\n```";
  return message === undefined ? code : `${message}\n${code}`;
}
