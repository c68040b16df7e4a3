import { visible } from "../protocol.ts";
import { displayWidth } from "./width.ts";
import { wrap } from "./wrap.ts";

/** A column of {@linkcode columns}. */
export interface Column {
  readonly title: string;
  readonly align?: "right";
}

/**
 * Rows under titles, each column as wide as its widest cell; the last one is not padded. Control
 * characters in cells are made visible.
 */
export function columns(
  head: readonly Column[],
  rows: readonly (readonly string[])[],
  { color }: { readonly color: boolean },
): string {
  const cells = rows.map((row) => row.map((cell) => visible(cell)));
  const widths = head.map(({ title }, at) =>
    Math.max(displayWidth(title), ...cells.map((row) => displayWidth(row[at] ?? "")))
  );
  const line = (row: readonly string[]): string =>
    row.map((cell, at) => {
      const padding = " ".repeat(Math.max(0, (widths[at] ?? 0) - displayWidth(cell)));
      return head[at]?.align === "right" ? padding + cell : cell + padding;
    }).join("  ").trimEnd();
  const titles = line(head.map(({ title }) => title));
  return [color ? `\x1b[1m${titles}\x1b[22m` : titles, ...cells.map(line)].join("\n") + "\n";
}

/** Rows of a label and a text, the texts wrapped so that all fits into `width`. */
export function table(
  rows: readonly (readonly [string, string])[],
  { width = 80, indent = 2, maxLeft = 26 } = {},
): string {
  const widths = rows.map(([left]) => left.length).filter((length) => length <= maxLeft);
  const leftWidth = Math.max(0, ...widths);
  const pad = " ".repeat(indent);
  const gap = " ".repeat(indent + leftWidth + 2);
  return rows.map(([left, right]) => {
    const [first = "", ...rest] = wrap(right, width - gap.length);
    // A label that is too long for its column gets a line of its own.
    const head = left.length > leftWidth
      ? `${pad}${left}\n${gap}${first}`
      : `${pad}${left.padEnd(leftWidth)}  ${first}`;
    return [head.trimEnd(), ...rest.map((line) => gap + line)].join("\n") + "\n";
  }).join("");
}
