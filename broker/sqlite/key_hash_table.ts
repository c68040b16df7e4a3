/** The position of a chunk: its room's number and the id of its first message. */
export interface ChunkPosition {
  readonly room: number;
  readonly first: number;
  /** The time passed to {@linkcode KeyHashTable.addChunk}. */
  readonly at: number;
}

/**
 * Finds the chunks that may contain a key, for the keys of the last minutes. A hash table of numbers
 * costs 16 to 32 bytes per key; a busy hub has millions of them in five minutes.
 *
 * It returns candidates; the caller compares the keys themselves.
 */
export class KeyHashTable {
  readonly #window: number;
  readonly #factors = crypto.getRandomValues(new Uint32Array(FACTORS));
  /** Odd, so that no two rooms add the same. */
  readonly #roomFactor = (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) | 1;
  #current = new Generation(0, 0);
  #previous: Generation | undefined;
  #sender = "";
  #senderSum = 0;

  /** Keeps keys for at least `window` milliseconds, and at most twice that. */
  constructor(window: number) {
    this.#window = window;
  }

  /** The number of the next chunk. */
  get next(): number {
    return this.#current.next;
  }

  /**
   * A hash that clients cannot predict: a sum of characters times secret random factors, one per
   * position. With predictable hashes, a client could send colliding keys to slow down the table.
   *
   * @param room the number of a room.
   */
  hash(room: number, sender: string, key: string): number {
    if (sender !== this.#sender) {
      this.#senderSum = this.#sum(sender, 0);
      this.#sender = sender;
    }
    // The position between them is skipped, so that "ab" + "c" and "a" + "bc" differ.
    const sum = this.#senderSum + this.#sum(key, sender.length + 1);
    return (sum + Math.imul(this.#roomFactor, room)) >>> 0;
  }

  #sum(text: string, position: number): number {
    const factors = this.#factors;
    let sum = 0;
    for (let i = 0; i < text.length; i++) {
      sum += Math.imul(factors[(position + i) & (FACTORS - 1)] ?? 0, text.charCodeAt(i) + 1);
    }
    return sum;
  }

  /** Moves on to the time `at`, which must not decrease. Earlier chunks get no more keys. */
  rotate(at: number): void {
    if (this.#current.size === 0) {
      this.#current.since = at;
    } else if (at - this.#current.since >= this.#window || this.#current.isFull) {
      this.#previous = this.#current;
      this.#current = new Generation(this.#current.next, at);
    }
  }

  /** Adds a chunk and returns its number, one above the last. */
  addChunk(room: number, first: number, at: number): number {
    return this.#current.addChunk(room, first, at);
  }

  /** Adds a hash of a key in chunk `no`, which was added since the last rotation. */
  add(hash: number, no: number): void {
    this.#current.add(hash, no);
  }

  /** The chunks that have a key with this hash: nearly always none or the right one. */
  candidates(hash: number): readonly number[] {
    const recent = this.#current.find(hash, NONE);
    return this.#previous === undefined ? recent : this.#previous.find(hash, recent);
  }

  /** The position of a chunk that {@linkcode candidates} returned. */
  chunkAt(no: number): ChunkPosition | undefined {
    return (no >= this.#current.base ? this.#current : this.#previous)?.chunkAt(no);
  }
}

const NONE: readonly number[] = [];

/** The length of sender and key after which factors repeat; must be a power of two. */
const FACTORS = 256;

const FIRST_CAPACITY = 1024;

/** Maximum number of slots, so that numbers relative to the generation's base fit 32 bits. */
const MAX_CAPACITY = 2 ** 26;

/** An open-addressing table, at most half full, and the positions of its chunks. */
class Generation {
  size = 0;
  #capacity = FIRST_CAPACITY;
  #hashes = new Uint32Array(FIRST_CAPACITY);
  /** Chunk number minus base plus one; 0 marks an empty slot. */
  #numbers = new Uint32Array(FIRST_CAPACITY);
  #chunks = 0;
  #rooms = new Uint32Array(FIRST_CAPACITY);
  /** Ids exceed 32 bits. */
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

  /** Uses the upper bits, which the hash mixes best. */
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

/** Copies `from` into `to`, which is longer, and returns it. */
function enlarge<T extends Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
