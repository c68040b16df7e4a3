/** Things that begin in an order and end in another: tells up to where all of them are done. */
export class CompletionTracker<T> {
  #open: { readonly item: T; done: boolean }[] = [];

  /** @param onDone is told of each item once it and all before it are done, in their order. */
  constructor(private readonly onDone: (item: T) => void) {}

  /** Items that are not done, and those that are done but stand behind one that is not. */
  get size(): number {
    return this.#open.length;
  }

  /** Takes in an item; the function that it returns says that the item is done. */
  begin(item: T): () => void {
    const entry = { item, done: false };
    this.#open.push(entry);
    return () => {
      entry.done = true;
      if (this.#open[0]?.done !== true) return;
      const end = this.#open.findIndex(({ done }) => !done);
      for (const { item } of this.#open.splice(0, end === -1 ? this.#open.length : end)) {
        this.onDone(item);
      }
    };
  }
}
