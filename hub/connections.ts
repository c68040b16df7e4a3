/**
 * Sockets that are open, in all and by address, whatever door they came through.
 *
 * Those are counted too that the hub has closed and whose other side has not agreed: what was sent
 * to a client that no longer reads stays in memory until it does.
 */
export class Connections {
  readonly #byAddress = new Map<string, number>();
  #count = 0;
  readonly #whenEmpty: (() => void)[] = [];

  /** How many there are. */
  get count(): number {
    return this.#count;
  }

  /** Those of them that come from `address`. */
  from(address: string): number {
    return this.#byAddress.get(address) ?? 0;
  }

  /** Counts one more. */
  add(address: string): void {
    this.#count++;
    this.#byAddress.set(address, this.from(address) + 1);
  }

  /** Counts one less. */
  remove(address: string): void {
    this.#count--;
    const rest = this.from(address) - 1;
    if (rest > 0) this.#byAddress.set(address, rest);
    else this.#byAddress.delete(address);
    if (this.#count > 0) return;
    for (const tell of this.#whenEmpty.splice(0)) tell();
  }

  /** Resolves when the last one is closed, from both sides. */
  async empty(): Promise<void> {
    if (this.#count > 0) await new Promise<void>((resolve) => this.#whenEmpty.push(resolve));
  }
}
