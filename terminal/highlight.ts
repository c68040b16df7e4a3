import { type MentionRule, mentionsIn, type Stretch } from "../chat/mention.ts";

/** Finds the parts of a row to highlight. */
export type Finder = (row: string) => readonly Stretch[];

const LETTER = String.raw`[\p{L}\p{N}\p{M}_]`;

/** Finds the mentions of a person; `undefined` without a name. */
export function mentionFinder(name: string | undefined, rule: MentionRule): Finder | undefined {
  return name === undefined ? undefined : (row) => mentionsIn(row, name, rule);
}

/** Finds the words of a search as the hub does: whole, or prefixes with `*`. */
export function wordFinder(query: string): Finder | undefined {
  // The hub's index splits words at everything that is no letter.
  const patterns = query.split(/[\s"\p{Cc}]+/u).flatMap((word) => {
    const pieces = word.split(/[^\p{L}\p{N}\p{M}]+/u).filter((piece) => piece !== "");
    const isOpen = word.endsWith("*");
    // Letters, digits and marks need no escaping in a pattern.
    return pieces.map((piece, at) =>
      isOpen && at === pieces.length - 1 ? `${piece}${LETTER}*` : piece
    );
  });
  if (patterns.length === 0) return undefined;
  const words = new RegExp(`(?<!${LETTER})(?:${patterns.join("|")})(?!${LETTER})`, "giu");
  return (row) =>
    Array.from(row.matchAll(words), ({ 0: { length }, index }) => ({
      start: index,
      end: index + length,
    }));
}

/** Applies `mark` to the parts that `finder` finds. */
export function highlight(
  row: string,
  finder: Finder | undefined,
  mark: (found: string) => string,
): string {
  let marked = "";
  let from = 0;
  for (const { start, end } of finder?.(row) ?? []) {
    marked += row.slice(from, start) + mark(row.slice(start, end));
    from = end;
  }
  return marked + row.slice(from);
}
