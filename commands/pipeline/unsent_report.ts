import { plural } from "../../lib/words.ts";

/** Lines that are reported one by one; the rest only as a number. */
const MAX_REPORTED = 10;

/** Reports lines that were not sent, and why: the first ones at once, the rest as a number. */
export class UnsentReport {
  #count = 0;

  constructor(private readonly say: (line: string) => void) {}

  /** Line `number` will not be sent. */
  rejected(number: number, why: string): void {
    if (++this.#count <= MAX_REPORTED) this.say(`Line ${number} was not sent: ${why}`);
  }

  /** Reports lines that were neither acked nor rejected when sending ended. */
  unacked(numbers: readonly number[], why: string): void {
    if (numbers.length === 0) return;
    const what = numbers.length === 1 ? "Line" : "Lines";
    this.say(`${what} ${ranges(numbers)} may not have been sent: ${why}`);
  }

  finish(): void {
    const more = this.#count - MAX_REPORTED;
    if (more > 0) {
      this.say(`And ${plural(more, "more line")} ${more === 1 ? "was" : "were"} not sent`);
    }
  }
}

/** `3, 5 to 9 and 12`; a number instead of all but the first few ranges. */
export function ranges(numbers: readonly number[]): string {
  const found: [from: number, to: number][] = [];
  for (const number of numbers.toSorted((a, b) => a - b)) {
    const last = found.at(-1);
    if (last !== undefined && number <= last[1] + 1) last[1] = number;
    else found.push([number, number]);
  }
  const listed = found.slice(0, MAX_REPORTED).map(([from, to]) =>
    from === to ? `${from}` : `${from} to ${to}`
  );
  const rest = found.slice(MAX_REPORTED).reduce((sum, [from, to]) => sum + to - from + 1, 0);
  if (rest > 0) listed.push(`${rest.toLocaleString("en-US")} more`);
  const final = listed.pop() ?? "";
  return listed.length === 0 ? final : `${listed.join(", ")} and ${final}`;
}
