/**
 * Writes conversations to files, in the terminal and in the web page. Text and Markdown are for
 * people. JSON lines are for programs, which read exactly what the hub sent. Nothing in the files
 * moves a cursor, reorders a line or becomes HTML.
 *
 * @module
 */

import { type Direct, MAX_HISTORY_PAGE, type Message, safeJson } from "../protocol.ts";
import { contentText, sanitizedText } from "./content.ts";
import {
  dataBlock,
  escapeMarkdown,
  indented,
  literalBlocks,
  markedBlocks,
} from "./markdown/blocks.ts";
import { displayName, isVerified, VERIFIED_MARK } from "./sender.ts";
import { localDate, localTime } from "./time.ts";

/** The formats of an export. */
export const EXPORT_FORMATS = {
  text: { label: "Text", ending: "txt", type: "text/plain" },
  json: { label: "JSON lines", ending: "jsonl", type: "application/jsonl" },
  markdown: { label: "Markdown", ending: "md", type: "text/markdown" },
} as const;

/** One of {@linkcode EXPORT_FORMATS}. */
export type ExportFormat = keyof typeof EXPORT_FORMATS;

/** A message of a room or of a private conversation. */
export type Exported = Message | Direct;

export function isExportFormat(name: string): name is ExportFormat {
  return Object.hasOwn(EXPORT_FORMATS, name);
}

/** The format for the extension of a file. */
export function formatOf(path: string): ExportFormat {
  if (/\.(?:jsonl|ndjson|json)$/i.test(path)) return "json";
  return /\.(?:md|markdown)$/i.test(path) ? "markdown" : "text";
}

/** A file name for a conversation, exported at a time in milliseconds since 1970. */
export function exportFileName(title: string, at: number, format: ExportFormat): string {
  const stem = title.toLowerCase().replace(/[^\p{L}\p{M}\p{N}._-]+/gu, "-").replace(
    /^[-.]+|[-.]+$/g,
    "",
  );
  const day = localDate(new Date(at));
  return `${stem === "" ? "chat" : stem}-${day}.${EXPORT_FORMATS[format].ending}`;
}

/** The text of a file with a whole conversation, titled `#room` or `@name`. */
export function exported(title: string, said: Iterable<Exported>, format: ExportFormat): string {
  const writer = new ExportWriter(format, title);
  return writer.head() + Array.from(said, (each) => writer.one(each)).join("");
}

/** All messages of a room, page by page, oldest first. */
export async function* wholeRoom(
  load: (page: { readonly after: number; readonly limit: number }) => Promise<{
    readonly messages: readonly Message[];
    readonly more: boolean;
    readonly newest?: number;
  }>,
): AsyncGenerator<readonly Message[]> {
  for (let after = 0;;) {
    const { messages, more, newest } = await load({ after, limit: MAX_HISTORY_PAGE });
    yield messages;
    // A page that leads nowhere would be asked for without end.
    if (!more || newest === undefined || newest <= after) return;
    after = newest;
  }
}

/** Writes messages one by one, for conversations of any length. */
export class ExportWriter {
  #day = "";

  constructor(private readonly format: ExportFormat, private readonly title: string) {}

  /** The text before the first message. */
  head(): string {
    return this.format === "markdown" ? `# ${escapeMarkdown(displayName(this.title))}\n` : "";
  }

  one(said: Exported): string {
    switch (this.format) {
      case "json":
        return safeJson(said) + "\n";
      case "text":
        return textOf(said);
      case "markdown":
        return this.#dayOf(said) + markdownOf(said);
    }
  }

  #dayOf({ timestamp }: Exported): string {
    const day = localDate(new Date(timestamp));
    if (day === this.#day) return "";
    this.#day = day;
    return `\n## ${day}\n\n`;
  }
}

function textOf(said: Exported): string {
  const time = new Date(said.timestamp);
  const name = nameOf(said);
  const who = isAction(said) ? `* ${name} ` : `${name}: `;
  // Further lines are indented, so that none looks like another message.
  return `[${localDate(time)} ${localTime(time)}] ${who}` +
    `${contentText(said).replaceAll("\n", "\n    ")}\n`;
}

function markdownOf(said: Exported): string {
  const { message, data, format } = said;
  const time = localTime(new Date(said.timestamp));
  const name = escapeMarkdown(nameOf(said));
  const text = message === undefined ? "" : sanitizedText(message).trimEnd();
  const blocks = [
    ...text === "" ? [] : format === "markdown" ? markedBlocks(text) : literalBlocks(text),
    ...data === undefined ? [] : [dataBlock(data)],
  ];
  const [first = ""] = blocks;
  const isLine = !/^(?:```|>|- |\d+\. )/.test(first);
  const head = `- ${time} **${name}${isAction(said) ? "" : ":"}**`;
  const below = (isLine ? blocks.slice(1) : blocks).map((block) => `\n${indented(block, "  ")}\n`);
  const line = isLine && first !== "" ? ` ${indented(first, "  ").trimStart()}` : "";
  return `${head}${line}\n${below.join("")}`;
}

function nameOf(said: Exported): string {
  return displayName(said.sender) + (isVerified(said) ? VERIFIED_MARK : "");
}

function isAction(said: Exported): boolean {
  return said.type === "message" && said.kind === "action";
}
