import {
  ENTER_RAW_MODE,
  RESTORE,
  type Terminal,
  type TerminalEvents,
} from "../../editor/terminal.ts";
import { type TerminalHabits, TerminalModel } from "./terminal_model.ts";

const encoder = new TextEncoder();

/** A terminal that is a model of one, with a keyboard for the test. */
export class FakeTerminal implements Terminal {
  readonly screen: TerminalModel;
  /** All that was written, piece by piece. */
  readonly writes: string[] = [];
  raw = false;
  /** Whether there is a shell to go back to. */
  shell = true;
  #events: TerminalEvents | undefined;
  readonly #typed: (Uint8Array | undefined)[] = [];
  #reader: ((bytes: Uint8Array | undefined) => void) | undefined;
  #continue: (() => void) | undefined;

  constructor(columns: number, rows: number, habits?: TerminalHabits) {
    this.screen = new TerminalModel(columns, rows, habits);
  }

  /** What it tells of its size, where that is not how large it is: tmux is late with news of it. */
  claimed: Terminal["size"] | undefined;

  get size(): Terminal["size"] {
    return this.claimed ?? { columns: this.screen.columns, rows: this.screen.height };
  }

  get watched(): boolean {
    return this.#events !== undefined;
  }

  get stopped(): boolean {
    return this.#continue !== undefined;
  }

  enterRawMode(): void {
    this.raw = true;
    this.write(ENTER_RAW_MODE);
  }

  restore(): void {
    this.write(RESTORE);
    this.raw = false;
  }

  write(text: string): void {
    this.writes.push(text);
    this.screen.write(text);
  }

  read(): Promise<Uint8Array | undefined> {
    if (this.#typed.length > 0) return Promise.resolve(this.#typed.shift());
    return new Promise((resolve) => this.#reader = resolve);
  }

  canSuspend(): Promise<boolean> {
    return Promise.resolve(this.shell);
  }

  suspend(): Promise<void> {
    return new Promise((resolve) => this.#continue = resolve);
  }

  watch(events: TerminalEvents): Disposable {
    this.#events = events;
    return { [Symbol.dispose]: () => this.#events = undefined };
  }

  /** Types keys, each of them in a piece of its own; returns when they were taken in. */
  async type(...keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      this.#send(encoder.encode(key));
      await settled();
    }
  }

  /** Pastes, as terminals do it: with carriage returns, between brackets. */
  async paste(text: string): Promise<void> {
    await this.type(`\x1b[200~${text.replaceAll("\n", "\r")}\x1b[201~`);
  }

  /** Takes the terminal away. */
  async hangUp(): Promise<void> {
    this.#send(undefined);
    await settled();
  }

  resize(columns: number, rows: number): void {
    this.screen.resize(columns, rows);
    this.#events?.resized();
  }

  /** Somebody else asks the program to stop. */
  async askToStop(): Promise<void> {
    this.#events?.stopping();
    await settled();
  }

  /** An error occurs that nobody catches. */
  fail(): void {
    this.#events?.failing();
  }

  /** Lets the program go on. */
  async continue(): Promise<void> {
    this.#events?.continued();
    this.#continue?.();
    this.#continue = undefined;
    await settled();
  }

  #send(bytes: Uint8Array | undefined): void {
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader === undefined) this.#typed.push(bytes);
    else reader(bytes);
  }
}

/** Returns when all that could be done at once was done. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
