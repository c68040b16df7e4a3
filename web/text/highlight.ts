/** A part of a text, and whether it matches the search. */
export interface TextStretch {
  readonly text: string;
  readonly hit: boolean;
}

/** The words of a search. */
export function wordsOf(query: string): readonly string[] {
  return [...new Set(query.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? [])];
}

/** Splits `text` into parts: those where words begin with one of `words`, and the rest. */
export function highlight(text: string, words: readonly string[]): readonly TextStretch[] {
  if (words.length === 0) return [{ text, hit: false }];
  // Only letters, digits and underscores are in there: nothing to escape.
  const longest = words.toSorted((a, b) => b.length - a.length);
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}_])(?:${longest.join("|")})`, "giu");
  const stretches: TextStretch[] = [];
  let from = 0;
  for (const { 0: hit, index } of text.matchAll(pattern)) {
    if (index > from) stretches.push({ text: text.slice(from, index), hit: false });
    stretches.push({ text: hit, hit: true });
    from = index + hit.length;
  }
  if (from < text.length) stretches.push({ text: text.slice(from), hit: false });
  return stretches;
}
