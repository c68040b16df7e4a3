import {
  type Content,
  isFields,
  type MessageKind,
  parseFields,
  parseJson,
  type SenderAnnotations,
} from "../../protocol.ts";
import type { InputLine } from "./lines.ts";

/** What is to be sent: text, data, or both. */
export type Sendable = Content & SenderAnnotations & { readonly kind?: MessageKind };

/** One line of the input, as what is to be sent or as why it cannot be. */
export type OutgoingItem =
  | { readonly number: number; readonly content: Sendable }
  | { readonly number: number; readonly problem: string };

/** Every line that is not blank, as a message. */
export function* textItem(line: InputLine): Generator<OutgoingItem> {
  if ("problem" in line) yield line;
  // A blank line is no message.
  else if (line.text.trim() !== "") yield { number: line.number, content: { message: line.text } };
}

/**
 * Every line that is not blank, as a JSON object: its `message`, `data`, `kind`, `format` and `via`
 * are what is sent. Other fields are ignored, so that what `bcast listen --json` prints can be sent
 * on.
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

/** The items of all lines. */
export async function* itemsOf(
  lines: AsyncIterable<InputLine>,
  read: (line: InputLine) => Iterable<OutgoingItem>,
): AsyncGenerator<OutgoingItem> {
  for await (const line of lines) yield* read(line);
}

/** What an object says, or what is wrong with it. */
function readObject(text: string): Sendable | string {
  const value = parseJson(text);
  // The parser's own words would quote the line, which may be long and hostile.
  if (!isFields(value)) return `it is no JSON object such as {"message":"hi"}`;
  const { message, data, kind, format, via } = value;
  if (typeof message === "string" && !message.isWellFormed()) {
    return `its "message" holds half of a surrogate pair, which has no UTF-8`;
  }
  const parsed = parseFields("message", { message, data, kind, format, via });
  if (!parsed.ok) return parsed.error.message;
  const { type: _type, ...content } = parsed.frame;
  return content;
}
