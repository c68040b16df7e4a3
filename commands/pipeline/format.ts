import { localDate, localTime } from "../../chat/time.ts";
import { safeJson } from "../../protocol.ts";
import { type Message, visible } from "../../protocol.ts";

/** A message, and the life of its room's numbering. */
export interface FormattedMessage {
  readonly message: Message;
  readonly epoch: string;
}

const FIELDS: Readonly<Record<string, (shown: FormattedMessage) => string>> = {
  id: ({ message }) => String(message.id),
  room: ({ message }) => message.room,
  sender: ({ message }) => message.sender,
  message: ({ message }) => message.message ?? "",
  data: ({ message }) => message.data === undefined ? "" : safeJson(message.data),
  timestamp: ({ message }) => message.timestamp,
  date: ({ message }) => local(message.timestamp, localDate),
  time: ({ message }) => local(message.timestamp, localTime),
  kind: ({ message }) => message.kind ?? "",
  epoch: ({ epoch }) => epoch,
};

/** A part of a moment where the user is; as it came, where it is none. */
function local(timestamp: string, part: (time: Date) => string): string {
  const time = new Date(timestamp);
  return Number.isNaN(time.getTime()) ? timestamp.slice(0, 30) : part(time);
}

/** The fields of a template. */
export const FIELD_NAMES: readonly string[] = Object.keys(FIELDS);

/** Writes the line for a message, without its end. */
export type FormatTemplate = (shown: FormattedMessage) => string;

/**
 * Reads a template such as `{sender}: {message}`; `{{` and `}}` stand for braces.
 *
 * Whatever a message holds, its line is one line, and nothing in it moves a cursor: newlines and
 * controls are shown as pictures. Returns what is wrong with the template as a string: "it …".
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
        return `it has {${visible(name.slice(0, 40))}}, and the fields are ${
          FIELD_NAMES.join(", ")
        }`;
      }
      parts.push((shown) => visible(field(shown)));
    } else if (piece === "{" || piece === "}") {
      return `it has a single ${piece}: write ${piece}${piece} for a brace`;
    } else {
      parts.push(() => piece);
    }
  }
  return (shown) => parts.map((part) => part(shown)).join("");
}
