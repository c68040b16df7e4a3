import { closestString } from "@std/text";

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
  const nearest = closestString(given.toLowerCase(), known);
  return isSimilar(given.toLowerCase(), nearest) ? `Did you mean ${show(nearest)}?` : "";
}

/** Whether two words share half of their letters: the closest word may still be far off. */
function isSimilar(a: string, b: string): boolean {
  const rest = [...b];
  let shared = 0;
  for (const letter of a) {
    const at = rest.indexOf(letter);
    if (at === -1) continue;
    rest.splice(at, 1);
    shared++;
  }
  return shared * 2 >= Math.max(a.length, b.length);
}
