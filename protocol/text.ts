const encoder = new TextEncoder();

/** Whether `text` takes at most `limit` bytes as UTF-8; free for short and for hopelessly long text. */
export function fitsBytes(text: string, limit: number): boolean {
  // A UTF-16 unit is one to three bytes of UTF-8 (a pair of them, four).
  if (text.length * 3 <= limit) return true;
  if (text.length > limit) return false;
  return encoder.encode(text).length <= limit;
}

/** `text`, cut at a character so that it takes at most `limit` bytes as UTF-8. */
export function cutToBytes(text: string, limit: number): string {
  if (fitsBytes(text, limit)) return text;
  const buffer = new Uint8Array(limit);
  return text.slice(0, encoder.encodeInto(text, buffer).read);
}

// Everything that could move a cursor, ring, set a title, switch colours, or reorder what is
// beside it: C0 and C1 controls (ESC and CSI among them), DEL, line and paragraph separators,
// the bidirectional marks, embeddings, overrides and isolates, and other invisible formatting
// but the joiners U+200C and U+200D.
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]|(?![\u200C\u200D])\p{Cf}/gu;
const UNSAFE_BUT_LINES = /(?![\n\t])[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]|(?![\u200C\u200D])\p{Cf}/gu;

/**
 * `text` with everything that a terminal or a log would obey made visible instead: C0 controls as
 * their Unicode pictures (`␛`), the rest as `<U+202E>`.
 *
 * With `keepLines`, newlines and tabs stay as they are.
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

// What a terminal would obey, as JSON lets it through: controls (C1 among them), format characters
// (bidirectional overrides among them), separators of lines, lone surrogates. A newline is never part
// of a text there, only of the layout.
const UNSAFE_IN_JSON = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/**
 * JSON that any terminal shows harmlessly and that reads back as exactly `value`; in one line without
 * `space`.
 */
export function safeJson(
  value: unknown,
  replacer?: (key: string, item: unknown) => unknown,
  space?: number,
): string {
  return JSON.stringify(value, replacer, space).replace(UNSAFE_IN_JSON, (character) => {
    // By UTF-16 units: that is what \u in JSON names.
    return character.split("").map((unit) =>
      `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`
    ).join("");
  });
}
