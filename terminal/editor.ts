import * as readline from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { Screen, ScreenEvents } from "./screen.ts";
import { displayWidth } from "./wrap.ts";

/** The streams of a terminal. */
export interface EditorStreams {
  readonly input: Readable;
  readonly output: Writable & { readonly columns?: number };
}

/** Milliseconds in which what arrives is shown at once: one redraw for a burst of messages. */
const BATCH_MS = 15;
/** Lines that the up-arrow remembers. */
const HISTORY = 500;
const FALLBACK_COLUMNS = 80;

/**
 * The line being typed, and everything else above it.
 *
 * What is printed never tears the line: it is wiped, the text takes its place, and the line is
 * drawn anew below, with the cursor where it was.
 */
export class Editor implements Screen, Disposable {
  readonly #output: EditorStreams["output"];
  readonly #readline: readline.Interface;
  #events: ScreenEvents | undefined;
  #unprinted = "";
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;
  /** Rows that readline will go up before it draws. */
  #rows = 0;
  /** Ends a question that is open. */
  #unasked: (() => void) | undefined;

  constructor({ input, output }: EditorStreams) {
    this.#output = output;
    this.#readline = readline.createInterface({
      input,
      output,
      terminal: true,
      historySize: HISTORY,
      removeHistoryDuplicates: true,
      prompt: "",
      completer: (line: string): [string[], string] => {
        const [candidates, part] = this.#events?.complete(line) ?? [[], line];
        return [[...candidates], part];
      },
    });
    this.#readline.on("SIGINT", () => {
      if (this.#unasked !== undefined) this.#unasked();
      else this.#events?.interrupt();
    });
    // Without a listener, readline would stop the process to suspend it, for which it has to send a
    // signal: a permission not worth having. Ctrl-Z does nothing.
    this.#readline.on("SIGTSTP", () => {});
    this.#readline.on("line", (line) => this.#line(line));
    this.#readline.on("close", () => {
      // Ctrl-D: nobody types any more, so no prompt is left standing.
      if (this.#events !== undefined) this.#wipe();
      this.#closed = true;
      this.#unasked?.();
      this.#events?.end();
    });
  }

  get columns(): number {
    return this.#output.columns ?? FALLBACK_COLUMNS;
  }

  get rows(): number {
    return 24;
  }

  get draft(): string {
    return this.#readline.line;
  }

  setStatus(_lines: readonly string[]): void {}

  setDraft(text: string): void {
    this.#readline.write(null, { ctrl: true, name: "u" });
    this.#readline.write(text);
  }

  bell(): void {
    this.#output.write("\x07");
  }

  clear(): void {
    this.#output.write("\x1b[2J\x1b[H");
  }

  /** Asks before the chat begins; `undefined` when that was answered with Ctrl-C or Ctrl-D. */
  ask(question: string): Promise<string | undefined> {
    return new Promise((resolve) => {
      this.#unasked = () => {
        this.#unasked = undefined;
        this.#output.write("\r\n");
        resolve(undefined);
      };
      this.#readline.question(question, (answer) => {
        this.#unasked = undefined;
        resolve(answer);
      });
    });
  }

  /** Shows the prompt and tells `events` from now on. */
  listen(events: ScreenEvents): void {
    this.#events = events;
    if (this.#closed) events.end();
    else this.#readline.prompt(true);
  }

  setPrompt(prompt: string): void {
    if (prompt === this.#readline.getPrompt() || this.#closed) return;
    if (this.#events === undefined) return this.#readline.setPrompt(prompt);
    this.#wipe();
    this.#readline.setPrompt(prompt);
    this.#redraw();
  }

  print(text: string): void {
    this.#unprinted += text + "\n";
    this.#timer ??= setTimeout(() => this.#flush(), BATCH_MS);
  }

  /** Wipes the line being typed, and gives the terminal back as it was. */
  [Symbol.dispose](): void {
    this.#flush();
    if (this.#closed) return;
    this.#wipe();
    this.#events = undefined;
    this.#readline.close();
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#unprinted === "") return;
    const text = this.#unprinted;
    this.#unprinted = "";
    if (!this.#closed) this.#wipe();
    // Raw mode leaves out the carriage return on some terminals.
    this.#output.write(text.replaceAll("\n", "\r\n"));
    if (!this.#closed) this.#redraw();
  }

  /** Wipes prompt and line, and leaves the cursor where they began. */
  #wipe(): void {
    const { rows } = this.#readline.getCursorPos();
    const up = rows > 0 ? `\x1b[${rows}A` : "";
    this.#output.write(`${up}\r\x1b[J`);
    this.#rows = rows;
  }

  /** Draws prompt and line where the cursor is. */
  #redraw(): void {
    // readline goes up first, by as many rows as the cursor was down when it drew last.
    this.#output.write("\r\n".repeat(this.#rows));
    this.#rows = 0;
    this.#readline.prompt(true);
  }

  #line(line: string): void {
    // What was typed comes back from the hub, in its place among what others said.
    const rows = Math.floor(displayWidth(this.#readline.getPrompt() + line) / this.columns) + 1;
    this.#output.write(`\x1b[${rows}A\r\x1b[J`);
    this.#events?.line(line);
    if (!this.#closed) this.#readline.prompt();
  }
}
