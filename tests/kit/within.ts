/** Real milliseconds after which a test that still waits is wrong, not slow. */
const DEADLINE = 10_000;

/** `promise`, or an error that names `what` never came: a hanging test says why it hangs. */
export async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`Never came: ${what}`)), DEADLINE);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A queue to wait on: what comes in is taken out one by one, by whoever waits for it. */
export class Inbox<T> {
  readonly #items: T[] = [];
  readonly #waiting: ((item: T) => void)[] = [];

  constructor(private readonly what: string) {}

  /** How many were not yet taken. */
  get size(): number {
    return this.#items.length;
  }

  put(item: T): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#items.push(item);
    else waiting(item);
  }

  /** The next one, waiting for it if need be. */
  take(what: string = this.what): Promise<T> {
    if (this.#items.length > 0) return Promise.resolve(this.#items.shift() as T);
    return within(new Promise<T>((resolve) => this.#waiting.push(resolve)), what);
  }
}
