/** The permitted schemes: none that runs code or reads files. */
const SCHEMES: ReadonlySet<string> = new Set(["http:", "https:", "mailto:"]);

const LINK = /(?<![\p{L}\p{N}_])(?:https?:\/\/|mailto:)[^\s<>"`\p{Cc}\p{Cf}]+/giu;

/** Punctuation that ends a sentence rather than a link. */
const ENDING = ".,:;!?'*_~…";

const PAIRS: Readonly<Record<string, string>> = { ")": "(", "]": "[", "}": "{" };
const CLOSING: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };

/** A part of a text that is an address. */
export interface FoundLink {
  readonly index: number;
  readonly text: string;
  readonly href: string;
}

/** The addresses in `text`: `http`, `https` and `mailto`, without the punctuation after them. */
export function findLinks(text: string): readonly FoundLink[] {
  const found: FoundLink[] = [];
  for (const { 0: whole, index } of text.matchAll(LINK)) {
    const address = withoutEnding(whole);
    const href = safeHref(address);
    if (href !== undefined) found.push({ index, text: address, href });
  }
  return found;
}

/** `address` as a safe URL; `undefined` if it is none. */
export function safeHref(address: string): string | undefined {
  const url = URL.parse(address);
  if (url === null || !SCHEMES.has(url.protocol)) return undefined;
  if (url.protocol === "mailto:") return url.pathname.includes("@") ? url.href : undefined;
  // What stands before an @ looks like the host and is not.
  return url.hostname === "" || url.username !== "" || url.password !== "" ? undefined : url.href;
}

function withoutEnding(text: string): string {
  const excess = new Map<string, number>();
  for (const character of text) {
    const opening = PAIRS[character];
    if (opening !== undefined) excess.set(character, (excess.get(character) ?? 0) + 1);
    const closing = CLOSING[character];
    if (closing !== undefined) excess.set(closing, (excess.get(closing) ?? 0) - 1);
  }
  let end = text.length;
  for (; end > 0; end--) {
    const last = text.charAt(end - 1);
    if (ENDING.includes(last)) continue;
    // A bracket that was opened before the address ends with what surrounds it.
    const over = excess.get(last) ?? 0;
    if (PAIRS[last] === undefined || over <= 0) break;
    excess.set(last, over - 1);
  }
  return text.slice(0, end);
}
