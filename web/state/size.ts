import { DEFAULT_LIMITS, type Limits } from "../../protocol.ts";

/** Bytes of a frame around its text: the type, the longest room, the mark. */
const AROUND = 160;

const encoder = new TextEncoder();

/** Bytes that a message may still take on the wire; negative when it is over the hub's limit. */
export function bytesLeft(text: string, limits: Limits = DEFAULT_LIMITS): number {
  const most = limits.maxMessageBytes - AROUND;
  // A character is at most six bytes in JSON: most texts need no counting.
  if (text.length * 6 < most - 2000) return most - text.length;
  return most - encoder.encode(JSON.stringify(text)).length;
}
