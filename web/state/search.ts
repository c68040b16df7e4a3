import { itemsOf } from "./log.ts";
import type { ChatMessage, Log } from "./types.ts";

/** Results that a search without the hub shows. */
const MAX_FOUND = 200;

/** The newest messages with words that begin with each of `words`, newest first. */
export function searchLog(log: Log, words: readonly string[]): readonly ChatMessage[] {
  // The words consist of letters, digits and underscores, so they need no escaping.
  const patterns = words.map((word) => new RegExp(`(?<![\\p{L}\\p{N}_])${word}`, "iu"));
  return [...itemsOf(log)]
    .filter((item) => item.kind === "said" && item.id !== undefined)
    .filter(({ text }) => patterns.every((pattern) => pattern.test(text)))
    .slice(-MAX_FOUND).reverse() as ChatMessage[];
}
