import {
  type Content,
  isFields,
  type MessageKind,
  parseFields,
  parseJson,
  type SenderAnnotations,
} from "../../protocol.ts";
import type { InputLine } from "../../lib/input_lines.ts";

/** A message to send: text, data, or both. */
export type OutgoingContent = Content & SenderAnnotations & { readonly kind?: MessageKind };

/** One line of input: a message to send, or why it cannot be sent. */
export type OutgoingItem =
  | { readonly number: number; readonly content: OutgoingContent }
  | { readonly number: number; readonly problem: string };

/** Sends each line as text; skips blank lines. */
export function* textItem(line: InputLine): Generator<OutgoingItem> {
  if ("problem" in line) yield line;
  else if (line.text.trim() !== "") yield { number: line.number, content: { message: line.text } };
}

/**
 * Sends the `message`, `data`, `kind`, `format`, `via` and `x-…` fields of each line, a JSON object;
 * skips blank lines. Ignores other fields, so that the output of `bcast listen --json` can be resent.
 */
export function* jsonItem(line: InputLine): Generator<OutgoingItem> {
  if ("problem" in line) {
    yield line;
  } else if (line.text.trim() !== "") {
    const { number } = line;
    const content = readObject(line.text);
    yield typeof content === "string" ? { number, problem: content } : { number, content };
  }
}

export async function* itemsOf(
  lines: AsyncIterable<InputLine>,
  read: (line: InputLine) => Iterable<OutgoingItem>,
): AsyncGenerator<OutgoingItem> {
  for await (const line of lines) yield* read(line);
}

/** Reads a JSON object. Returns a string if it is not a message. */
function readObject(text: string): OutgoingContent | string {
  const value = parseJson(text);
  // Not the parser's error, which quotes the line: it may be long and hostile.
  if (!isFields(value)) return `it is not a JSON object like {"message":"hi"}`;
  const { message, data, kind, format, via } = value;
  const extensions = Object.fromEntries(
    Object.entries(value).filter(([name]) => name.startsWith("x-")),
  );
  if (typeof message === "string" && !message.isWellFormed()) {
    return `its "message" has a lone surrogate, which UTF-8 cannot encode`;
  }
  const parsed = parseFields("message", { ...extensions, message, data, kind, format, via });
  if (!parsed.ok) return parsed.error.message;
  const { type: _type, ...content } = parsed.frame;
  return content;
}
