import { type Content, safeJson, visible } from "../protocol.ts";

/** The text of a message and its data, as JSON in one line, safe to show. */
export function contentText({ message, data }: Content): string {
  const parts: string[] = [];
  if (message !== undefined) parts.push(sanitizedText(message).trimEnd());
  if (data !== undefined) parts.push(safeJson(data));
  return parts.join("\n").trimEnd();
}

/** `text` with control characters made visible, except newlines and tabs. */
export function sanitizedText(text: string): string {
  return visible(text.replaceAll(/\r\n?/g, "\n"), { keepLines: true });
}
