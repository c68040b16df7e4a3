import { type Content, safeJson, visible } from "../protocol.ts";

/** What was said, with newlines and tabs as the only control characters; data is JSON in one line. */
export function contentText({ message, data }: Content): string {
  const parts: string[] = [];
  if (message !== undefined) parts.push(sanitizedText(message));
  if (data !== undefined) parts.push(safeJson(data));
  return parts.join("\n").trimEnd();
}

/** `text` with newlines and tabs as the only control characters. */
export function sanitizedText(text: string): string {
  return visible(text.replaceAll(/\r\n?/g, "\n"), { keepLines: true }).trimEnd();
}
