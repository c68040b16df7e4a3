/**
 * Latencies in log-linear buckets: constant memory, no allocation per sample, and every answer
 * within 1/64 of the truth.
 *
 * @module
 */

/** Bits of precision: values share a bucket when they agree in their first seven binary digits. */
const PRECISION_BITS = 6;
const SUB_BUCKETS = 1 << PRECISION_BITS;
/** Larger values are counted as this one: 2^31 µs are 35 minutes. */
const MAX_VALUE = 2 ** 31 - 1;
const BUCKETS = (31 - PRECISION_BITS + 1) * SUB_BUCKETS;

/** The figures that people ask of a histogram, in milliseconds. */
export interface LatencySummary {
  readonly samples: number;
  readonly mean: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** Counts values (whole microseconds) and answers quantiles. */
export class LatencyHistogram {
  readonly #counts = new Float64Array(BUCKETS);
  #count = 0;
  #sum = 0;
  #max = 0;

  /** How many values were recorded. */
  get count(): number {
    return this.#count;
  }

  /** The largest value, exact. */
  get max(): number {
    return this.#max;
  }

  /** The mean, exact; 0 when there is none. */
  get mean(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count;
  }

  /** Counts one value; what is below 0 counts as 0. */
  record(value: number): void {
    const v = value <= 0 ? 0 : value >= MAX_VALUE ? MAX_VALUE : Math.round(value);
    const bucket = bucketOf(v);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#count++;
    this.#sum += v;
    if (v > this.#max) this.#max = v;
  }

  /** The value that the fraction `q` of all values does not exceed; 0 when there is none. */
  quantile(q: number): number {
    if (this.#count === 0) return 0;
    const rank = Math.max(1, Math.ceil(q * this.#count));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#counts[bucket] ?? 0;
      // The bucket's upper end, so that a quantile is never flattered; never above the maximum.
      if (seen >= rank) return Math.min(upperEnd(bucket), this.#max);
    }
    return this.#max;
  }

  /** Adds the values of another histogram. */
  add(other: LatencyHistogram): void {
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      this.#counts[bucket] = (this.#counts[bucket] ?? 0) + (other.#counts[bucket] ?? 0);
    }
    this.#count += other.#count;
    this.#sum += other.#sum;
    if (other.#max > this.#max) this.#max = other.#max;
  }

  /** Forgets every value. */
  reset(): void {
    this.#counts.fill(0);
    this.#count = 0;
    this.#sum = 0;
    this.#max = 0;
  }

  /** The usual figures, in milliseconds. */
  summary(): LatencySummary {
    return {
      samples: this.#count,
      mean: this.mean / 1000,
      p50: this.quantile(0.5) / 1000,
      p99: this.quantile(0.99) / 1000,
      p999: this.quantile(0.999) / 1000,
      max: this.#max / 1000,
    };
  }
}

/** The bucket of a whole number from 0 to `MAX_VALUE`: exact below 64, then 64 per power of two. */
function bucketOf(value: number): number {
  if (value < SUB_BUCKETS) return value;
  const shift = 31 - PRECISION_BITS - Math.clz32(value);
  return (shift + 1) * SUB_BUCKETS + (value >>> shift) - SUB_BUCKETS;
}

/** The largest value that falls into `bucket`. */
function upperEnd(bucket: number): number {
  if (bucket < SUB_BUCKETS) return bucket;
  const shift = (bucket >>> PRECISION_BITS) - 1;
  const mantissa = (bucket & (SUB_BUCKETS - 1)) + SUB_BUCKETS;
  return (mantissa + 1) * 2 ** shift - 1;
}
