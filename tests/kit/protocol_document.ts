/** The tables and examples of docs/protocol.md, for the tests that compare them with the code. */

/** The text of docs/protocol.md. */
export const protocolDocument = await Deno.readTextFile(
  new URL("../../docs/protocol.md", import.meta.url),
);

/** A field as documented in the section of a frame. */
export interface DocumentedField {
  readonly name: string;
  /** `yes` or `always`: every such frame has it. */
  readonly required: boolean;
  readonly meaning: string;
}

/** The section of a frame. */
export interface DocumentedFrame {
  readonly type: string;
  readonly fields: readonly DocumentedField[];
  readonly example: Readonly<Record<string, unknown>>;
}

/** The text between a heading and the next one of its level. */
export function section(heading: string, level = 2, text: string = protocolDocument): string {
  const mark = `\n${"#".repeat(level)} `;
  const [, after] = text.split(`${mark}${heading}\n`);
  if (after === undefined) throw new Error(`docs/protocol.md has no section ${heading}`);
  return after.split(mark)[0] ?? "";
}

/** The rows of the table of `text` with the first column `head`, as cells. */
export function tableRows(text: string, head: string): string[][] {
  const rows = text.split("\n\n").map((block) => block.trim())
    .filter((block) => block.startsWith("|"))
    .map((block) =>
      block.split("\n").map((line) =>
        line.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim())
      )
    ).find(([first]) => first?.[0] === head);
  if (rows === undefined) throw new Error(`docs/protocol.md has no table ${head}`);
  return rows.slice(2);
}

/** The words in `code` spans of a cell. */
export function codeWords(cell = ""): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, word]) => word ?? "");
}

/** The frames documented below `## Client to hub` or `## Hub to client`. */
export function documentedFrames(heading: string): readonly DocumentedFrame[] {
  const [, ...parts] = section(heading).split("\n### ");
  return parts.map((part) => {
    const type = part.slice(0, part.indexOf("\n"));
    const [, json = ""] = /```json\n([^`]+)```/.exec(part) ?? [];
    const fields = tableRows(part, "field").map(([name, required = "", meaning = ""]) => ({
      name: codeWords(name)[0] ?? "",
      required: required === "yes" || required === "always",
      meaning,
    }));
    return { type, fields, example: JSON.parse(json) };
  });
}
