import { nameKey, normalizeName } from "../protocol.ts";

/**
 * Takes a name off the front of what a command was given: the longest one known, or one in quotes,
 * or the first word. An `@` before it is no part of it.
 */
export function splitName(
  given: string,
  people: readonly string[],
): readonly [name: string, rest: string] {
  const keys = new Map(people.map((name) => [nameKey(name), name]));
  return splitKnownName(given, (name) => keys.get(nameKey(name)));
}

/** As {@linkcode splitName}, where `find` knows the people: normalized names, whatever their case. */
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

/** `name` as {@linkcode splitName} takes it off again, whoever is known. */
export function quotedName(name: string): string {
  return /\s/.test(name) && !name.includes('"') ? `"${name}"` : name;
}
