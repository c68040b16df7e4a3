import { displayWidth, graphemes } from "./wrap.ts";

/** `text`, cut to at most `width` columns, with `…` where something is missing. Without colours. */
export function fit(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  if (width < 1) return "";
  let kept = "";
  let room = width - 1;
  for (const piece of graphemes(text)) {
    room -= displayWidth(piece);
    if (room < 0) break;
    kept += piece;
  }
  return `${kept}…`;
}
