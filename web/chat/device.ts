import { EXPORT_FORMATS, type ExportFormat } from "../../chat/export.ts";

/** Copies to the clipboard. Returns whether the browser allowed it. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without encryption, there is only the old way.
    return copySelected(text);
  }
}

/** Offers a text as a download. */
export function saveFile(name: string, format: ExportFormat, text: string): void {
  const url = URL.createObjectURL(
    new Blob([text], { type: `${EXPORT_FORMATS[format].type};charset=utf-8` }),
  );
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The browser has started the download by then.
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
