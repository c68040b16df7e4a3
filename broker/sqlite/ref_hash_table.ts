/** Where a chunk is: its room's number and the id of its first message. */
export interface ChunkPosition {
  readonly room: number;
  readonly first: number;
  /** When it was written, by the time given to {@linkcode RefHashTable.rotate}. */
  readonly at: number;
}

/**
 * Finds the chunks in which a mark may be, for the marks of the last minutes: a hash table of
 * numbers that costs 16 to 32 bytes a mark, because a busy hub has millions of them in five minutes.
 *
 * It answers with candidates; whoever holds the marks themselves compares.
 */
export class RefHashTable {
  readonly #window: number;
  readonly #factors = crypto.getRandomValues(new Uint32Array(FACTORS));
  #current = new RefGeneration(0, 0);
  #previous: RefGeneration | undefined;
  #session = "";
  #sessionSum = 0;

  /** Remembers marks for at least `window` milliseconds, and no longer than twice that. */
  constructor(window: number) {
    this.#window = window;
  }

  /** The number that the next chunk gets. */
  get next(): number {
    return this.#current.next;
  }

  /**
   * A hash that a stranger cannot aim: a sum of characters times secret random factors, one for
   * each place. Without the secret, colliding marks could be made to order, and slow the table down.
   */
  hash(session: string, ref: string): number {
    if (session !== this.#session) {
      this.#sessionSum = this.#sum(session, 0);
      this.#session = session;
    }
    // The place of the gap belongs to neither, so that "ab" + "c" is not "a" + "bc".
    return (this.#sessionSum + this.#sum(ref, session.length + 1)) >>> 0;
  }

  #sum(text: string, place: number): number {
    const factors = this.#factors;
    let sum = 0;
    for (let i = 0; i < text.length; i++) {
      sum += Math.imul(factors[(place + i) & (FACTORS - 1)] ?? 0, text.charCodeAt(i) + 1);
    }
    return sum;
  }

  /** Moves on to the time `at`, which only grows. Chunks from before get no more marks. */
  rotate(at: number): void {
    if (this.#current.size === 0) {
      this.#current.since = at;
    } else if (at - this.#current.since >= this.#window || this.#current.isFull) {
      this.#previous = this.#current;
      this.#current = new RefGeneration(this.#current.next, at);
    }
  }

  /** Gives a chunk that was written at the time `at` a number, one above the last. */
  addChunk(room: number, first: number, at: number): number {
    return this.#current.addChunk(room, first, at);
  }

  /** Remembers that the chunk `no`, opened since the last turn, has a mark with this hash. */
  add(hash: number, no: number): void {
    this.#current.add(hash, no);
  }

  /** The chunks that have a mark with this hash: nearly always none, or the one looked for. */
  candidates(hash: number): readonly number[] {
    const recent = this.#current.find(hash, NONE);
    return this.#previous === undefined ? recent : this.#previous.find(hash, recent);
  }

  /** Where a chunk is that {@linkcode candidates} named. */
  chunkAt(no: number): ChunkPosition | undefined {
    return (no >= this.#current.base ? this.#current : this.#previous)?.chunkAt(no);
  }
}

const NONE: readonly number[] = [];

/** Longest session and ref together before places repeat; must be a power of two. */
const FACTORS = 256;

const FIRST_CAPACITY = 1024;

/** Slots at most, so that numbers relative to the generation's base never leave their 32 bits. */
const MAX_CAPACITY = 2 ** 26;

/** An open-addressing table, at most half full, and the places of the chunks it leads to. */
class RefGeneration {
  size = 0;
  #capacity = FIRST_CAPACITY;
  #hashes = new Uint32Array(FIRST_CAPACITY);
  /** Chunk minus base plus one; 0 is an empty slot. */
  #numbers = new Uint32Array(FIRST_CAPACITY);
  #chunks = 0;
  #rooms = new Uint32Array(FIRST_CAPACITY);
  /** Ids have more than 32 bits. */
  #firsts = new Float64Array(FIRST_CAPACITY);
  #times = new Float64Array(FIRST_CAPACITY);

  constructor(readonly base: number, public since: number) {}

  get next(): number {
    return this.base + this.#chunks;
  }

  get isFull(): boolean {
    return this.size * 2 >= MAX_CAPACITY;
  }

  addChunk(room: number, first: number, at: number): number {
    if (this.#chunks === this.#rooms.length) {
      this.#times = enlarge(this.#times, new Float64Array(2 * this.#chunks));
      this.#rooms = enlarge(this.#rooms, new Uint32Array(2 * this.#chunks));
      this.#firsts = enlarge(this.#firsts, new Float64Array(2 * this.#chunks));
    }
    this.#rooms[this.#chunks] = room;
    this.#firsts[this.#chunks] = first;
    this.#times[this.#chunks] = at;
    return this.base + this.#chunks++;
  }

  chunkAt(no: number): ChunkPosition | undefined {
    const room = this.#rooms[no - this.base];
    const first = this.#firsts[no - this.base];
    const at = this.#times[no - this.base] ?? 0;
    return room === undefined || first === undefined ? undefined : { room, first, at };
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

/** `to`, which is longer, with the beginning of `from`. */
function enlarge<T extends Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
