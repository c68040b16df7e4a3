import type { TextFormat } from "../../protocol.ts";
import { CLOSING_FENCE, parseText } from "../../chat/markdown/parse.ts";
import { plainText } from "../../chat/markdown/tree.ts";

/**
 * A message as a quotation, to write an answer below it. What a person writes is Markdown: literal
 * text that Markdown would alter is quoted as code, as data is.
 */
export function quotation(text: string, format: TextFormat | undefined, data?: string): string {
  const lines = text === "" ? [] : text.split("\n");
  const asCode = format !== "markdown" && plainText(parseText(text)) !== text &&
    !lines.some((line) => CLOSING_FENCE.test(line));
  const quoted = asCode ? fenced(lines) : lines;
  return [...quoted, ...data === undefined ? [] : fenced(data.split("\n"))]
    .map((line) => `> ${line}\n`).join("");
}

function fenced(lines: readonly string[]): readonly string[] {
  return ["```", ...lines, "```"];
}
