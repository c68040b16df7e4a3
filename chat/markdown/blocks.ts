/**
 * Writes texts as Markdown (CommonMark with GitHub's `~~`) that shows what the chat shows, and
 * nothing that strangers made up: all but the chat's own few marks is escaped.
 *
 * @module
 */

import { safeJson } from "../../protocol.ts";
import { findLinks } from "./links.ts";
import { parseText } from "./parse.ts";
import type { Block, Inline } from "./tree.ts";

/** The marks on both sides of a text. */
const MARKS = { strong: "**", emphasis: "*", deleted: "~~" } as const;

/** A text in the chat's own light Markdown, block by block. */
export function markedBlocks(text: string): readonly string[] {
  return blocksOf(parseText(text));
}

/** A literal text, block by block: code where its lines and blanks are part of it. */
export function literalBlocks(text: string): readonly string[] {
  if (/[\n\t]|^ | {2}/.test(text)) return [fenced(text)];
  return [inlinesOf(withLinks(text))];
}

/** Data as a block of code. */
export function dataBlock(data: unknown): string {
  return fenced(safeJson(data, undefined, 2), "json");
}

/** Text that Markdown shows as it is: neither markup nor HTML of a stranger's making. */
export function escapeMarkdown(text: string): string {
  return text
    .replaceAll(/[\\`*_{}[\]<>#|~&]/g, (mark) => `\\${mark}`)
    // Not every renderer takes escapes in what it takes for an address.
    .replaceAll("://", "\\://")
    // At the beginning of a line these make a list, or a heading of the line above.
    .replaceAll(/^([-+=])/gm, "\\$1")
    .replaceAll(/^(\d+)(?=[.)])/gm, "$1\\");
}

function blocksOf(blocks: readonly Block[]): readonly string[] {
  return blocks.map((block) => {
    switch (block.type) {
      case "paragraph":
      case "literal":
        return inlinesOf(block.children);
      case "code":
        return fenced(block.text);
      case "quote":
        return indented(blocksOf(block.children).join("\n\n"), "> ");
      case "list":
        return block.items.map((item, at) => {
          const number = block.numbers?.[at];
          const point = number === undefined ? "- " : `${number}. `;
          return point + indented(inlinesOf(item), " ".repeat(point.length)).trimStart();
        }).join("\n");
    }
  });
}

function inlinesOf(inlines: readonly Inline[]): string {
  return inlines.map(inlineOf).join("")
    // Blanks at the beginning of a line would make code of it.
    .replaceAll(/^[ \t]+/gm, "");
}

function inlineOf(inline: Inline): string {
  switch (inline.type) {
    case "text":
      return escapeMarkdown(inline.text);
    case "break":
      return "\\\n";
    case "code":
      return codeSpan(inline.text);
    case "link":
      return `<${inline.text}>`;
    default: {
      const mark = MARKS[inline.type];
      return mark + inlinesOf(inline.children) + mark;
    }
  }
}

function withLinks(text: string): readonly Inline[] {
  const inlines: Inline[] = [];
  let from = 0;
  for (const { index, text: address, href } of findLinks(text)) {
    inlines.push({ type: "text", text: text.slice(from, index) });
    inlines.push({ type: "link", text: address, href });
    from = index + address.length;
  }
  return [...inlines, { type: "text", text: text.slice(from) }];
}

function codeSpan(text: string): string {
  const line = text.replaceAll("\n", " ");
  const fence = "`".repeat(longestRun(line) + 1);
  // Blanks keep backticks apart from the fence, and are taken off again in pairs.
  const gap = /^[` ]|[` ]$/.test(line) && line.trim() !== "" ? " " : "";
  return fence + gap + line + gap + fence;
}

function fenced(text: string, language = ""): string {
  const fence = "`".repeat(Math.max(3, longestRun(text) + 1));
  return `${fence}${language}\n${text}\n${fence}`;
}

function longestRun(text: string): number {
  return Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
}

/** `text` with `prefix` before each line. */
export function indented(text: string, prefix: string): string {
  return text.split("\n").map((line) => (prefix + line).trimEnd()).join("\n");
}
