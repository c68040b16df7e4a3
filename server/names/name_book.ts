import { MAX_NAME_LENGTH, nameKey } from "../../protocol.ts";
import type { OwnedNames } from "./owned_names.ts";

// Without letters and digits that look alike.
const GUEST_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789";
const GUEST_LETTERS = 4;

/** Numbers tried before a random suffix, so that a common name costs no long search. */
const NEAREST_TRIES = 20;

/** Names in use. Names that differ only in case are the same. */
export class NameBook<Holder> {
  readonly #holders = new Map<string, Holder>();

  /** @param owned the names reserved for tokens. */
  constructor(private readonly owned: Pick<OwnedNames, "has">) {}

  holder(name: string): Holder | undefined {
    return this.#holders.get(nameKey(name));
  }

  /** Gives `name` to `holder`, even if another has it. */
  put(name: string, holder: Holder): void {
    this.#holders.set(nameKey(name), holder);
  }

  /** Gives `name` to `holder`; false if another has it, or a token owns it. */
  take(name: string, holder: Holder): boolean {
    if (this.owned.has(name)) return false;
    const key = nameKey(name);
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

  /** Gives `holder` a random guest name. */
  takeGuest(holder: Holder): string {
    for (;;) {
      const name = `guest-${randomLetters(GUEST_LETTERS)}`;
      if (this.take(name, holder)) return name;
    }
  }

  /** Frees `name` if `holder` has it. */
  release(name: string, holder: Holder): void {
    const key = nameKey(name);
    if (this.#holders.get(key) === holder) this.#holders.delete(key);
  }
}

function randomLetters(count: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(count));
  return Array.from(bytes, (byte) => GUEST_ALPHABET[byte % GUEST_ALPHABET.length]).join("");
}
