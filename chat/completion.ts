import { foldText } from "../protocol.ts";
import type { ChatActions, CommandTable, KnownWords } from "./commands.ts";
import { quotedName } from "./names.ts";

/** One candidate. */
export interface Choice {
  /** The text that replaces the typed part. */
  readonly insert: string;
  readonly label: string;
  readonly detail?: string;
}

/** The candidates at a caret, at least one. */
export interface Completion {
  readonly kind: "emoji" | "person" | "room" | "command" | "word";
  /** The part of the text that a choice replaces. */
  readonly from: number;
  readonly to: number;
  readonly choices: readonly Choice[];
}

/** Completes the text before the caret: a command, its argument, or a mention. */
export function completionAt<A extends ChatActions>(
  before: string,
  known: KnownWords,
  commands: CommandTable<A>,
): Completion | undefined {
  return command(before, commands) ?? argument(before, known, commands) ?? mention(before, known);
}

/** A completion of the last `length` characters of `before`; `undefined` without choices. */
export function completion(
  kind: Completion["kind"],
  before: string,
  length: number,
  choices: readonly Choice[],
): Completion | undefined {
  if (choices.length === 0) return undefined;
  return { kind, from: before.length - length, to: before.length, choices };
}

/** The words that begin with `start`, regardless of case and width. */
export function matching(words: readonly string[], start: string): readonly string[] {
  const key = foldText(start);
  return words.filter((word) => foldText(word).startsWith(key));
}

function command<A extends ChatActions>(
  before: string,
  { all }: CommandTable<A>,
): Completion | undefined {
  const [, start] = /^\/([a-z]*)$/i.exec(before) ?? [];
  if (start === undefined) return undefined;
  const choices = all.filter(({ name }) => name.startsWith(start.toLowerCase()))
    .map(({ name, takes, help }) => ({
      insert: `/${name}${takes === "" ? "" : " "}`,
      label: `/${name} ${takes}`.trimEnd(),
      detail: help,
    }));
  return completion("command", before, before.length, choices);
}

function argument<A extends ChatActions>(
  before: string,
  known: KnownWords,
  commands: CommandTable<A>,
): Completion | undefined {
  const [, name = "", part = ""] = /^\/([^\s/]+) (.*)$/s.exec(before) ?? [];
  const list = commands.find(name)?.completes;
  if (list === undefined) return undefined;
  const words = typeof list === "string" ? known[list] ?? [] : list;
  const isPerson = list === "people" || list === "ignored";
  // A sign before the argument stays; that of a window is part of its name.
  const [sign = ""] = list === "windows" ? [] : /^[@#]/.exec(part) ?? [];
  const start = part.slice(sign.length).replace(isPerson ? /^"/ : "", "");
  const choices = matching(words, start).map((label) => ({
    insert: `${sign}${isPerson ? quotedName(label) : label} `,
    label,
  }));
  const kind = isPerson ? "person" : typeof list === "string" ? "room" : "word";
  return completion(kind, before, part.length, choices);
}

function mention(before: string, { people }: KnownWords): Completion | undefined {
  // A name may have spaces.
  const [whole, start = ""] = /(?<![\p{L}\p{N}_])@([^@\n]{0,32})$/u.exec(before) ?? [];
  if (whole === undefined) return undefined;
  const choices = matching(people, start).map((label) => ({ insert: `@${label} `, label }));
  return completion("person", before, whole.length, choices);
}
