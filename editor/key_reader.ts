import type { Cancel, Clock } from "../lib/clock.ts";
import { backgroundOfColor } from "../render/background.ts";
import type { Background } from "../render/palette.ts";
import { ESCAPE_MS, type Key, KeyDecoder, type TerminalInput } from "./keys.ts";
import { QUERY_BACKGROUND, type Terminal } from "./terminal.ts";

/** Milliseconds for a terminal to answer: enough for a slow line, and hardly noticed by a user. */
const ANSWER_MS = 200;

/** Receives the input of a {@linkcode KeyReader}. */
export interface KeyHandler {
  keys(keys: readonly Key[]): void;
  /** The terminal is gone. */
  end(): void;
}

/** Reads keys from a terminal, and its answers, which are no keys. */
export class KeyReader implements Disposable {
  readonly #terminal: Terminal;
  readonly #clock: Clock;
  readonly #handler: KeyHandler;
  readonly #decoder = new KeyDecoder();
  #cancelEscape: Cancel | undefined;
  #onBackground: ((background: Background | undefined) => void) | undefined;
  #closed = false;

  constructor(terminal: Terminal, clock: Clock, handler: KeyHandler) {
    this.#terminal = terminal;
    this.#clock = clock;
    this.#handler = handler;
  }

  /** Reads until the terminal is gone or this is disposed. */
  async run(): Promise<void> {
    for (;;) {
      const bytes = await this.#terminal.read();
      if (this.#closed) return;
      this.#cancelEscape?.();
      this.#cancelEscape = undefined;
      if (bytes === undefined) return this.#handler.end();
      this.#receive(this.#decoder.push(bytes));
      if (this.#decoder.pending) {
        // An answer may come in pieces.
        const wait = this.#onBackground === undefined ? ESCAPE_MS : ANSWER_MS;
        this.#cancelEscape = this.#clock.after(wait, () => this.#receive(this.#decoder.timeout()));
      }
    }
  }

  /** Asks the terminal for its background; `undefined` if it does not answer in time. Call once. */
  background(): Promise<Background | undefined> {
    if (this.#closed) return Promise.resolve(undefined);
    const { promise, resolve } = Promise.withResolvers<Background | undefined>();
    const cancel = this.#clock.after(ANSWER_MS, () => this.#onBackground?.(undefined));
    this.#onBackground = (background) => {
      this.#onBackground = undefined;
      cancel();
      resolve(background);
    };
    this.#terminal.write(QUERY_BACKGROUND);
    return promise;
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#onBackground?.(undefined);
    this.#cancelEscape?.();
  }

  #receive(inputs: readonly TerminalInput[]): void {
    const keys: Key[] = [];
    for (const input of inputs) {
      if (input.kind === "background") this.#onBackground?.(backgroundOfColor(input.color));
      else if (input.kind === "attributes") this.#onBackground?.(undefined);
      else keys.push(input);
    }
    if (keys.length > 0) this.#handler.keys(keys);
  }
}
