import { localDate, localTime } from "../../chat/time.ts";
import { safeJson, visible } from "../../protocol.ts";
import type { ReceivedMessage } from "./follow.ts";

const FIELDS: Readonly<Record<string, (received: ReceivedMessage) => string>> = {
  id: ({ message }) => String(message.id),
  room: ({ message }) => message.room,
  sender: ({ message }) => message.sender,
  account: ({ message }) => message.account ?? "",
  message: ({ message }) => message.message ?? "",
  data: ({ message }) => message.data === undefined ? "" : safeJson(message.data),
  timestamp: ({ message }) => message.timestamp,
  date: ({ message }) => local(message.timestamp, localDate),
  time: ({ message }) => local(message.timestamp, localTime),
  kind: ({ message }) => message.kind ?? "",
  epoch: ({ epoch }) => epoch,
};

/** A part of a timestamp in local time; unchanged if the timestamp is invalid. */
function local(timestamp: string, part: (time: Date) => string): string {
  const time = new Date(timestamp);
  return Number.isNaN(time.getTime()) ? timestamp.slice(0, 30) : part(time);
}

export const FIELD_NAMES: readonly string[] = Object.keys(FIELDS);

/** Formats a message as one line, without its newline. */
export type FormatTemplate = (received: ReceivedMessage) => string;

/**
 * Reads a template such as `{sender}: {message}`; `{{` and `}}` stand for braces.
 *
 * Newlines and control characters in a message are shown as symbols, so that it stays one harmless
 * line. Returns a string if the template is invalid: "it …".
 */
export function parseTemplate(template: string): FormatTemplate | string {
  const parts: FormatTemplate[] = [];
  const pattern = /\{\{|\}\}|\{([^{}]*)\}|[{}]|[^{}]+/g;
  for (const [piece, name] of template.matchAll(pattern)) {
    if (piece === "{{" || piece === "}}") {
      parts.push(() => piece.charAt(0));
    } else if (name !== undefined) {
      const field = Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined;
      if (field === undefined) {
        const unknown = visible(name.slice(0, 40));
        return `it has {${unknown}}, but the fields are ${FIELD_NAMES.join(", ")}`;
      }
      parts.push((received) => visible(field(received)));
    } else if (piece === "{" || piece === "}") {
      return `it has a single ${piece}: write ${piece}${piece} for a brace`;
    } else {
      parts.push(() => piece);
    }
  }
  return (received) => parts.map((part) => part(received)).join("");
}
