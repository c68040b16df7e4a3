import { displayWidth, pieces } from "./width.ts";

/** `text` in lines of at most `width` characters, broken at blanks. Longer words stay whole. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = "";
    }
    line = line === "" ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines;
}

/** A web address without characters that a forged line would need, worth copying as a whole. */
const ADDRESS = /^https?:\/\/[\w.-]+(?::\d{1,5})?(?:[/?#][\w.~%/?#@!$&'()*+,;=-]*)?$/;

/**
 * `text` in rows of at most `width` columns, the first of them `width - first`.
 *
 * A terminal would wrap long lines by itself, but to column 0, where a message could then forge
 * another user's line. An address stays whole, so that it can be copied, and the terminal wraps it:
 * without a blank, a bracket and a colon it forges nothing.
 */
export function wrapRows(text: string, width: number, first = 0): readonly string[] {
  const rows: string[] = [];
  let row = "";
  let room = Math.max(1, width - first);
  const next = (): void => {
    rows.push(row.trimEnd());
    row = "";
    room = width;
  };
  // Any kind of blank could be used to forge a line.
  for (const part of text.replaceAll(/\p{Zs}/gu, " ").match(/ +|[^ ]+/g) ?? []) {
    const size = displayWidth(part);
    if (size <= room) {
      row += part;
      room -= size;
    } else if (part.startsWith(" ")) {
      next();
    } else if (size <= width || ADDRESS.test(part)) {
      if (row.trim() !== "") next();
      else if (row !== "") {
        [row, room] = ["", rows.length === 0 ? Math.max(1, width - first) : width];
      }
      if (size > room && size <= width) next();
      row += part;
      room -= size;
    } else {
      for (const piece of pieces(part, width)) {
        const columns = displayWidth(piece);
        if (columns > room) next();
        row += piece;
        room -= columns;
      }
    }
  }
  rows.push(row);
  return rows;
}
