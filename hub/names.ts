import { MAX_NAME_LENGTH, nameKey } from "../protocol.ts";

// Without the letters and digits that are taken for one another.
const GUEST_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789";
const GUEST_LETTERS = 4;

/** Numbers tried before a random one: "the nearest free name" must not cost a walk along a crowd. */
const NEAREST_TRIES = 20;

/** Names that stay their owner's while nobody has them: what a book of the hub's life may cost. */
const MAX_OWNED = 10_000;

/** Who has which name: unique, whatever the case. */
export class NameBook<Holder> {
  readonly #holders = new Map<string, Holder>();
  /** Names that tokens fixed, as they are written there. */
  readonly #owned = new Map<string, string>();

  /** Who has `name`, if anybody. */
  holder(name: string): Holder | undefined {
    return this.#holders.get(nameKey(name));
  }

  /**
   * From now on nobody takes `name` but who comes to {@linkcode put}. False when it belongs to
   * somebody whose name is written differently, and so is not the same.
   */
  own(name: string): boolean {
    const key = nameKey(name);
    const owner = this.#owned.get(key);
    if (owner !== undefined) return owner === name;
    if (this.#owned.size >= MAX_OWNED) {
      const [oldest] = this.#owned.keys();
      if (oldest !== undefined) this.#owned.delete(oldest);
    }
    this.#owned.set(key, name);
    return true;
  }

  /** Whether `name` is kept for whom a token calls so. */
  isOwned(name: string): boolean {
    return this.#owned.has(nameKey(name));
  }

  /** Gives `name` to `holder`, whoever has it. */
  put(name: string, holder: Holder): void {
    this.#holders.set(nameKey(name), holder);
  }

  /** Gives `name` to `holder`; false when another has it, or owns it. */
  take(name: string, holder: Holder): boolean {
    const key = nameKey(name);
    if (this.#owned.has(key)) return false;
    const present = this.#holders.get(key);
    if (present !== undefined && present !== holder) return false;
    this.#holders.set(key, holder);
    return true;
  }

  /** Gives `holder` the free name nearest to `wanted`: itself, `wanted-2`, `wanted-3` … */
  takeNearest(wanted: string, holder: Holder): string {
    if (this.take(wanted, holder)) return wanted;
    for (let number = 2;; number++) {
      const suffix = number <= NEAREST_TRIES ? `-${number}` : `-${randomLetters(GUEST_LETTERS)}`;
      const name = [...wanted].slice(0, MAX_NAME_LENGTH - suffix.length).join("") + suffix;
      if (this.take(name, holder)) return name;
    }
  }

  /** Gives `holder` a guest's name. */
  takeGuest(holder: Holder): string {
    for (;;) {
      const name = `guest-${randomLetters(GUEST_LETTERS)}`;
      if (this.take(name, holder)) return name;
    }
  }

  /** Frees `name` if it is `holder`'s. */
  release(name: string, holder: Holder): void {
    const key = nameKey(name);
    if (this.#holders.get(key) === holder) this.#holders.delete(key);
  }
}

function randomLetters(count: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(count));
  return Array.from(bytes, (byte) => GUEST_ALPHABET[byte % GUEST_ALPHABET.length]).join("");
}
