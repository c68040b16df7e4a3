import { eastAsianWidth } from "get-east-asian-width";

// Characters that take no column: combining marks and the joiners that visible() lets through.
const NO_WIDTH = /^[\p{Mn}\p{Me}\u200C\u200D]$/u;

/** Columns that `text` takes on a terminal, escape sequences not counted. */
export function displayWidth(text: string): number {
  let width = 0;
  // deno-lint-ignore no-control-regex -- SGR sequences, the only ones this program writes in text
  for (const character of text.replaceAll(/\x1b\[[0-9;]*m/g, "")) width += columnsOf(character);
  return width;
}

function columnsOf(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x7f) return 1;
  return NO_WIDTH.test(character) ? 0 : eastAsianWidth(code);
}

/**
 * `text` in rows of at most `width` columns, the first of them `width - first`.
 *
 * A terminal would wrap long lines by itself, but to column 0, where a message could then show what
 * looks like somebody else's line. A word that is printable ASCII alone (an address to be copied)
 * stays whole and is left to the terminal: without a blank it forges nothing.
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
  // All kinds of blanks are one to a forger.
  for (const part of text.replaceAll(/\p{Zs}/gu, " ").match(/ +|[^ ]+/g) ?? []) {
    const size = displayWidth(part);
    if (size <= room) {
      row += part;
      room -= size;
    } else if (part.startsWith(" ")) {
      next();
    } else if (size <= width || /^[\x21-\x7e]+$/.test(part)) {
      if (row.trim() !== "") next();
      row += part;
      room -= size;
    } else {
      for (const character of part) {
        const columns = columnsOf(character);
        if (columns > room) next();
        row += character;
        room -= columns;
      }
    }
  }
  rows.push(row);
  return rows;
}
