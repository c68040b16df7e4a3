import { visible } from "../protocol.ts";
import { displayWidth, graphemes } from "../render/width.ts";

/** The common start of all candidates, ignoring case. */
export function commonPrefix(candidates: readonly string[]): string {
  const first = graphemes(candidates[0] ?? "");
  const others = candidates.slice(1).map(graphemes);
  const differs = first.findIndex((piece, at) =>
    others.some((other) => other[at]?.toLowerCase() !== piece.toLowerCase())
  );
  return (differs === -1 ? first : first.slice(0, differs)).join("");
}

/** The candidates in columns, like in a shell; at most `height` rows of them. */
export function formatCandidates(
  candidates: readonly string[],
  columns: number,
  height: number,
): string {
  const words = candidates.map((candidate) => visible(candidate.trimEnd()));
  const cell = Math.min(columns, Math.max(...words.map(displayWidth)) + 2);
  const across = Math.max(1, Math.floor(columns / cell));
  const most = Math.max(1, height);
  const rows: string[] = [];
  for (let at = 0; at < words.length && rows.length < most; at += across) {
    const row = words.slice(at, at + across)
      .map((word) => word + " ".repeat(Math.max(0, cell - displayWidth(word))));
    rows.push(row.join("").trimEnd());
  }
  const more = words.length - rows.length * across;
  return [...rows, ...more > 0 ? [`… and ${more} more`] : []].join("\n");
}
