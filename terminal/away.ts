import { nameKey } from "../protocol.ts";

/** Missed messages that are kept. */
const MAX_MISSED = 100;
/** People who are remembered as answered. */
const MAX_TOLD = 1000;

/** Away mode: automatic answers, and missed messages for the user. */
export class Away {
  /** Milliseconds since 1970. */
  readonly since: number;
  readonly text: string;
  readonly #answered = new Set<string>();
  #missed: string[] = [];
  #count = 0;

  constructor(text: string, since: number) {
    this.text = text;
    this.since = since;
  }

  /** Whether to answer a person: once, or two users who are away would answer each other forever. */
  shouldReplyTo(name: string): boolean {
    const key = nameKey(name);
    if (this.#answered.has(key) || this.#answered.size >= MAX_TOLD) return false;
    this.#answered.add(key);
    return true;
  }

  /** Counts a message for the user, and keeps it as one line. */
  addMissed(line: string): void {
    this.#count++;
    this.#missed = [...this.#missed, line].slice(-MAX_MISSED);
  }

  get count(): number {
    return this.#count;
  }

  /** The latest ones, one line each. */
  get missed(): readonly string[] {
    return this.#missed;
  }
}
