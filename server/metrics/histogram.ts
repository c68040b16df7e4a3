/** Counts values in buckets. Its size does not depend on the number of values. */
export class Histogram {
  /** The values of each bucket; the last bucket has no upper bound. */
  readonly counts: number[];
  sum = 0;

  /** @param bounds upper bounds, inclusive, ascending. */
  constructor(readonly bounds: readonly number[]) {
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    const { bounds, counts } = this;
    let index = 0;
    // Most values are in the first buckets, so a loop beats binary search.
    while (index < bounds.length && value > (bounds[index] ?? Infinity)) index++;
    counts[index] = (counts[index] ?? 0) + 1;
    this.sum += value;
  }
}
