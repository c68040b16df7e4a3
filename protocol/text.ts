const encoder = new TextEncoder();

/** Whether `text` has at most `limit` bytes as UTF-8. Encodes it only if its length does not tell. */
export function fitsBytes(text: string, limit: number): boolean {
  // A UTF-16 unit is one to three bytes of UTF-8 (a pair of them, four).
  if (text.length * 3 <= limit) return true;
  if (text.length > limit) return false;
  return encoder.encode(text).length <= limit;
}

/** Cuts `text` at a character boundary to at most `limit` bytes of UTF-8. */
export function cutToBytes(text: string, limit: number): string {
  if (fitsBytes(text, limit)) return text;
  const buffer = new Uint8Array(limit);
  return text.slice(0, encoder.encodeInto(text, buffer).read);
}

// Characters that could control a terminal or reorder the text around them: C0 and C1 controls
// (including ESC and CSI), DEL, line and paragraph separators,
// the bidirectional marks, embeddings, overrides and isolates, and other invisible formatting
// but the joiners U+200C and U+200D.
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]|(?![\u200C\u200D])\p{Cf}/gu;
const UNSAFE_BUT_LINES = /(?![\n\t])[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]|(?![\u200C\u200D])\p{Cf}/gu;

/**
 * Makes untrusted text harmless for a terminal or a log: shows control and formatting characters
 * instead of emitting them, C0 controls as Unicode pictures (`␛`), others as `<U+202E>`.
 *
 * With `keepLines`, newlines and tabs stay.
 */
export function visible(text: string, options: { readonly keepLines?: boolean } = {}): string {
  return text.replace(options.keepLines ? UNSAFE_BUT_LINES : UNSAFE, picture);
}

function picture(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return "\u2421";
  return `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
}

// Characters that JSON does not escape but that could control a terminal: C1 controls, format
// characters (including bidirectional overrides), line separators, lone surrogates. A newline in JSON
// is only layout.
const UNSAFE_IN_JSON = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/**
 * Encodes `value` as JSON that is harmless on a terminal and parses back to the same value. One line,
 * unless `space` is given.
 */
export function safeJson(
  value: unknown,
  replacer?: (key: string, item: unknown) => unknown,
  space?: number,
): string {
  return JSON.stringify(value, replacer, space).replace(UNSAFE_IN_JSON, (character) => {
    // By UTF-16 units, as \u in JSON requires.
    return character.split("").map((unit) =>
      `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`
    ).join("");
  });
}
