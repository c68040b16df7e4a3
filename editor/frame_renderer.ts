import type { Frame } from "./layout.ts";
import { displayWidth, graphemes } from "../render/width.ts";

/**
 * Moves all that is above the cursor off the screen, to where it can be scrolled back to.
 *
 * Back up by as many rows as it went down, not to the first one: on a terminal that is higher than it
 * told, some rows are still there, and would be written over.
 */
export function scrollAway(rows: number): string {
  const down = Math.max(0, rows - 1);
  return "\r\n".repeat(down) + vertical(-down);
}

interface RenderedFrame extends Frame {
  /** The terminal's, when this was drawn. */
  readonly columns: number;
}

/**
 * Knows which rows below all that was said are on the screen, and what to write for others.
 *
 * It moves by rows alone and always writes a row from its start: whatever width a terminal gives to
 * an emoji, the cursor comes to stand where the text before it ends.
 */
export class FrameRenderer {
  #shown: RenderedFrame | undefined;

  /** Draws a frame in the place of the last one; only the rows that differ. */
  draw(frame: Frame, columns: number): string {
    const old = this.#shown;
    if (old === undefined || old.columns !== columns) {
      const wiped = this.wipe(columns);
      this.#shown = { ...frame, columns };
      return wiped + frame.rows.join("\r\n") + this.#place(frame.rows.length - 1, true);
    }
    this.#shown = { ...frame, columns };
    let text = "";
    let at = old.row;
    const go = (row: number): void => {
      text += vertical(row - at);
      at = row;
    };
    for (const [index, row] of frame.rows.entries()) {
      if (row === old.rows[index]) continue;
      if (index < old.rows.length) {
        go(index);
        // First, for to erase behind a full row would take its last character on some terminals.
        text += "\r\x1b[K";
      } else {
        go(index - 1);
        text += "\r\n";
        at = index;
      }
      text += row;
    }
    if (frame.rows.length < old.rows.length) {
      go(frame.rows.length);
      text += "\r\x1b[J";
    }
    if (text === "" && frame.row === old.row && frame.before === old.before) return "";
    return text + this.#place(at, false);
  }

  /** Wipes what is shown; the cursor then stands where it began. */
  wipe(columns: number): string {
    const shown = this.#shown;
    this.#shown = undefined;
    if (shown === undefined) return "";
    // Erased from its very start, a screen goes into tmux's scrollback, this with it.
    return `${vertical(-rowsAbove(shown, columns))}\r \x1b[J\r`;
  }

  /** Others wrote on the screen, or it was emptied: nothing is shown any more. */
  forget(): void {
    this.#shown = undefined;
  }

  /** Moves from the row `at` to the cursor's place; `atEnd` of a row there is nothing to write. */
  #place(at: number, atEnd: boolean): string {
    const shown = this.#shown;
    if (shown === undefined) return "";
    if (atEnd && at === shown.row && shown.before === shown.rows[at]) return "";
    return `${vertical(shown.row - at)}\r${shown.before}`;
  }
}

function vertical(rows: number): string {
  if (rows === 0) return "";
  return rows > 0 ? `\x1b[${rows}B` : `\x1b[${-rows}A`;
}

/**
 * Rows from the first one shown to the cursor, now that the terminal has `columns`.
 *
 * Nearly all terminals break rows that have become too long, and move the cursor with its character.
 * Where they disagree about widths the least counts: to wipe too little leaves half a row, to wipe
 * too much would take what somebody said.
 */
function rowsAbove(shown: RenderedFrame, columns: number): number {
  if (columns >= shown.columns) return shown.row;
  let rows = 0;
  for (const row of shown.rows.slice(0, shown.row)) rows += broken(row, columns).rows;
  const { rows: own, column } = broken(shown.before, columns);
  // Where more text follows, a cursor at the edge is on the next row, with its character.
  const moved = column === columns && shown.before !== shown.rows[shown.row];
  return rows + own - 1 + (moved ? 1 : 0);
}

/** Rows that a row takes on a narrower terminal, and where the last one ends. */
function broken(row: string, columns: number): { readonly rows: number; readonly column: number } {
  let rows = 1;
  let column = 0;
  // deno-lint-ignore no-control-regex -- SGR sequences, the only ones this program writes in text
  for (const piece of graphemes(row.replaceAll(/\x1b\[[0-9;]*m/g, ""))) {
    const width = Math.min(2, displayWidth(piece));
    if (column + width > columns) {
      rows++;
      column = 0;
    }
    column += width;
  }
  return { rows, column };
}
