/**
 * A token bucket: `burst` tokens at once, `rate` a second in the long run. It needs no timer, as it
 * is refilled when used.
 */
export class TokenBucket {
  #tokens: number;
  #at: number;

  constructor(
    private readonly rate: number,
    private readonly burst: number,
    now: number,
  ) {
    this.#tokens = burst;
    this.#at = now;
  }

  /** Takes one token. Returns 0, or the seconds until the next token. */
  take(now: number): number {
    const wait = this.wait(now);
    if (wait === 0) this.#tokens -= 1;
    return wait;
  }

  /** The seconds until the next token; takes none. */
  wait(now: number): number {
    this.#refill(now);
    return this.#tokens >= 1 ? 0 : (1 - this.#tokens) / this.rate;
  }

  /** Whether no token is missing: such a bucket is the same as a new one. */
  full(now: number): boolean {
    this.#refill(now);
    return this.#tokens >= this.burst;
  }

  #refill(now: number): void {
    const elapsed = Math.max(0, now - this.#at) / 1000;
    this.#at = now;
    this.#tokens = Math.min(this.burst, this.#tokens + elapsed * this.rate);
  }
}

/** Keys remembered; some tens of bytes each. */
const MAX_KEYS = 50_000;

/** A token bucket for each key, kept only while tokens are missing. */
export class TokenBuckets {
  readonly #buckets = new Map<string, TokenBucket>();

  /** @param rate tokens a second; 0 for no limit. */
  constructor(private readonly rate: number, private readonly burst: number) {}

  /** Keys remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Takes one token of `key`. Returns 0, or the seconds until the next token. */
  take(key: string, now: number): number {
    if (this.rate <= 0) return 0;
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      bucket = new TokenBucket(this.rate, this.burst, now);
      this.#add(key, bucket);
    }
    return bucket.take(now);
  }

  /** The seconds until the next token of `key`; takes none. */
  wait(key: string, now: number): number {
    return this.#buckets.get(key)?.wait(now) ?? 0;
  }

  /** Forgets full buckets. */
  sweep(now: number): void {
    for (const [key, bucket] of this.#buckets) {
      if (bucket.full(now)) this.#buckets.delete(key);
    }
  }

  #add(key: string, bucket: TokenBucket): void {
    if (this.#buckets.size >= MAX_KEYS) {
      const [oldest] = this.#buckets.keys();
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    this.#buckets.set(key, bucket);
  }
}
