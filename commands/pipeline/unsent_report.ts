import { plural } from "../../lib/words.ts";

/** Lines that are told one by one; of more, only how many. */
const TOLD = 10;

/** Tells which lines were not sent, and why: the first ones as it happens, the others as a number. */
export class UnsentReport {
  #count = 0;

  constructor(private readonly say: (line: string) => void) {}

  /** Line `number` will not be sent. */
  refused(number: number, why: string): void {
    if (++this.#count <= TOLD) this.say(`Line ${number} was not sent: ${why}`);
  }

  /** These lines were neither acked nor refused when there was no going on. */
  unacked(numbers: readonly number[], why: string): void {
    if (numbers.length === 0) return;
    const what = numbers.length === 1 ? "Line" : "Lines";
    this.say(`${what} ${ranges(numbers)} may not have been sent: ${why}`);
  }

  /** Nothing more comes. */
  end(): void {
    const more = this.#count - TOLD;
    if (more > 0) {
      this.say(`And ${plural(more, "more line")} ${more === 1 ? "was" : "were"} not sent`);
    }
  }
}

/** `3, 5 to 9 and 12`; past the first few, how many. */
export function ranges(numbers: readonly number[]): string {
  const found: [from: number, to: number][] = [];
  for (const number of numbers.toSorted((a, b) => a - b)) {
    const last = found.at(-1);
    if (last !== undefined && number <= last[1] + 1) last[1] = number;
    else found.push([number, number]);
  }
  const told = found.slice(0, TOLD).map(([from, to]) =>
    from === to ? `${from}` : `${from} to ${to}`
  );
  const rest = found.slice(TOLD).reduce((sum, [from, to]) => sum + to - from + 1, 0);
  if (rest > 0) told.push(`${rest.toLocaleString("en-US")} more`);
  const final = told.pop() ?? "";
  return told.length === 0 ? final : `${told.join(", ")} and ${final}`;
}
