import { closestString, levenshteinDistance } from "@std/text";

/** `1 message`, `2 messages`. */
export function plural(count: number, one: string, many: string = one + "s"): string {
  return `${count.toLocaleString("en-US")} ${count === 1 ? one : many}`;
}

/** `Did you mean "port"?`, or nothing when no known word is similar. */
export function suggestion(
  given: string,
  known: readonly string[],
  show: (word: string) => string = (word) => word,
): string {
  if (known.length === 0) return "";
  const typed = given.toLowerCase();
  const nearest = closestString(typed, known);
  return isTypo(typed, nearest) ? `Did you mean ${show(nearest)}?` : "";
}

/** Whether up to a third of the letters differ, or two or more changed places: `prot` for `port`. */
function isTypo(typed: string, word: string): boolean {
  const length = Math.max(typed.length, word.length);
  const letters = (text: string): string => [...text].sort().join("");
  return levenshteinDistance(typed, word) <= Math.max(1, Math.floor(length / 3)) ||
    letters(typed) === letters(word);
}
