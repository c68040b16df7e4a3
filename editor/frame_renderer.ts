import type { Frame } from "./layout.ts";
import { displayWidth, graphemes } from "../render/width.ts";

/**
 * Moves everything above the cursor into the scrollback.
 *
 * The cursor moves back up by as many rows as it moved down, not to the first row: a terminal may be
 * higher than it reports, and the rows still visible there must not be overwritten.
 */
export function scrollAway(rows: number): string {
  const down = Math.max(0, rows - 1);
  return "\r\n".repeat(down) + moveRows(-down);
}

interface RenderedFrame extends Frame {
  /** The terminal's width when this was drawn. */
  readonly columns: number;
}

/**
 * Remembers which rows are shown below the printed lines, and computes what to write to change them.
 *
 * It moves by whole rows and writes each row from its start: whatever width a terminal gives to an
 * emoji, the cursor ends up after the text before it.
 */
export class FrameRenderer {
  #shown: RenderedFrame | undefined;

  /** Replaces the last frame, writing only the rows that differ. */
  draw(frame: Frame, columns: number): string {
    const old = this.#shown;
    if (old === undefined || old.columns !== columns) {
      const wiped = this.wipe(columns);
      this.#shown = { ...frame, columns };
      return wiped + frame.rows.join("\r\n") + this.#placeCursor(frame.rows.length - 1, true);
    }
    this.#shown = { ...frame, columns };
    let text = "";
    let at = old.row;
    const go = (row: number): void => {
      text += moveRows(row - at);
      at = row;
    };
    for (const [index, row] of frame.rows.entries()) {
      if (row === old.rows[index]) continue;
      if (index < old.rows.length) {
        go(index);
        // Erased first: after a full row, some terminals would erase its last character.
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
    return text + this.#placeCursor(at, false);
  }

  /** Erases the frame and leaves the cursor at its start. */
  wipe(columns: number): string {
    const shown = this.#shown;
    this.#shown = undefined;
    if (shown === undefined) return "";
    // If a screen is erased from its very start, tmux keeps it, and so the frame, in the scrollback.
    return `${moveRows(-rowsAbove(shown, columns))}\r \x1b[J\r`;
  }

  /** Forgets the frame, after other programs wrote to the screen or it was cleared. */
  reset(): void {
    this.#shown = undefined;
  }

  /** Moves from the row `at` to the cursor's place. `atEnd`: the row has just been written. */
  #placeCursor(at: number, atEnd: boolean): string {
    const shown = this.#shown;
    if (shown === undefined) return "";
    if (atEnd && at === shown.row && shown.before === shown.rows[at]) return "";
    return `${moveRows(shown.row - at)}\r${shown.before}`;
  }
}

function moveRows(rows: number): string {
  if (rows === 0) return "";
  return rows > 0 ? `\x1b[${rows}B` : `\x1b[${-rows}A`;
}

/**
 * Rows from the first one of the frame to the cursor, if the terminal has `columns` now.
 *
 * Nearly all terminals rewrap rows that no longer fit, and move the cursor with its character. Where
 * they disagree about widths, the smallest counts: erasing too little leaves half a row, erasing too
 * much would remove printed lines.
 */
function rowsAbove(shown: RenderedFrame, columns: number): number {
  if (columns >= shown.columns) return shown.row;
  let rows = 0;
  for (const row of shown.rows.slice(0, shown.row)) rows += rewrapped(row, columns).rows;
  const { rows: own, column } = rewrapped(shown.before, columns);
  // If text follows, a cursor at the edge has moved to the next row with its character.
  const moved = column === columns && shown.before !== shown.rows[shown.row];
  return rows + own - 1 + (moved ? 1 : 0);
}

/** The rows that a row takes on a narrower terminal, and the column where the last one ends. */
function rewrapped(
  row: string,
  columns: number,
): { readonly rows: number; readonly column: number } {
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
