/** The default room. */
export const DEFAULT_ROOM = "lobby";

/** The longest room name, in characters. */
export const MAX_ROOM_LENGTH = 64;

/** The longest user name, in code points. */
export const MAX_NAME_LENGTH = 32;

const ROOM = /^[a-z0-9][a-z0-9._-]*$/;

// Control, format (including bidirectional overrides), surrogate and private characters,
// except the joiners U+200C and U+200D, which Persian and many emoji need; also the characters
// with a meaning in commands, and separators other than a plain space.
const NOT_IN_NAME = /[\p{Cc}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}/@#:]|(?![\u200C\u200D])\p{Cf}/u;

// A fast path without Unicode work: ten thousand clients may connect at once.
const SIMPLE_NAME = /^[\w.-]{1,32}$/;

/** Whether `room` is 1 to 64 of `a-z 0-9 . _ -`, starting with a letter or digit. */
export function isRoomName(room: string): boolean {
  return room.length <= MAX_ROOM_LENGTH && ROOM.test(room);
}

/**
 * The display form of a name: Unicode NFC, with single spaces inside and none at the ends.
 *
 * Returns `undefined` unless `name` is 1 to 32 visible characters without `/ @ # :`.
 */
export function normalizeName(name: string): string | undefined {
  if (SIMPLE_NAME.test(name)) return name;
  // Caps the length before any Unicode work, since names are untrusted.
  if (name.length > 8 * MAX_NAME_LENGTH || NOT_IN_NAME.test(name)) return undefined;
  const shown = name.normalize("NFC").replace(/\p{Zs}+/gu, " ").trim();
  if (nameKey(shown) === "" || [...shown].length > MAX_NAME_LENGTH) return undefined;
  return shown;
}

// Invisible characters: joiners, variation selectors and Hangul fillers; and the empty Braille
// pattern, which looks like a space.
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\u2800]/gu;

/** Names with the same key are the same name: case, width and invisible characters do not count. */
export function nameKey(name: string): string {
  if (SIMPLE_NAME.test(name)) return name.toLowerCase();
  return foldText(name).trim();
}

/** `text` in the form in which names are compared; spaces at its ends stay. */
export function foldText(text: string): string {
  return text.normalize("NFKC").replace(INVISIBLE, "").toLowerCase();
}
