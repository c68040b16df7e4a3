/**
 * Mentions of a person, in the terminal and in the web page.
 *
 * @module
 */

import { foldText } from "../protocol.ts";

/** `at`: only `@name` mentions a person. `name`: the bare name does, too. */
export const MENTION_RULES = ["at", "name"] as const;

/** One of {@linkcode MENTION_RULES}. */
export type MentionRule = (typeof MENTION_RULES)[number];

/** A stretch of a text, in UTF-16 units; `end` is not part of it. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
}

// Normalization may join a character with its marks, and Hangul letters to syllables.
const UNIT = /(?:\p{Script=Hangul}+|[^])[\p{M}\uFF9E\uFF9F]*/gu;

const WORD = /[\p{L}\p{N}\p{M}_]/u;

/** Scripts without spaces between words: only another script shows where a word ends. */
const UNSPACED = ["Han", "Hiragana", "Katakana", "Hangul", "Thai", "Lao", "Khmer", "Myanmar"]
  .map((script) =>
    new RegExp(`[\\p{Script=${script}}${script === "Katakana" ? "\u30FC" : ""}]`, "u")
  );

/** Whether `text` mentions a person. */
export function mentions(
  text: string | undefined,
  name: string | undefined,
  rule: MentionRule = "at",
): boolean {
  return text !== undefined && mentionsIn(text, name, rule).length > 0;
}

/**
 * Where `text` mentions `name`, in order and without overlaps. Names are compared as the hub does,
 * so case, width and invisible characters make no difference.
 */
export function mentionsIn(
  text: string,
  name: string | undefined,
  rule: MentionRule = "at",
): readonly Stretch[] {
  const key = fold(name ?? "");
  if (key === "") return [];
  // Most texts contain no mention, so their units are not needed.
  if (!fold(text).includes(rule === "at" ? `@${key}` : key)) return [];
  const { folded, origins } = unitsOf(text);
  const found: Stretch[] = [];
  for (let at = folded.indexOf(key); at !== -1; at = folded.indexOf(key, at + 1)) {
    const isAddressed = folded.charAt(at - 1) === "@";
    if (rule === "at" && !isAddressed) continue;
    // A mark that begins a name is one unit with the sign before it.
    const from = isAddressed ? at - 1 : at;
    const to = at + key.length;
    const start = origins.get(from);
    const end = origins.get(to);
    if (start === undefined || end === undefined || start < (found.at(-1)?.end ?? 0)) continue;
    if (isStart(folded, from, isAddressed) && isEnd(folded, to)) found.push({ start, end });
  }
  return found;
}

function fold(text: string): string {
  // The form of a final sigma depends on its neighbours.
  return foldText(text).replaceAll("ς", "σ");
}

/** The text in the form in which names are compared, and the origin of each of its units. */
function unitsOf(
  text: string,
): { readonly folded: string; readonly origins: ReadonlyMap<number, number> } {
  const origins = new Map<number, number>();
  let folded = "";
  for (const { 0: unit, index } of text.matchAll(UNIT)) {
    // Characters that fold to nothing belong to the unit before them.
    origins.set(folded.length, index);
    folded += fold(unit);
  }
  origins.set(folded.length, text.length);
  return { folded, origins };
}

/** Whether a mention may start there: not in a word, nor in the middle of a mail address. */
function isStart(folded: string, start: number, isAddressed: boolean): boolean {
  const [beforeLast = "", last = ""] = lastTwo(folded.slice(Math.max(0, start - 4), start));
  if (isAddressed) return !WORD.test(last) || scriptOf(last) !== undefined;
  const [first = ""] = folded.slice(start, start + 2);
  return !isJoined(last, first) && !isConnected(beforeLast, last, first);
}

/** Whether a mention may end there: `@Al` is no part of `@Alice`, nor `@Eve` of `@Eve-2`. */
function isEnd(folded: string, end: number): boolean {
  const [, last = ""] = lastTwo(folded.slice(Math.max(0, end - 4), end));
  const [next = "", afterNext = ""] = folded.slice(end, end + 4);
  return !isJoined(last, next) && !isConnected(last, next, afterNext);
}

/** The last two characters; an empty one in the place of the one before the first. */
function lastTwo(text: string): readonly string[] {
  const characters = [...text];
  return [characters.at(-2) ?? "", characters.at(-1) ?? ""];
}

/** Whether two words are one name, such as `Eve-2`. */
function isConnected(one: string, between: string, other: string): boolean {
  return /^[-.]$/.test(between) && WORD.test(one) && WORD.test(other);
}

function isJoined(one: string, next: string): boolean {
  if (/\p{M}/u.test(next)) return true;
  return WORD.test(one) && WORD.test(next) && scriptOf(one) === scriptOf(next);
}

function scriptOf(character: string): RegExp | undefined {
  return UNSPACED.find((script) => script.test(character));
}
