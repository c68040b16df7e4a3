import { visible } from "../protocol.ts";
import { displayWidth, pieces } from "../render/width.ts";

/** The content below the printed lines. */
export interface Layout {
  readonly status: readonly string[];
  readonly prompt: string;
  readonly draft: { readonly text: string; readonly cursor: number };
  /** The size of the terminal. */
  readonly columns: number;
  readonly height: number;
}

/** Content as rows of a terminal. */
export interface Frame {
  /** Each fits the width of the terminal. */
  readonly rows: readonly string[];
  /** The row of the cursor. */
  readonly row: number;
  /** The text before the cursor in its row. */
  readonly before: string;
}

/** Rows reserved for the draft before the status gets any. */
const MIN_DRAFT_ROWS = 3;
/** The prompt of further lines, as in shells. */
const CONTINUATION = "> ";
/** Columns between tab stops. */
const TAB = 4;

/**
 * Lays out the status, the prompt and the draft in at most half of the screen. Of a longer status,
 * the last rows are shown, which matter most; of a longer draft, those around the cursor.
 */
export function layOut(layout: Layout): Frame {
  const columns = Math.max(1, layout.columns);
  const most = Math.max(1, Math.floor(layout.height / 2));
  const { rows, row, before } = layOutDraft(layout, columns);
  const left = most - Math.min(rows.length, MIN_DRAFT_ROWS, most);
  const status = layout.status.slice(Math.max(0, layout.status.length - left))
    .map((line) => fitRow(line, columns));
  const room = most - status.length;
  const top = Math.max(0, Math.min(row - Math.floor(room / 2), rows.length - room));
  return {
    rows: [...status, ...rows.slice(top, top + room)],
    row: status.length + row - top,
    before,
  };
}

function layOutDraft({ prompt, draft }: Layout, columns: number): Frame {
  const rows: string[] = [];
  let text = "";
  let taken = 0;
  const next = (head = ""): void => {
    rows.push(text);
    text = head;
    taken = displayWidth(head);
  };
  const put = (piece: string): void => {
    const width = displayWidth(piece);
    if (taken + width > columns) next();
    text += width > columns ? "" : piece;
    taken += width > columns ? 0 : width;
  };
  for (const { piece, style } of styled(prompt)) {
    if (style) text += piece;
    else for (const each of pieces(piece, columns)) put(each);
  }
  const head = columns > CONTINUATION.length ? CONTINUATION : "";
  let offset = 0;
  let found: { readonly row: number; readonly before: string } | undefined;
  const find = (width: number): void => {
    if (found !== undefined || offset < draft.cursor) return;
    if (taken + width > columns) next();
    found = { row: rows.length, before: text };
  };
  for (const piece of pieces(draft.text, columns)) {
    const shown = piece === "\n" || piece === "\t" ? piece : [...pieces(visible(piece), columns)];
    find(typeof shown === "string" ? 1 : displayWidth(shown[0] ?? ""));
    if (piece === "\n") next(head);
    else if (piece === "\t") put(" ".repeat(Math.min(columns, TAB - taken % TAB)));
    else for (const each of shown) put(each);
    offset += piece.length;
  }
  find(1);
  rows.push(text);
  return { rows, ...found ?? { row: rows.length - 1, before: text } };
}

/** A line cut to one row, with its colours; `…` marks a cut. */
export function fitRow(line: string, columns: number): string {
  const parts = styled(line);
  const width = parts.reduce((sum, { piece, style }) => sum + (style ? 0 : displayWidth(piece)), 0);
  const fits = width <= columns;
  let room = fits ? columns : columns - 1;
  let row = "";
  let colored = false;
  for (const { piece, style } of parts) {
    if (style) {
      row += piece;
      colored = true;
      continue;
    }
    for (const each of pieces(piece, columns)) {
      const taken = displayWidth(each);
      if (taken > room) return `${row}…${colored ? "\x1b[0m" : ""}`;
      row += each;
      room -= taken;
    }
  }
  return fits ? row : `${row}…`;
}

/** `text` split into colours and text, the text with control characters made visible. */
function styled(text: string): readonly { readonly piece: string; readonly style: boolean }[] {
  // deno-lint-ignore no-control-regex -- SGR sequences, the only ones this program writes in text
  return text.split(/(\x1b\[[0-9;]*m)/).map((piece, at) =>
    at % 2 === 1 ? { piece, style: true } : { piece: visible(piece), style: false }
  );
}
