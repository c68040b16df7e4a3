import { closestString } from "@std/text";

export { safeJson } from "../protocol.ts";

/** `text` in lines of at most `width` characters, broken at spaces where there are any. */
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

/** Rows of two columns, the right one wrapped so that all fits into `width`. */
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
    // A left side that is too long for its column gets a line of its own.
    const head = left.length > leftWidth
      ? `${pad}${left}\n${gap}${first}`
      : `${pad}${left.padEnd(leftWidth)}  ${first}`;
    return [head.trimEnd(), ...rest.map((line) => gap + line)].join("\n") + "\n";
  }).join("");
}

/** `Did you mean "port"?`, or nothing when no word is anywhere near. */
export function suggestion(
  given: string,
  known: readonly string[],
  show: (word: string) => string = (word) => word,
): string {
  if (known.length === 0) return "";
  const nearest = closestString(given.toLowerCase(), known);
  return alike(given.toLowerCase(), nearest) ? `Did you mean ${show(nearest)}?` : "";
}

/** Whether two words share half of their letters: the nearest of some words may be far away. */
function alike(a: string, b: string): boolean {
  const rest = [...b];
  let shared = 0;
  for (const letter of a) {
    const at = rest.indexOf(letter);
    if (at === -1) continue;
    rest.splice(at, 1);
    shared++;
  }
  return shared * 2 >= Math.max(a.length, b.length);
}

/** `1 message`, `2 messages`. */
export function plural(count: number, one: string, many: string = one + "s"): string {
  return `${count.toLocaleString("en-US")} ${count === 1 ? one : many}`;
}
