/**
 * Counts values by size, for metrics: a few plain numbers, however much is observed.
 */
export class Histogram {
  /** Values up to each bound that were above the one before; the last are those above all bounds. */
  readonly counts: number[];
  /** Of all values. */
  sum = 0;

  /** @param bounds the upper ones, which belong to their bucket; ascending. */
  constructor(readonly bounds: readonly number[]) {
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  /** Counts one value. */
  observe(value: number): void {
    const { bounds, counts } = this;
    let index = 0;
    // Most values are in the first buckets: a loop is faster than halving.
    while (index < bounds.length && value > (bounds[index] ?? Infinity)) index++;
    counts[index] = (counts[index] ?? 0) + 1;
    this.sum += value;
  }
}
