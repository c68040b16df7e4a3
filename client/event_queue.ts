import { Deque } from "./deque.ts";

interface Waiter<T> {
  readonly owner: object;
  readonly resolve: (result: IteratorResult<T, undefined>) => void;
  readonly reject: (error: Error) => void;
}

/**
 * An async iterable queue for one consumer. Unbounded, since no event may be lost: to limit it, watch
 * `size`, and push no more until {@linkcode EventQueue.emptied} resolves.
 *
 * Leaving a loop (`break`, `return()`) does not end the queue: a later loop continues with the unread
 * events. Two loops at once share the events between them.
 */
export class EventQueue<T> implements AsyncIterable<T> {
  readonly #unread = new Deque<T>();
  #waiters: Waiter<T>[] = [];
  #end: { readonly error: Error | undefined } | undefined;
  #emptied: PromiseWithResolvers<void> | undefined;

  /** The number of unread events. */
  get size(): number {
    return this.#unread.size;
  }

  /** Resolves when every event was read. */
  emptied(): Promise<void> {
    if (this.size === 0) return Promise.resolve();
    this.#emptied ??= Promise.withResolvers();
    return this.#emptied.promise;
  }

  push(event: T): void {
    if (this.#end !== undefined) return;
    const waiter = this.#waiters.shift();
    if (waiter === undefined) this.#unread.push(event);
    else waiter.resolve({ done: false, value: event });
  }

  /** Ends the iteration once everything is read; with `error`, by throwing it. */
  end(error?: Error): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const { resolve, reject } of waiters) {
      if (error === undefined) resolve({ done: true, value: undefined });
      else reject(error);
    }
  }

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    const owner = {};
    let over = false;
    return {
      next: () => {
        if (over) return Promise.resolve({ done: true, value: undefined });
        return this.#next(owner);
      },
      return: () => {
        over = true;
        this.#abandon(owner);
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  #next(owner: object): Promise<IteratorResult<T, undefined>> {
    if (this.#unread.size > 0) {
      const value = this.#unread.shift() as T;
      if (this.#unread.size === 0) {
        this.#emptied?.resolve();
        this.#emptied = undefined;
      }
      return Promise.resolve({ done: false, value });
    }
    if (this.#end?.error !== undefined) return Promise.reject(this.#end.error);
    if (this.#end !== undefined) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => this.#waiters.push({ owner, resolve, reject }));
  }

  #abandon(owner: object): void {
    const [mine, others] = [
      this.#waiters.filter((waiter) => waiter.owner === owner),
      this.#waiters.filter((waiter) => waiter.owner !== owner),
    ];
    this.#waiters = others;
    for (const { resolve } of mine) resolve({ done: true, value: undefined });
  }
}
