import { delay } from "../../lib/async.ts";

/** Real milliseconds after which a test that still waits is broken, not slow. */
const UNTIL_DEADLINE = 20_000;
const WITHIN_DEADLINE = 10_000;
/** Milliseconds between two checks. */
const PERIOD = 10;

/** Calls `check` until it returns something other than `undefined` or `false`. */
export async function until<T>(
  what: string,
  check: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const end = performance.now() + UNTIL_DEADLINE;
  for (;;) {
    const found = await check();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > end) throw new Error(`Never came: ${what}`);
    await delay(PERIOD);
  }
}

/** `promise`, or an error that says `what` never came, so that a hanging test explains itself. */
export async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`Never came: ${what}`)), WITHIN_DEADLINE);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A queue whose items are taken one by one, each by the first caller that waits for one. */
export class Inbox<T> {
  readonly #items: T[] = [];
  readonly #waiting: ((item: T) => void)[] = [];

  constructor(private readonly what: string) {}

  /** The number of items not taken yet. */
  get size(): number {
    return this.#items.length;
  }

  put(item: T): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#items.push(item);
    else waiting(item);
  }

  /** The next item, waiting for it if need be. */
  take(what: string = this.what): Promise<T> {
    if (this.#items.length > 0) return Promise.resolve(this.#items.shift() as T);
    return within(new Promise<T>((resolve) => this.#waiting.push(resolve)), what);
  }
}
