import type { Context } from "../cli/context.ts";
import { type InputLine, inputLines } from "../commands/pipeline/lines.ts";
import { isPrivateCommand } from "../terminal/completion.ts";
import type { Console, ScreenEvents } from "./screen.ts";

/** Rows of a window that is shown again: nothing tells how many a plain terminal has in sight. */
const ROWS = 24;

/**
 * A terminal that takes lines and shows lines, without any escape sequence: `TERM=dumb`, a serial
 * line, a shell inside an editor. The terminal itself edits what is typed, so that what others say
 * may come in the middle of it.
 */
export class PlainScreen implements Console {
  readonly plain = true;
  readonly rows = ROWS;
  readonly #context: Context;
  readonly #ended = new AbortController();
  readonly #lines: AsyncGenerator<InputLine>;
  #status: readonly string[] = [];
  #draft = "";
  /** How often the draft was set. */
  #drafts = 0;

  constructor(context: Context) {
    this.#context = context;
    this.#lines = inputLines(context.stdin.readable, this.#ended.signal);
  }

  get columns(): number {
    return this.#context.stdout.columns;
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

  /** Shows the rows that are new: what was written cannot be taken back. */
  setStatus(rows: readonly string[]): void {
    for (const row of rows) if (!this.#status.includes(row)) this.print(`* ${row}`);
    this.#status = rows;
  }

  setPrompt(): void {}

  /** Shows a draft that was given back; Enter on an empty line sends it. */
  setDraft(text: string): void {
    this.#draft = text;
    this.#drafts++;
    this.#showDraft();
  }

  #showDraft(): void {
    if (this.#draft !== "") this.print(`> ${this.#draft.replaceAll("\n", "\n> ")}`);
  }

  /** Rings with a control character, which every terminal knows. */
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
      // A command may be what the draft waits for: `/join` of a room that it could not be sent to.
      if (isPrivateCommand(typed)) {
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
    // Where nobody reads any more, the input ends as well.
    void this.#context.stdout.write(text);
  }
}
