import { safeJson } from "../cli/text.ts";
import { type Direct, type Message, visible } from "../protocol.ts";
import { contentText, localDate, localTime } from "./view.ts";

/** What an exported conversation is written as. */
export type ExportFormat = "text" | "json" | "markdown";

/** What is exported: a room's messages, or those of a private conversation. */
export type Exported = Message | Direct;

/** The format that a file's name asks for. */
export function formatOf(path: string): ExportFormat {
  if (/\.(?:jsonl|ndjson|json)$/i.test(path)) return "json";
  return /\.(?:md|markdown)$/i.test(path) ? "markdown" : "text";
}

/**
 * Writes messages one by one, in the way of a format. Text and Markdown are for people: what a
 * terminal would obey is made visible. JSON reads back as exactly what the hub sent.
 */
export class ExportWriter {
  #day = "";

  constructor(private readonly format: ExportFormat, private readonly title: string) {}

  /** What stands before the first message. */
  head(): string {
    return this.format === "markdown" ? `# ${escapeMarkdown(visible(this.title))}\n` : "";
  }

  one(said: Exported): string {
    switch (this.format) {
      case "json":
        return safeJson(said) + "\n";
      case "text":
        return this.#text(said);
      case "markdown":
        return this.#markdown(said);
    }
  }

  #text(said: Exported): string {
    const time = new Date(said.timestamp);
    const name = visible(said.sender);
    const who = isAction(said) ? `* ${name} ` : `${name}: `;
    const lines = contentText(said).split("\n");
    return `[${localDate(time)} ${localTime(time)}] ${who}${lines.join("\n    ")}\n`;
  }

  #markdown(said: Exported): string {
    const time = new Date(said.timestamp);
    const day = localDate(time);
    const heading = day === this.#day ? "" : `\n## ${day}\n\n`;
    this.#day = day;
    const text = contentText(said).split("\n").map(escapeMarkdown);
    const name = escapeMarkdown(visible(said.sender));
    // A backslash at the end of a line keeps the line; blanks keep it in the list.
    const body = text.join("\\\n  ");
    const words = isAction(said) ? `*${name} ${body}*` : `**${name}:** ${body}`;
    return `${heading}- ${localTime(time)} ${words}\n`;
  }
}

function isAction(said: Exported): boolean {
  return said.type === "message" && said.kind === "action";
}

/** A line that Markdown shows as it is: neither markup nor HTML of a stranger's making. */
function escapeMarkdown(line: string): string {
  return line
    .replaceAll(/[\\`*_{}[\]<>#|~&]/g, (mark) => `\\${mark}`)
    // At the beginning of a line these make a list, or a heading of the line above.
    .replace(
      /^(\s*)([-+=]|\d+(?=[.)]))/,
      (_all, blanks: string, mark: string) =>
        /\d/.test(mark) ? `${blanks}${mark}\\` : `${blanks}\\${mark}`,
    );
}
