import { foldText } from "../../protocol.ts";
import { commandNamed, COMMANDS } from "./commands.ts";
import { findEmoji } from "./emoji.ts";

/** Things offered at once. */
const LIMIT = 8;

/** One thing to choose. */
export interface Choice {
  /** What is put in. */
  readonly insert: string;
  readonly label: string;
  readonly detail?: string;
}

/** What can stand where somebody is typing. */
export interface Completion {
  readonly kind: "emoji" | "person" | "room" | "command";
  /** The part of the text that a choice replaces. */
  readonly from: number;
  readonly to: number;
  readonly choices: readonly Choice[];
}

/** Whose names are known. */
export interface KnownWords {
  readonly people: readonly string[];
  readonly rooms: readonly string[];
}

/** What can complete `text` at `caret`; `undefined` where nothing can. */
export function completionAt(
  text: string,
  caret: number,
  known: KnownWords,
): Completion | undefined {
  const before = text.slice(0, caret);
  const found = command(before) ?? argument(before, known) ?? emoji(before) ??
    person(before, known);
  return found === undefined || found.choices.length === 0 ? undefined : found;
}

/** `text` with a choice put in, and where typing goes on. */
export function applied(
  text: string,
  { from, to }: Completion,
  { insert }: Choice,
): { readonly text: string; readonly caret: number } {
  return { text: text.slice(0, from) + insert + text.slice(to), caret: from + insert.length };
}

function command(before: string): Completion | undefined {
  const [, start] = /^\/([a-z]*)$/i.exec(before) ?? [];
  if (start === undefined) return undefined;
  const choices = COMMANDS.filter(({ name }) => name.startsWith(start.toLowerCase()))
    .map(({ name, takes, help }) => ({
      insert: `/${name}${takes === "" ? "" : " "}`,
      label: `/${name} ${takes}`.trimEnd(),
      detail: help,
    }));
  return { kind: "command", from: 0, to: before.length, choices };
}

function argument(before: string, known: KnownWords): Completion | undefined {
  const [, name = "", start = ""] = /^\/([a-z]+) (\S*)$/i.exec(before) ?? [];
  const completes = commandNamed(name)?.completes;
  if (completes === undefined) return undefined;
  const words = matching(known[completes], start.replace(/^[#@]/, ""));
  const choices = words.map((word) => ({
    insert: completes === "people" && word.includes(" ") ? `"${word}" ` : `${word} `,
    label: word,
  }));
  const kind = completes === "people" ? "person" : "room";
  return { kind, from: before.length - start.length, to: before.length, choices };
}

function emoji(before: string): Completion | undefined {
  const [whole, start = ""] = /(?<![\p{L}\p{N}:]):([a-z0-9_+-]{1,20})$/iu.exec(before) ?? [];
  if (whole === undefined) return undefined;
  const choices = findEmoji(start, LIMIT)
    .map(({ name, emoji }) => ({ insert: `${emoji} `, label: `${emoji} ${name}` }));
  return { kind: "emoji", from: before.length - whole.length, to: before.length, choices };
}

function person(before: string, { people }: KnownWords): Completion | undefined {
  const [whole, start = ""] = /(?<![\p{L}\p{N}])@(\S{0,32})$/u.exec(before) ?? [];
  if (whole === undefined) return undefined;
  const names = matching(people, start);
  // There is nothing left to complete: Enter sends.
  if (names.length === 1 && foldText(names[0] ?? "") === foldText(start)) return undefined;
  const choices = names.map((name) => ({ insert: `@${name} `, label: name }));
  return { kind: "person", from: before.length - whole.length, to: before.length, choices };
}

function matching(words: readonly string[], start: string): readonly string[] {
  const key = foldText(start);
  return words.filter((word) => foldText(word).startsWith(key)).slice(0, LIMIT);
}
