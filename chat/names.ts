import { nameKey, normalizeName } from "../protocol.ts";

/**
 * Splits an argument into a name and the rest: the longest known name, a quoted one, or the first
 * word. An `@` before it is ignored.
 */
export function splitName(
  given: string,
  people: readonly string[],
): readonly [name: string, rest: string] {
  const keys = new Map(people.map((name) => [nameKey(name), name]));
  return splitKnownName(given, (name) => keys.get(nameKey(name)));
}

/** Like {@linkcode splitName}, with a function that finds people by normalized name, in any case. */
export function splitKnownName(
  given: string,
  find: (name: string) => string | undefined,
): readonly [name: string, rest: string] {
  const text = given.replace(/^@/, "");
  const ends = [...Array.from(text.matchAll(/\s+/g), ({ index }) => index), text.length];
  for (const end of ends.slice(0, MAX_WORDS).reverse()) {
    const name = normalizeName(text.slice(0, end));
    const known = name === undefined ? undefined : find(name);
    if (known !== undefined) return [known, text.slice(end).trim()];
  }
  const [, word = "", quoted, rest = ""] = /^("([^"]+)"|\S+)\s*(.*)$/s.exec(text) ?? [];
  return [quoted ?? word, rest];
}

/** Words of a name at most: it has 32 characters. */
const MAX_WORDS = 17;

/** A name for {@linkcode splitName}, quoted if it has spaces. */
export function quotedName(name: string): string {
  return /\s/.test(name) && !name.includes('"') ? `"${name}"` : name;
}
