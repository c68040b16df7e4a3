import type { Item, Said } from "./types.ts";

/** What a conversation can be saved as. */
export const FORMATS = {
  text: { label: "Text", ending: "txt", type: "text/plain" },
  json: { label: "JSON", ending: "json", type: "application/json" },
  markdown: { label: "Markdown", ending: "md", type: "text/markdown" },
} as const;

/** One of {@linkcode FORMATS}. */
export type Format = keyof typeof FORMATS;

/** Whether there is such a format. */
export function isFormat(name: string): name is Format {
  return Object.hasOwn(FORMATS, name);
}

/** What is written: messages; what the page itself noted is of the moment. */
export type Exported = Omit<Said, "seq" | "kind" | "mine" | "mention">;

/** The messages among `items`. */
export function exportable(items: Iterable<Item>): readonly Exported[] {
  return [...items].filter((item) => item.kind === "said");
}

/** The conversation `title` as a file. */
export function exported(title: string, said: readonly Exported[], format: Format): string {
  switch (format) {
    case "text":
      return said.map((each) => `[${stamp(each.at)}] ${textLine(each)}\n`).join("");
    case "json":
      return JSON.stringify(
        {
          conversation: title,
          messages: said.map(({ id, sender, text, at, action }) => ({
            ...(id === undefined ? {} : { id }),
            sender,
            timestamp: new Date(at).toISOString(),
            ...(action ? { kind: "action" } : {}),
            message: text,
          })),
        },
        undefined,
        2,
      ) + "\n";
    case "markdown":
      return [`# ${title}\n`, ...said.map(markdown)].join("\n");
  }
}

/** The name of the file. */
export function fileName(title: string, at: number, format: Format): string {
  const stem = title.toLowerCase().replace(/[^\p{L}\p{N}._-]+/gu, "-").replace(/^-+|-+$/g, "");
  return `${stem === "" ? "chat" : stem}-${stamp(at).slice(0, 10)}.${FORMATS[format].ending}`;
}

function textLine({ sender, text, action }: Exported): string {
  // Further lines of a message are set in, so that none looks like a message of its own.
  return (action ? `* ${sender} ${text}` : `${sender}: ${text}`).replaceAll("\n", "\n    ");
}

function markdown({ sender, text, at, action }: Exported): string {
  const name = escaped(sender);
  const quoted = text.replaceAll("\n", "\n> ");
  return action
    ? `**${stamp(at)}** *${name}* ${text.replaceAll("\n", " ")}\n`
    : `**${name}** ${stamp(at)}\n\n> ${quoted}\n`;
}

function escaped(name: string): string {
  return name.replace(/[\\`*_[\]<>]/g, "\\$&");
}

/** The moment where the person is, to the second. */
function stamp(at: number): string {
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ` +
    `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
