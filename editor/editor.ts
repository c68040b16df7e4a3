import { type Cancel, type Clock, wallClock } from "../lib/clock.ts";
import type { Background } from "../render/palette.ts";
import { formatCandidates } from "./completion.ts";
import { EditorInput } from "./editor_input.ts";
import { FrameRenderer, scrollAway } from "./frame_renderer.ts";
import { type InputHistory, MemoryHistory } from "./input_history.ts";
import { KeyReader } from "./key_reader.ts";
import type { Key } from "./keys.ts";
import { type Layout, layOut } from "./layout.ts";
import type { InteractiveScreen, ScreenEvents } from "./screen.ts";
import { StableSize } from "./stable_size.ts";
import type { Terminal } from "./terminal.ts";

/** Options of an {@linkcode Editor}. */
export interface EditorOptions {
  /** Default: this run's lines only. */
  readonly history?: InputHistory | undefined;
  /** Keys to report instead of handling them here, named as in `Key`. */
  readonly shortcuts?: ReadonlySet<string> | undefined;
  readonly clock?: Clock | undefined;
}

/** Milliseconds of output to collect for one redraw: fewer than 60 redraws a second. */
const BATCH_MS = 17;
/** Keys to buffer while the program starts: more than a user types in that time. */
const MAX_EARLY_KEYS = 500;
/** The least milliseconds between two bells. */
const BELL_INTERVAL_MS = 1000;

// Synchronized output: terminals that know it show everything between the two at once.
const HOLD = "\x1b[?2026h";
const RELEASE = "\x1b[?2026l";

interface Question {
  readonly text: string;
  readonly input: EditorInput;
  readonly cancel: () => void;
}

/**
 * A line editor with output above it.
 *
 * Printing never tears the line being typed: the line is wiped, the text takes its place, and the
 * line is redrawn below, with the cursor where it was.
 */
export class Editor implements InteractiveScreen {
  readonly #terminal: Terminal;
  readonly #clock: Clock;
  readonly #renderer = new FrameRenderer();
  readonly #reader: KeyReader;
  readonly #size: StableSize;
  readonly #watch: Disposable;
  readonly #shortcuts: ReadonlySet<string>;
  readonly #input: EditorInput;
  #events: ScreenEvents | undefined;
  #question: Question | undefined;
  #prompt = "";
  #status: readonly string[] = [];
  #unprinted = "";
  #cancelBatch: Cancel | undefined;
  /** Keys pressed before there was a question or a listener. */
  #earlyKeys: readonly Key[] = [];
  #lastBell = -Infinity;
  /** No more input is expected. */
  #ended = false;
  #suspension: "none" | "checking" | "suspended" = "none";
  #closed = false;

  constructor(terminal: Terminal, options: EditorOptions = {}) {
    const { history = new MemoryHistory(), shortcuts = new Set(), clock = wallClock } = options;
    this.#terminal = terminal;
    this.#clock = clock;
    this.#shortcuts = shortcuts;
    this.#size = new StableSize(terminal, clock, () => {
      this.#draw();
      this.#events?.resized();
    });
    this.#input = this.#newInput(history, {
      line: (line) => this.#events?.line(line),
      interrupt: () => this.#interrupt(),
      end: () => this.#end(),
    });
    this.#watch = terminal.watch({
      resized: () => void this.#size.check(),
      stopping: () => void this.#suspend(),
      continued: () => {
        if (this.#suspension !== "suspended") this.#resume();
      },
      failing: () => this[Symbol.dispose](),
    });
    terminal.enterRawMode();
    this.#reader = new KeyReader(terminal, clock, {
      keys: (keys) => this.#handle(keys),
      end: () => this.#lost(),
    });
    void this.#reader.run();
  }

  get columns(): number {
    return this.#terminal.size.columns;
  }

  get rows(): number {
    return this.#terminal.size.rows;
  }

  get draft(): string {
    return this.#input.draft;
  }

  ask(question: string): Promise<string | undefined> {
    if (this.#ended) return Promise.resolve(undefined);
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    const finish = (line: string, answer?: string): void => {
      this.#question = undefined;
      this.print(question + line);
      this.#draw();
      resolve(answer);
    };
    const cancel = (): void => finish(input.draft);
    const input = this.#newInput(new MemoryHistory(), {
      // Pasted text may have several lines; an answer has one.
      line: (line) => finish(line, line.replaceAll("\n", " ")),
      interrupt: cancel,
      end: cancel,
    });
    this.#question = { text: question, input, cancel };
    this.#draw();
    this.#handleEarlyKeys();
    return promise;
  }

  listen(events: ScreenEvents): void {
    this.#events = events;
    if (this.#ended) return events.end();
    this.#draw();
    this.#handleEarlyKeys();
  }

  print(text: string): void {
    this.#unprinted += text + "\n";
    this.#drawSoon();
  }

  setStatus(rows: readonly string[]): void {
    this.#status = [...rows];
    this.#drawSoon();
  }

  setPrompt(prompt: string): void {
    if (prompt === this.#prompt) return;
    this.#prompt = prompt;
    this.#drawSoon();
  }

  setDraft(text: string): void {
    this.#input.set(text);
    this.#drawSoon();
  }

  bell(): void {
    const now = this.#clock.now();
    // If the clock is set back, the bell must not stay silent for that long.
    if (Math.abs(now - this.#lastBell) < BELL_INTERVAL_MS || this.#closed) return;
    this.#lastBell = now;
    this.#terminal.write("\x07");
  }

  clear(): void {
    this.#clear({ printFirst: true });
  }

  /** Whether the terminal is dark or light; `undefined` if it does not answer. Call once. */
  background(): Promise<Background | undefined> {
    return this.#reader.background();
  }

  /** Wipes the line being typed and restores the terminal. */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    const question = this.#question;
    this.#ended = true;
    this.#question = undefined;
    this.#size.settle();
    this.#draw();
    this.#closed = true;
    this.#reader[Symbol.dispose]();
    this.#watch[Symbol.dispose]();
    this.#terminal.restore();
    question?.cancel();
  }

  #newInput(
    history: InputHistory,
    events: Pick<ScreenEvents, "line" | "interrupt" | "end">,
  ): EditorInput {
    return new EditorInput({
      ...events,
      edited: (draft) => this.#events?.edited(draft),
      shortcut: (key) => this.#events?.shortcut(key),
      complete: (before) => this.#events?.complete(before) ?? [[], ""],
      bell: () => this.bell(),
      clear: () => this.#clear({ printFirst: false }),
      suspend: () => void this.#suspend(),
      list: (candidates) =>
        this.print(formatCandidates(candidates, this.columns, Math.floor(this.rows / 2))),
      problem: (text) => this.print(`! ${text}`),
    }, { history, shortcuts: this.#shortcuts });
  }

  #handleEarlyKeys(): void {
    const keys = this.#earlyKeys;
    this.#earlyKeys = [];
    if (keys.length > 0) this.#handle(keys);
  }

  #handle(keys: readonly Key[]): void {
    for (const key of keys) {
      // While the program is ending, Ctrl-C still ends it at once; other keys have no effect.
      if (this.#ended && !(key.kind === "press" && key.key === "C-c")) continue;
      const input = this.#question?.input ?? (this.#events && this.#input);
      if (input !== undefined) input.handle(key);
      else if (this.#earlyKeys.length < MAX_EARLY_KEYS) this.#earlyKeys = [...this.#earlyKeys, key];
    }
    this.#draw();
  }

  /** Ctrl-C: discards the draft, or reports an interrupt if there is none. */
  #interrupt(): void {
    if (this.#input.draft === "" || this.#ended) return this.#events?.interrupt();
    this.#input.discard();
    this.#events?.discarded();
  }

  /** The terminal is gone. */
  #lost(): void {
    if (this.#question === undefined) return this.#end();
    this.#ended = true;
    this.#question.cancel();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#draw();
    this.#events?.end();
  }

  async #suspend(): Promise<void> {
    if (this.#suspension !== "none" || this.#closed) return;
    this.#suspension = "checking";
    const possible = await this.#terminal.canSuspend();
    if (this.#closed) return;
    if (!possible) {
      this.#suspension = "none";
      return this.bell();
    }
    this.#terminal.write(this.#renderer.wipe(this.columns));
    this.#suspension = "suspended";
    this.#terminal.restore();
    await this.#terminal.suspend();
    this.#suspension = "none";
    if (!this.#closed) this.#resume();
  }

  /** Takes over the terminal again, whatever other programs did with it. */
  #resume(): void {
    this.#terminal.enterRawMode();
    this.#redraw("\r\x1b[J");
    this.#events?.resized();
  }

  /** Scrolls away what is on the screen; text not printed yet comes before or after that. */
  #clear({ printFirst }: { readonly printFirst: boolean }): void {
    if (this.#suspension === "suspended" || this.#closed) return;
    const printed = printFirst ? this.#takeUnprinted() : "";
    const resized = this.#redraw(
      this.#renderer.wipe(this.columns) + printed + scrollAway(this.rows),
    );
    if (resized) this.#events?.resized();
  }

  /** Draws on a screen of unknown content, after `before`. Returns whether the size is new. */
  #redraw(before: string): boolean {
    this.#renderer.reset();
    const resized = this.#size.settle();
    this.#draw(before);
    return resized;
  }

  #drawSoon(): void {
    this.#cancelBatch ??= this.#clock.after(BATCH_MS, () => this.#draw());
  }

  /** Writes `before` and everything that has changed, in one go. */
  #draw(before = ""): void {
    this.#cancelBatch?.();
    this.#cancelBatch = undefined;
    if (this.#suspension === "suspended" || this.#size.check()) return;
    const { columns, rows: height } = this.#size.current;
    const printed = this.#takeUnprinted();
    const content = this.#content();
    let text = printed === "" && content !== undefined ? "" : this.#renderer.wipe(columns);
    text += printed;
    if (content !== undefined) {
      text += this.#renderer.draw(layOut({ ...content, columns, height }), columns);
    }
    if (before + text !== "") this.#terminal.write(HOLD + before + text + RELEASE);
  }

  #takeUnprinted(): string {
    const text = this.#unprinted.replaceAll("\n", "\r\n");
    this.#unprinted = "";
    return text;
  }

  /** The content below the printed lines. */
  #content(): Omit<Layout, "columns" | "height"> | undefined {
    if (this.#closed || this.#ended) return undefined;
    if (this.#question !== undefined) {
      const { prompt = this.#question.text, draft } = this.#question.input.view;
      return { status: [], prompt, draft };
    }
    if (this.#events === undefined) return undefined;
    const { prompt = this.#prompt, draft } = this.#input.view;
    return { status: this.#status, prompt, draft };
  }
}
