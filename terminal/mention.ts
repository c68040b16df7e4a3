import { nameKey } from "../protocol.ts";

/** Finds words in text; `undefined` where there is nothing to find. */
export type Finder = RegExp;

// What goes on with a word: `Al` is not meant by `Alice`. Apostrophes do not: `Alice's` means her.
const LETTER = String.raw`[\p{L}\p{N}\p{M}_]`;

/** Finds a name where it stands for itself, whatever its case. */
export function nameFinder(name: string | undefined): Finder | undefined {
  if (name === undefined || nameKey(name) === "") return undefined;
  return finder([name], "");
}

/** Finds the words of a search as the hub does: whole, or by their beginning with `*`. */
export function wordFinder(query: string): Finder | undefined {
  const words = query.split(/[\s"\p{Cc}]+/u).filter((word) => /[\p{L}\p{N}]/u.test(word));
  if (words.length === 0) return undefined;
  // The hub's index takes words apart at whatever is no letter.
  const parts = words.flatMap((word) => {
    const open = word.endsWith("*");
    const pieces = word.split(/[^\p{L}\p{N}\p{M}]+/u).filter((piece) => piece !== "");
    return pieces.map((piece, at) => ({ piece, open: open && at === pieces.length - 1 }));
  });
  return new RegExp(
    parts.map(({ piece, open }) => pattern(piece, open ? `${LETTER}*` : "")).join("|"),
    "giu",
  );
}

/** `text` with `mark` around what `finder` finds. */
export function highlight(
  text: string,
  finder: Finder | undefined,
  mark: (found: string) => string,
): string {
  return finder === undefined ? text : text.replaceAll(finder, (found) => mark(found));
}

/** Whether there is something of `finder` in `text`. */
export function finds(finder: Finder | undefined, text: string | undefined): boolean {
  // Not `test()`: it would remember where it stopped.
  return finder !== undefined && text !== undefined && text.search(finder) !== -1;
}

function finder(words: readonly string[], end: string): Finder {
  return new RegExp(words.map((word) => pattern(word, end)).join("|"), "giu");
}

function pattern(word: string, end: string): string {
  const escaped = word.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
  return `(?<!${LETTER})${escaped}${end}(?!${LETTER})`;
}
