import type { Limits, MessageKind } from "../protocol.ts";
import type { Place } from "./commands.ts";

/** A `ref` and a `key` as long as those that clients send, which count against the limit. */
const REFERENCES = { ref: 999_999, key: "k".repeat(28) };
/** The share of the limit from which the size of a draft is shown. */
const SHOWN_FROM = 0.9;

/** The size of a message, and the hub's limit, in bytes. */
export interface MessageSize {
  readonly bytes: number;
  readonly limit: number;
}

const encoder = new TextEncoder();

/** The size of a message on the wire, once it is near the hub's limit; `undefined` below. */
export function sizeNearLimit(
  text: string,
  place: Place,
  { maxMessageBytes: limit }: Pick<Limits, "maxMessageBytes">,
  kind?: MessageKind,
): MessageSize | undefined {
  // A character takes at most six bytes in JSON, so short texts need no counting.
  if (text.length * 6 + 512 < limit * SHOWN_FROM) return undefined;
  const common = { format: "markdown", message: text, ...REFERENCES };
  const frame = place.kind === "room"
    ? { type: "message", room: place.room, kind, ...common }
    : { type: "direct", to: place.kind === "private" ? place.name : "", ...common };
  const bytes = encoder.encode(JSON.stringify(frame)).length;
  return bytes < limit * SHOWN_FROM ? undefined : { bytes, limit };
}
