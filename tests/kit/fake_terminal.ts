import {
  ENTER_RAW_MODE,
  RESTORE,
  type Terminal,
  type TerminalEvents,
} from "../../editor/terminal.ts";
import { TerminalModel, type TerminalQuirks } from "./terminal_model.ts";

const encoder = new TextEncoder();

/** A {@linkcode Terminal} that draws on a model, and whose keyboard the test types on. */
export class FakeTerminal implements Terminal {
  readonly screen: TerminalModel;
  /** All calls of `write()`. */
  readonly writes: string[] = [];
  raw = false;
  /** Whether a shell could resume the program. */
  shell = true;
  #events: TerminalEvents | undefined;
  readonly #typed: (Uint8Array | undefined)[] = [];
  #reader: ((bytes: Uint8Array | undefined) => void) | undefined;
  #continue: (() => void) | undefined;

  constructor(columns: number, rows: number, habits?: TerminalQuirks) {
    this.screen = new TerminalModel(columns, rows, habits);
  }

  /** The reported size, if it differs from the real one: tmux reports changes late. */
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

  /** Types keys, each as a separate read; resolves when they are handled. */
  async type(...keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      this.#send(encoder.encode(key));
      await settled();
    }
  }

  /** Pastes like a terminal: with carriage returns, between brackets. */
  async paste(text: string): Promise<void> {
    await this.type(`\x1b[200~${text.replaceAll("\n", "\r")}\x1b[201~`);
  }

  /** Closes the terminal, as SIGHUP would. */
  async hangUp(): Promise<void> {
    this.#send(undefined);
    await settled();
  }

  resize(columns: number, rows: number): void {
    this.screen.resize(columns, rows);
    this.#events?.resized();
  }

  /** Another program asks this one to suspend. */
  async askToStop(): Promise<void> {
    this.#events?.stopping();
    await settled();
  }

  /** An uncaught error occurs. */
  fail(): void {
    this.#events?.failing();
  }

  /** Resumes the program. */
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

/** Resolves when all pending microtasks are done. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
