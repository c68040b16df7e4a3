/**
 * Latencies in log-linear buckets: constant memory, no allocation per sample, and an error of at most
 * 1/64.
 *
 * @module
 */

/** Values share a bucket if their first seven binary digits are equal. */
const PRECISION_BITS = 6;
const SUB_BUCKETS = 1 << PRECISION_BITS;
/** Larger values count as this one: 2^31 µs are 35 minutes. */
const MAX_VALUE = 2 ** 31 - 1;
const BUCKETS = (31 - PRECISION_BITS + 1) * SUB_BUCKETS;

/** In milliseconds. */
export interface LatencySummary {
  readonly samples: number;
  readonly mean: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** Counts values in whole microseconds and computes quantiles. */
export class LatencyHistogram {
  readonly #counts = new Float64Array(BUCKETS);
  #count = 0;
  #sum = 0;
  #max = 0;

  /** The number of values. */
  get count(): number {
    return this.#count;
  }

  /** The exact maximum. */
  get max(): number {
    return this.#max;
  }

  /** The exact mean; 0 without values. */
  get mean(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count;
  }

  /** Values below 0 count as 0. */
  record(value: number): void {
    const v = value <= 0 ? 0 : value >= MAX_VALUE ? MAX_VALUE : Math.round(value);
    const bucket = bucketOf(v);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#count++;
    this.#sum += v;
    if (v > this.#max) this.#max = v;
  }

  /** The value that the fraction `q` of all values does not exceed; 0 without values. */
  quantile(q: number): number {
    if (this.#count === 0) return 0;
    const rank = Math.max(1, Math.ceil(q * this.#count));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#counts[bucket] ?? 0;
      // The bucket's upper end, to never understate a quantile, but at most the maximum.
      if (seen >= rank) return Math.min(upperEnd(bucket), this.#max);
    }
    return this.#max;
  }

  add(other: LatencyHistogram): void {
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      this.#counts[bucket] = (this.#counts[bucket] ?? 0) + (other.#counts[bucket] ?? 0);
    }
    this.#count += other.#count;
    this.#sum += other.#sum;
    if (other.#max > this.#max) this.#max = other.#max;
  }

  reset(): void {
    this.#counts.fill(0);
    this.#count = 0;
    this.#sum = 0;
    this.#max = 0;
  }

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

/** The bucket of an integer up to `MAX_VALUE`: exact below 64, then 64 buckets per power of two. */
function bucketOf(value: number): number {
  if (value < SUB_BUCKETS) return value;
  const shift = 31 - PRECISION_BITS - Math.clz32(value);
  return (shift + 1) * SUB_BUCKETS + (value >>> shift) - SUB_BUCKETS;
}

/** The largest value in `bucket`. */
function upperEnd(bucket: number): number {
  if (bucket < SUB_BUCKETS) return bucket;
  const shift = (bucket >>> PRECISION_BITS) - 1;
  const mantissa = (bucket & (SUB_BUCKETS - 1)) + SUB_BUCKETS;
  return (mantissa + 1) * 2 ** shift - 1;
}
