import { EXPORT_FORMATS, type ExportFormat } from "../../chat/export.ts";

/** Puts `text` on the clipboard; whether that was allowed. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without encryption there is no such clipboard, only the old way.
    return copySelected(text);
  }
}

/** Lets the browser save `text` as a file. */
export function saveFile(name: string, format: ExportFormat, text: string): void {
  const url = URL.createObjectURL(
    new Blob([text], { type: `${EXPORT_FORMATS[format].type};charset=utf-8` }),
  );
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The browser has taken hold of it by the next turn.
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

function copySelected(text: string): boolean {
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "hidden";
  document.body.append(area);
  area.select();
  try {
    return document.execCommand("copy");
  } finally {
    area.remove();
  }
}
