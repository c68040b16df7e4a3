import type { CompletedFlag, CompletedValues } from "./table.ts";

/** What of the language differs between shells that share its `case`. */
export interface CaseStyle {
  /** What stands between two patterns. */
  readonly or: string;
  /** The command that offers what a flag takes. */
  readonly offering: (values: CompletedValues) => string;
}

/** The branches of a `case` over flags that take a value; it has at least one. */
export function flagCases(
  flags: readonly CompletedFlag[],
  indent: number,
  { or, offering }: CaseStyle,
): string {
  const blanks = " ".repeat(indent);
  const cases = flags.flatMap(({ name, short, values }) => {
    if (values === undefined) return [];
    const pattern = short === undefined ? name : `${short}${or}${name}`;
    return [`${blanks}${pattern})`, `${blanks}  ${offering(values)}`, `${blanks}  return ;;`];
  });
  return cases.length === 0 ? `${blanks}'') ;;` : cases.join("\n");
}
