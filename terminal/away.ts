import { nameKey } from "../protocol.ts";

/** Mentions that are kept for the return; who is away for longer reads the rooms. */
const MAX_MISSED = 100;
/** People to whom it is known that they were told. */
const MAX_TOLD = 1000;

/** Being away: what is answered to whom, and what was meant for oneself meanwhile. */
export class Away {
  /** Milliseconds since 1970. */
  readonly since: number;
  readonly text: string;
  readonly #told = new Set<string>();
  #missed: string[] = [];
  #count = 0;

  constructor(text: string, since: number) {
    this.text = text;
    this.since = since;
  }

  /** Whether somebody is to be told, which happens once: two who are away must not talk for ever. */
  shouldReplyTo(name: string): boolean {
    const key = nameKey(name);
    if (this.#told.has(key) || this.#told.size >= MAX_TOLD) return false;
    this.#told.add(key);
    return true;
  }

  /** Something was for oneself, told in one line. */
  addMissed(line: string): void {
    this.#count++;
    this.#missed = [...this.#missed, line].slice(-MAX_MISSED);
  }

  /** How much was for oneself. */
  get count(): number {
    return this.#count;
  }

  /** The last of it, one line each. */
  get missed(): readonly string[] {
    return this.#missed;
  }
}
