import {
  type Choice,
  type Completion,
  completion,
  completionAt as sharedCompletionAt,
} from "../../chat/completion.ts";
import type { KnownWords } from "../../chat/commands.ts";
import { foldText } from "../../protocol.ts";
import { COMMANDS } from "./commands.ts";
import { findEmoji } from "./emoji.ts";

/** Choices that are offered at once. */
const LIMIT = 8;

/** Completes `text` at `caret`; `undefined` without choices, or if the only one is typed already. */
export function completionAt(
  text: string,
  caret: number,
  known: KnownWords,
): Completion | undefined {
  const before = text.slice(0, caret);
  // The page knows only the user's rooms.
  const words = { anyRoom: known.rooms, ...known };
  const found = sharedCompletionAt(before, words, COMMANDS) ?? emoji(before);
  if (found === undefined) return undefined;
  const choices = found.choices.slice(0, LIMIT);
  const isWhole = found.kind === "person" && choices.length === 1 &&
    foldText(choices[0]?.insert.trim() ?? "") === foldText(before.slice(found.from));
  return isWhole ? undefined : { ...found, choices };
}

/** `text` with a choice put in, and the caret after it. */
export function applied(
  text: string,
  { from, to }: Completion,
  { insert }: Choice,
): { readonly text: string; readonly caret: number } {
  return { text: text.slice(0, from) + insert + text.slice(to), caret: from + insert.length };
}

function emoji(before: string): Completion | undefined {
  const [whole, start = ""] = /(?<![\p{L}\p{N}:]):([a-z0-9_+-]{1,20})$/iu.exec(before) ?? [];
  if (whole === undefined) return undefined;
  const choices = findEmoji(start, LIMIT)
    .map(({ name, emoji }) => ({ insert: `${emoji} `, label: `${emoji} ${name}` }));
  return completion("emoji", before, whole.length, choices);
}
