import { itemsOf } from "./log.ts";
import type { ChatMessage, Log } from "./types.ts";

/** Messages that a search without the hub shows at most. */
const MAX_FOUND = 200;

/** The newest messages of `log` with words that begin with each of `words`, newest first. */
export function searchLog(log: Log, words: readonly string[]): readonly ChatMessage[] {
  // Only letters, digits and underscores are in there: nothing to escape.
  const patterns = words.map((word) => new RegExp(`(?<![\\p{L}\\p{N}_])${word}`, "iu"));
  return [...itemsOf(log)]
    .filter((item) => item.kind === "said" && item.id !== undefined)
    .filter(({ text }) => patterns.every((pattern) => pattern.test(text)))
    .slice(-MAX_FOUND).reverse() as ChatMessage[];
}
