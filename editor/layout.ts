import { visible } from "../protocol.ts";
import { displayWidth, pieces } from "../render/width.ts";

/** What stands below all that was said. */
export interface Layout {
  readonly status: readonly string[];
  readonly prompt: string;
  readonly draft: { readonly text: string; readonly cursor: number };
  /** The size of the terminal. */
  readonly columns: number;
  readonly height: number;
}

/** How it looks. */
export interface Frame {
  /** None is wider than the terminal. */
  readonly rows: readonly string[];
  /** The row of the cursor. */
  readonly row: number;
  /** What stands before the cursor in its row. */
  readonly before: string;
}

/** Rows that a draft gets before the status does. */
const LEAST_DRAFT = 3;
/** Before the further lines of a draft, as shells do it. */
const CONTINUED = "> ";
/** Columns from one tab stop to the next. */
const TAB = 4;

/**
 * Lays out the status, the prompt and the draft. They take half of the screen at most: of more
 * status the last rows are shown, which matter most, and of a longer draft those around the cursor.
 */
export function layOut(scene: Layout): Frame {
  const columns = Math.max(1, scene.columns);
  const most = Math.max(1, Math.floor(scene.height / 2));
  const { rows, row, before } = layOutDraft(scene, columns);
  const left = most - Math.min(rows.length, LEAST_DRAFT, most);
  const status = scene.status.slice(Math.max(0, scene.status.length - left))
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
  const head = columns > CONTINUED.length ? CONTINUED : "";
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

/** A line in one row, its colours kept; an ellipsis stands for what does not fit. */
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

/** `text` in colours and what is coloured, made harmless. */
function styled(text: string): readonly { readonly piece: string; readonly style: boolean }[] {
  // deno-lint-ignore no-control-regex -- SGR sequences, the only ones this program writes in text
  return text.split(/(\x1b\[[0-9;]*m)/).map((piece, at) =>
    at % 2 === 1 ? { piece, style: true } : { piece: visible(piece), style: false }
  );
}
