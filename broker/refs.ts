/**
 * Finds where a mark was stored, for the marks of the last minutes: a hash table of numbers that
 * costs 16 to 32 bytes a mark, because a busy hub has millions of them in five minutes.
 *
 * It answers with candidates; whoever holds the marks themselves compares.
 */
export class RecentRefs {
  readonly #window: number;
  readonly #factors = crypto.getRandomValues(new Uint32Array(FACTORS));
  #current = new Generation(0, 0);
  #previous: Generation | undefined;

  /** Remembers marks for at least `window` milliseconds, and no longer than twice that. */
  constructor(window: number) {
    this.#window = window;
  }

  /**
   * A hash that a stranger cannot aim: a sum of characters times secret random factors, one for
   * each place. Without the secret, colliding marks could be made to order, and slow the table down.
   */
  hash(session: string, ref: string): number {
    const factors = this.#factors;
    let sum = 0;
    let place = 0;
    for (let i = 0; i < session.length; i++) {
      sum += Math.imul(factors[place++ & (FACTORS - 1)] ?? 0, session.charCodeAt(i) + 1);
    }
    // The place of the gap belongs to neither, so that "ab" + "c" is not "a" + "bc".
    place++;
    for (let i = 0; i < ref.length; i++) {
      sum += Math.imul(factors[place++ & (FACTORS - 1)] ?? 0, ref.charCodeAt(i) + 1);
    }
    return sum >>> 0;
  }

  /** Remembers that the mark with this hash has the number `no`; numbers and times only grow. */
  add(hash: number, no: number, at: number): void {
    if (this.#current.size === 0) {
      this.#current = new Generation(no, at);
    } else if (at - this.#current.since >= this.#window || this.#current.isFull) {
      this.#previous = this.#current;
      this.#current = new Generation(no, at);
    }
    this.#current.add(hash, no);
  }

  /** The numbers whose marks have this hash: nearly always none, or the one looked for. */
  candidates(hash: number): readonly number[] {
    const recent = this.#current.find(hash, NONE);
    return this.#previous === undefined ? recent : this.#previous.find(hash, recent);
  }
}

const NONE: readonly number[] = [];

/** Longest session and ref together before places repeat; must be a power of two. */
const FACTORS = 256;

const FIRST_CAPACITY = 1024;

/** Slots at most, so that numbers relative to the generation's base never leave their 32 bits. */
const MAX_CAPACITY = 2 ** 26;

/** An open-addressing table, at most half full. */
class Generation {
  size = 0;
  #capacity = FIRST_CAPACITY;
  #hashes = new Uint32Array(FIRST_CAPACITY);
  /** Number minus base plus one; 0 is an empty slot. */
  #numbers = new Uint32Array(FIRST_CAPACITY);

  constructor(readonly base: number, readonly since: number) {}

  get isFull(): boolean {
    return this.size * 2 >= MAX_CAPACITY;
  }

  add(hash: number, no: number): void {
    if (this.size * 2 >= this.#capacity) this.#grow();
    this.#put(hash, no - this.base + 1);
    this.size++;
  }

  find(hash: number, more: readonly number[]): readonly number[] {
    let found: number[] | undefined;
    const last = this.#capacity - 1;
    for (let slot = this.#slot(hash);; slot = (slot + 1) & last) {
      const number = this.#numbers[slot] ?? 0;
      if (number === 0) break;
      if (this.#hashes[slot] === hash) (found ??= []).push(this.base + number - 1);
    }
    return found === undefined ? more : [...found, ...more];
  }

  /** By the upper bits, which the hash mixes best. */
  #slot(hash: number): number {
    return hash >>> (Math.clz32(this.#capacity) + 1);
  }

  #put(hash: number, number: number): void {
    const last = this.#capacity - 1;
    let slot = this.#slot(hash);
    while (this.#numbers[slot] !== 0) slot = (slot + 1) & last;
    this.#hashes[slot] = hash;
    this.#numbers[slot] = number;
  }

  #grow(): void {
    const hashes = this.#hashes;
    const numbers = this.#numbers;
    this.#capacity *= 2;
    this.#hashes = new Uint32Array(this.#capacity);
    this.#numbers = new Uint32Array(this.#capacity);
    for (let i = 0; i < numbers.length; i++) {
      const number = numbers[i] ?? 0;
      if (number !== 0) this.#put(hashes[i] ?? 0, number);
    }
  }
}
