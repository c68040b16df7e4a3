import type { Cancel, Clock } from "../lib/clock.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Milliseconds without a change after which a new size counts: tmux reports changes up to 250 ms
 * late, and wiping rows by an outdated width would erase printed lines.
 */
const SETTLE_MS = 300;

/** The size of a terminal, once it has stopped changing. */
export class StableSize {
  readonly #terminal: Terminal;
  readonly #clock: Clock;
  readonly #onSettled: () => void;
  #current: Terminal["size"];
  #seen: Terminal["size"];
  #cancel: Cancel | undefined;

  /** @param onSettled called when a changed size has become {@linkcode current}. */
  constructor(terminal: Terminal, clock: Clock, onSettled: () => void) {
    this.#terminal = terminal;
    this.#clock = clock;
    this.#onSettled = onSettled;
    this.#current = this.#seen = terminal.size;
  }

  /** The last stable size. */
  get current(): Terminal["size"] {
    return this.#current;
  }

  /** Looks at the size; whether it has changed recently and may change again. */
  check(): boolean {
    const { columns, rows } = this.#terminal.size;
    if (columns !== this.#seen.columns || rows !== this.#seen.rows) {
      this.#seen = { columns, rows };
      this.#cancel?.();
      this.#cancel = this.#clock.after(SETTLE_MS, () => this.#settled());
    }
    return this.#cancel !== undefined;
  }

  /** Takes the size as it is now. Returns whether a change was still settling. */
  settle(): boolean {
    const wasSettling = this.#cancel !== undefined;
    this.#cancel?.();
    this.#cancel = undefined;
    this.#current = this.#seen = this.#terminal.size;
    return wasSettling;
  }

  #settled(): void {
    this.#cancel = undefined;
    // Where nothing reports changes, the next one may be noticed only now.
    if (this.check()) return;
    this.#current = this.#seen;
    this.#onSettled();
  }
}
