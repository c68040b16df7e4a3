import { type InputLine, inputLines } from "../lib/input_lines.ts";
import type { Output } from "../lib/output.ts";
import type { InteractiveScreen, ScreenEvents } from "./screen.ts";

/** Rows to assume: a plain terminal does not tell its height. */
const ROWS = 24;

/** Options of a {@linkcode PlainScreen}. */
export interface PlainScreenOptions {
  readonly output: Output;
  readonly input: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Whether a line is a command, which leaves a draft that was given back as it is. */
  readonly isCommand: (line: string) => boolean;
}

/**
 * A terminal without escape sequences: `TERM=dumb`, a serial line, a shell inside an editor. The
 * terminal itself edits the line, so output may appear in the middle of it.
 */
export class PlainScreen implements InteractiveScreen {
  readonly plain = true;
  readonly rows = ROWS;
  readonly #options: PlainScreenOptions;
  readonly #ended = new AbortController();
  readonly #lines: AsyncGenerator<InputLine>;
  #status: readonly string[] = [];
  #draft = "";
  /** How often the draft was set. */
  #drafts = 0;

  constructor(options: PlainScreenOptions) {
    this.#options = options;
    this.#lines = inputLines(options.input, this.#ended.signal);
  }

  get columns(): number {
    return this.#options.output.columns;
  }

  get draft(): string {
    return this.#draft;
  }

  async ask(question: string): Promise<string | undefined> {
    this.#write(question);
    return await this.#next();
  }

  listen(events: ScreenEvents): void {
    void this.#read(events);
  }

  print(text: string): void {
    this.#write(text + "\n");
  }

  /** Prints the rows that are new: printed ones cannot be removed. */
  setStatus(rows: readonly string[]): void {
    for (const row of rows) if (!this.#status.includes(row)) this.print(`* ${row}`);
    this.#status = rows;
  }

  setPrompt(): void {}

  /** Prints the draft; Enter on an empty line sends it. */
  setDraft(text: string): void {
    this.#draft = text;
    this.#drafts++;
    this.#showDraft();
  }

  #showDraft(): void {
    if (this.#draft !== "") this.print(`> ${this.#draft.replaceAll("\n", "\n> ")}`);
  }

  /** BEL is a control character that every terminal knows. */
  bell(): void {
    this.#write("\x07");
  }

  clear(): void {}

  [Symbol.dispose](): void {
    this.#ended.abort();
  }

  async #read(events: ScreenEvents): Promise<void> {
    for (;;) {
      const typed = await this.#next();
      if (typed === undefined) return events.end();
      // The draft may be waiting for this command, such as `/join` before it can be sent.
      if (this.#options.isCommand(typed)) {
        const before = this.#drafts;
        events.line(typed);
        if (this.#drafts === before) this.#showDraft();
        continue;
      }
      const line = typed === "" ? this.#draft : typed;
      this.#draft = "";
      events.line(line);
    }
  }

  /** `undefined` at the end of the input. */
  async #next(): Promise<string | undefined> {
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done === true) return undefined;
      if ("text" in value) return value.text;
      this.print(`! Not sent: ${value.problem}`);
    }
  }

  #write(text: string): void {
    // When the output is closed, the input ends as well.
    void this.#options.output.write(text);
  }
}
