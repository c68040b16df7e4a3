import type { TextFormat } from "../../protocol.ts";
import { parseInline } from "./inline.ts";
import { findLinks } from "./links.ts";
import type { Block, Inline } from "./tree.ts";

/** The maximum nesting of quotes. */
const MAX_QUOTES = 3;

/** Opens a code block; a word after it names the language. */
const FENCE = /^ {0,3}```[\w+#.-]{0,20}\s*$/;
/** Closes a code block. */
export const CLOSING_FENCE = /^ {0,3}```\s*$/;
const QUOTE = /^ {0,3}> ?/;
const POINT = /^ {0,3}[-*•] +(?=\S)/;
const NUMBER = /^ {0,3}(0|[1-9]\d{0,5})[.)] +(?=\S)/;

/** Text whose columns line up only in a monospaced font. */
const COLUMNS = /\t|\S {2,}\S|^ +\S/m;

/** Parses a message by its format: only text typed in a chat client is Markdown. */
export function readText(text: string, format: TextFormat | undefined): readonly Block[] {
  if (text === "") return [];
  return format === "markdown" ? parseText(text) : [literal(text)];
}

/** Literal text: every character, and links. */
function literal(text: string): Block {
  const children: Inline[] = [];
  let from = 0;
  const upTo = (end: number): void => {
    if (end > from) children.push({ type: "text", text: text.slice(from, end) });
  };
  for (const { index, text: address, href } of findLinks(text)) {
    upTo(index);
    children.push({ type: "link", href, text: address });
    from = index + address.length;
  }
  upTo(text.length);
  return { type: "literal", columns: COLUMNS.test(text), children };
}

/**
 * Reads the light Markdown of a chat: code, bold, italics, struck out, lists, quotes and bare
 * addresses. What it does not know stays the text it is; there is no way to write markup, and no
 * link whose text is not its address.
 */
export function parseText(text: string): readonly Block[] {
  return parseLines(text.replaceAll(/\r\n?/g, "\n").split("\n"), 0);
}

function parseLines(lines: readonly string[], depth: number): readonly Block[] {
  const blocks: Block[] = [];
  let at = 0;
  /** Takes lines as long as they match, without what matched. */
  const take = (pattern: RegExp): string[] => {
    const from = at;
    while (at < lines.length && pattern.test(lines[at] ?? "")) at++;
    return lines.slice(from, at).map((line) => line.replace(pattern, ""));
  };
  while (at < lines.length) {
    const line = lines[at] ?? "";
    if (line.trim() === "") {
      at++;
    } else if (FENCE.test(line) && at + 1 < lines.length) {
      let last = at + 1;
      while (last < lines.length && !CLOSING_FENCE.test(lines[last] ?? "")) last++;
      blocks.push({ type: "code", text: lines.slice(at + 1, last).join("\n") });
      at = last + 1;
    } else if (QUOTE.test(line) && depth < MAX_QUOTES) {
      blocks.push({ type: "quote", children: parseLines(take(QUOTE), depth + 1) });
    } else if (POINT.test(line)) {
      blocks.push({ type: "list", items: take(POINT).map((item) => parseInline(item)) });
    } else if (NUMBER.test(line)) {
      const from = at;
      const items = take(NUMBER).map((item) => parseInline(item));
      const numbers = lines.slice(from, at).map((each) => Number(NUMBER.exec(each)?.[1]));
      blocks.push({ type: "list", numbers, items });
    } else {
      const from = at++;
      while (at < lines.length && !beginsBlock(lines[at] ?? "", depth)) at++;
      blocks.push({ type: "paragraph", children: parseInline(lines.slice(from, at).join("\n")) });
    }
  }
  return blocks;
}

function beginsBlock(line: string, depth: number): boolean {
  return line.trim() === "" || FENCE.test(line) || POINT.test(line) || NUMBER.test(line) ||
    (QUOTE.test(line) && depth < MAX_QUOTES);
}
