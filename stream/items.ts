import type { Content, MessageKind } from "../protocol.ts";
import type { Line } from "./lines.ts";

/** What is to be sent: text, data, or both. */
export type Sendable = Content & { readonly kind?: MessageKind };

/** One line of the input, as what is to be sent or as why it cannot be. */
export type Item =
  | { readonly number: number; readonly content: Sendable }
  | { readonly number: number; readonly problem: string };

/** Every line that is not blank, as a message. */
export function* textItem({ number, text }: Line): Generator<Item> {
  if (text === undefined) yield { number, problem: "it is far too long" };
  // A blank line is no message.
  else if (text !== "") yield { number, content: { message: text } };
}

/**
 * Every line that is not blank, as a JSON object: its `message`, `data` and `kind` are what is sent.
 * Whatever else it holds is passed over, so that what `bcast listen --json` prints can be sent on.
 */
export function* jsonItem({ number, text }: Line): Generator<Item> {
  if (text === undefined) {
    yield { number, problem: "it is far too long" };
  } else if (text.trim() !== "") {
    const content = readObject(text);
    yield typeof content === "string" ? { number, problem: content } : { number, content };
  }
}

/** The items of all lines. */
export async function* itemsOf(
  lines: AsyncIterable<Line>,
  read: (line: Line) => Iterable<Item>,
): AsyncGenerator<Item> {
  for await (const line of lines) yield* read(line);
}

/** What an object says, or what is wrong with it. */
function readObject(text: string): Sendable | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Its words would quote the line, which may be long and hostile.
    return `it is no JSON object such as {"message":"hi"}`;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return `it is no JSON object such as {"message":"hi"}`;
  }
  const { message, data, kind }: { message?: unknown; data?: unknown; kind?: unknown } = value;
  if (message !== undefined && typeof message !== "string") return `its "message" must be text`;
  if (kind !== undefined && kind !== "action") return `its "kind" can only be "action"`;
  const more = kind === undefined ? {} : { kind } as const;
  if (message !== undefined) return { message, ...(data === undefined ? {} : { data }), ...more };
  if (data === undefined) return `it needs a "message" or "data"`;
  return { data, ...more };
}
