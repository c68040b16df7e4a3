import { visible } from "../protocol.ts";
import { displayWidth } from "./wrap.ts";
import type { Output } from "../lib/output.ts";

/** A column of a list. */
export interface Column {
  readonly title: string;
  /** Numbers stand at the right. */
  readonly align?: "right";
}

/**
 * Rows under titles, in columns as wide as what they hold takes on a terminal. What comes from
 * strangers is made harmless. The last column is not padded.
 */
export function columns(
  head: readonly Column[],
  rows: readonly (readonly string[])[],
  { color }: Pick<Output, "color">,
): string {
  const cells = rows.map((row) => row.map((cell) => visible(cell)));
  const widths = head.map(({ title }, at) =>
    Math.max(displayWidth(title), ...cells.map((row) => displayWidth(row[at] ?? "")))
  );
  const line = (row: readonly string[]): string =>
    row.map((cell, at) => {
      const blanks = " ".repeat(Math.max(0, (widths[at] ?? 0) - displayWidth(cell)));
      return head[at]?.align === "right" ? blanks + cell : cell + blanks;
    }).join("  ").trimEnd();
  const titles = line(head.map(({ title }) => title));
  return [color ? `\x1b[1m${titles}\x1b[22m` : titles, ...cells.map(line)].join("\n") + "\n";
}
